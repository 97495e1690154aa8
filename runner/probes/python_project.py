"""Whether a produced Python project is laid out, written and described so that others can work with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

from runner.core.protocols import Subject
from runner.core.records import Finding, Location, Outcome
from runner.core.tree import SourceTree
from runner.probes.kit.python.api import ApiUse
from runner.probes.kit.python.handlers import swallowing
from runner.probes.kit.python.imports import declared, third_party
from runner.probes.kit.python.project import Project
from runner.probes.kit.verdicts import Verdict, bad, good, moot, place, unclear

LONGEST_FUNCTION = 60
_WORDS = 12
_README_CHARACTERS = 100_000

_README = re.compile(r"readme(?:\.(?:md|markdown|rst|txt|adoc|org))?", re.IGNORECASE)
_CODE = re.compile(
    r"^```[^\n]*\n.*?^```|^~~~[^\n]*\n.*?^~~~|^(?: {4}|\t|\$ |#+ )[^\n]*$|`[^`\n]*`", re.MULTILINE | re.DOTALL
)
_RUN = re.compile(r"\bpython[\d.]*\s+(?:-[A-Z]\s+)*(?:-m\s+(?!unittest|pytest|venv|pip)\w|[\w./]+\.py\b)")
_RUN_TESTS = re.compile(r"\b(?:unittest|pytest|tox|nox)\b|\bmake\s+(?:test|check)")
_CACHE = re.compile(
    r"(?:^|/)(?:__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|htmlcov|[\w.-]+\.egg-info)/"
    r"|\.py[co]$|(?:^|/)(?:\.coverage|pyvenv\.cfg|\.DS_Store)$"
)
_DATA = re.compile(r"\.(?:json|jsonl|ndjson|db|sqlite3?|pickle|pkl|shelve)(?:\.(?:bak|tmp|lock))?$")
_NO_DATA = re.compile(
    r"(?:^|/)(?:tests?|fixtures|examples?|samples?|docs?|schemas?|\.[\w-]+)/"
    r"|(?:^|/)(?:\.[^/]*|package(?:-lock)?|[\w-]*config|renovate|[\w.-]*schema)\.json$"
)
_PARSERS = {"argparse", "optparse", "getopt", "click", "typer", "docopt", "fire", "cleo", "cyclopts", "plac"}


def _package(project: Project) -> Verdict:
    if project.packages:
        names = ", ".join(project.packages)
        return good(f"runs with python3 -m: {names}", [Location(path=f"{project.packages[0]}/__main__.py")])
    nested = [p for p in project.paths if p.endswith("/__main__.py")]
    where = f"; {nested[0]} is not in the root" if nested else ""
    return bad(f"no package in the root has a __main__.py{where}", [Location(path=p) for p in nested])


def _tests(project: Project) -> Verdict:
    found = [
        place(project.tree, file.path, node.lineno)
        for file in project.tests
        for node in file.nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    ]
    if found:
        return good(f"{len(found)} test functions", found[:1], tests=len(found))
    return bad("no test function in any file for tests")


def _readme(tree: SourceTree) -> Verdict:
    path, text = _readme_of(tree)
    if not path:
        return bad("there is no README in the root")
    prose = len(re.findall(r"[^\W\d_]{2,}", _CODE.sub(" ", text)))
    missing = [] if prose >= _WORDS else ["what the program is"]
    missing += [] if _RUN.search(text) else ["how to run it"]
    if missing:
        return bad(f"it does not say {' or '.join(missing)}", [Location(path=path)])
    return good("it says what the program is and how to run it", [Location(path=path)])


def _readme_tests(tree: SourceTree) -> Verdict:
    path, text = _readme_of(tree)
    if not path:
        return moot("there is no README in the root")
    if _RUN_TESTS.search(text):
        return good("it says how the tests are run", [Location(path=path)])
    return bad("it does not say how the tests are run", [Location(path=path)])


def _readme_of(tree: SourceTree) -> tuple[str, str]:
    found = [(p, (tree.text(p) or "")[:_README_CHARACTERS]) for p in tree if _README.fullmatch(p)]
    return max(found, key=lambda item: len(item[1]), default=("", ""))


def _standard_library(project: Project) -> Verdict:
    return _imports(project, set(), "imports only the standard library", "from outside the standard library")


def _dependencies(project: Project) -> Verdict:
    return _imports(project, declared(project.tree), "whatever is imported is declared", "undeclared")


def _imports(project: Project, allowed: set[str], fine: str, fault: str) -> Verdict:
    found = {
        (file.path, line): name
        for file in (*project.code, *project.tests)
        for name, line in third_party(project, file)
        if name.lower() not in allowed
    }
    if found:
        names = ", ".join(sorted(set(found.values()))[:10])
        return bad(f"{fault}: {names}", [place(project.tree, *where) for where in found])
    return good(fine)


def _no_caches(tree: SourceTree) -> Verdict:
    found = [path for path in (*tree, *tree.skipped) if _CACHE.search(path)]
    if found:
        return bad("caches or environments are committed", _whole(tree, found), count=len(found))
    return good("no byte code, cache or environment is committed")


def _no_data(tree: SourceTree) -> Verdict:
    found = [p for p in tree if _DATA.search(p) and not _NO_DATA.search(p) and not _CACHE.search(p)]
    if found:
        return bad("a data file of the program is committed", _whole(tree, found), count=len(found))
    return good("no data file of the program is committed")


def _whole(tree: SourceTree, paths: list[str]) -> list[Location]:
    return [Location(path=path) for path in paths if path in tree]


def _argument_parser(project: Project) -> Verdict:
    for file in project.code:
        for node in file.nodes():
            if isinstance(node, ast.Import | ast.ImportFrom) and _PARSERS & set(_modules(node)):
                return good(
                    "the command line is read by a parser", [place(project.tree, file.path, node.lineno)]
                )
    by_hand = [
        place(project.tree, file.path, node.lineno)
        for file in project.code
        for node in file.nodes()
        if isinstance(node, ast.Attribute) and node.attr == "argv"
    ]
    return bad("the command line is taken apart by hand", by_hand)


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]


def _no_swallowed_errors(project: Project) -> Verdict:
    found = [
        place(project.tree, file.path, line)
        for file in project.code
        for line in sorted(swallowing(file.nodes()))
    ]
    if found:
        return bad("errors of any kind are caught and dropped", found, count=len(found))
    return good("nothing catches all errors just to drop them")


def _small_functions(project: Project) -> Verdict:
    long = [
        (file, node, length)
        for file in project.code
        for node in file.nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    if long:
        names = ", ".join(f"{node.name} ({length} lines)" for _, node, length in long[:5])
        return bad(
            f"too long to take in: {names}", [place(project.tree, f.path, n.lineno) for f, n, _ in long]
        )
    return good(f"no function is longer than {LONGEST_FUNCTION} lines")


_OF_CODE = {
    "standard_library": (_standard_library, Outcome.PASS),
    "dependencies": (_dependencies, Outcome.PASS),
    "argument_parser": (_argument_parser, Outcome.FAIL),
    "no_swallowed_errors": (_no_swallowed_errors, Outcome.PASS),
    "small_functions": (_small_functions, Outcome.PASS),
}


def _unless_unread(verdict: Verdict, doubtful: Outcome, unread: dict[str, str]) -> Verdict:
    """Where files cannot be read, the outcome that they might turn over is not known."""
    if not unread or verdict.outcome is not doubtful:
        return verdict
    path, why = next(iter(unread.items()))
    return unclear(f"{len(unread)} files cannot be read; {path}: {why}", [Location(path=p) for p in unread])


def _api(project: Project, manifests: Path) -> Verdict:
    use = ApiUse(project, manifests)
    found = use.invented
    if not use.judges:
        return moot("no library is imported whose API is known by a manifest")
    doubtful = [one for one in found if not use.judges[one.library].certain]
    by = "; ".join(judge.words for _, judge in sorted(use.judges.items()))
    if sure := [one for one in found if one not in doubtful]:
        words = "; ".join(dict.fromkeys(one.words for one in sure[:5]))
        return bad(f"{words} (judged by {by})", [one.location for one in sure], judged_by=by)
    if doubtful:
        words = "; ".join(dict.fromkeys(one.words for one in doubtful[:5]))
        return unclear(f"{words}, as far as known of {by}", [one.location for one in doubtful])
    return good(f"every name used of a known library exists (judged by {by})", judged_by=by)


class PythonProject:
    """Reads the files; Python is parsed with `ast` and never executed."""

    id = "python_project"
    version = 2
    needs_lab = False
    checks: Mapping[str, str] = {
        "python_project.package": "a package in the root runs with python -m",
        "python_project.tests": "there are test functions",
        "python_project.readme": "the README says what the program is and how to run it",
        "python_project.readme_tests": "the README says how the tests are run",
        "python_project.standard_library": "nothing outside the standard library is imported",
        "python_project.dependencies": "every package that is imported is declared",
        "python_project.no_caches": "no byte code, cache or environment is committed",
        "python_project.no_data": "no data file of the program is committed",
        "python_project.argument_parser": "the command line is read by a parser, not by hand",
        "python_project.no_swallowed_errors": "no handler catches all errors and drops them",
        "python_project.api": "every name and keyword used of a library with a manifest exists there",
        "python_project.small_functions": f"no function is longer than {LONGEST_FUNCTION} lines",
    }

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding per check."""
        return [
            verdict.of(f"{self.id}.{name}")
            for name, verdict in verdicts(subject.tree, subject.manifests).items()
        ]


def verdicts(tree: SourceTree, manifests: Path) -> dict[str, Verdict]:
    """What the files say, by the second half of the check."""
    project = Project(tree)
    tests = _unless_unread(_tests(project), Outcome.FAIL, project.unread(project.tests, project.test_paths))
    of_tree = {
        "package": _package(project),
        "tests": tests,
        "readme": _readme(tree),
        "readme_tests": _readme_tests(tree),
        "no_caches": _no_caches(tree),
        "no_data": _no_data(tree),
    }
    if not project.code_paths:
        return of_tree | dict.fromkeys((*_OF_CODE, "api"), moot("there is no Python program"))
    unread = project.unread(project.code, project.code_paths)
    api = _unless_unread(_api(project, manifests), Outcome.PASS, unread)
    return (
        of_tree
        | {"api": api}
        | {
            name: _unless_unread(judge(project), doubtful, unread)
            for name, (judge, doubtful) in _OF_CODE.items()
        }
    )


PROBE = PythonProject()
