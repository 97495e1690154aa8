"""Whether a Python project compiles, and its own unittest suite runs, passes and covers the program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.core.protocols import ExecResult, Sandbox, Subject
from runner.core.records import Finding, Location
from runner.core.tree import SourceTree
from runner.probes.kit.lab.logs import Flood, Log, error_line
from runner.probes.kit.python.container import LAB, ask, open_container
from runner.probes.kit.python.project import Project
from runner.probes.kit.verdicts import Verdict, bad, good, moot, place, unclear

LEAST_TESTS = 5
LEAST_COVERED = 70
MEASURE_S = 60.0
_TRACE = 4000

_TEST_FILE = re.compile(r"(?:^|/)test[^/]*\.py$")
_RAN = re.compile(r"^Ran (?P<ran>\d{1,7}) tests? in", re.MULTILINE)
_SKIPPED = re.compile(r"^OK \(.*?skipped=(\d{1,7})|^FAILED \(.*?skipped=(\d{1,7})", re.MULTILINE)
_FAILED = re.compile(r"^(?:FAIL|ERROR): (?P<test>[^\n]{1,200})$", re.MULTILINE)
_PLACE = re.compile(r'^ *File "/workspace/(?P<path>[^"\n]{1,300})", line (?P<line>\d{1,7})', re.MULTILINE)
Verdicts = dict[str, Verdict]


@dataclass(frozen=True)
class SuiteRun:
    """How the runner ended and what it wrote; `result` None when it wrote without end."""

    result: ExecResult | None
    output: str

    @property
    def ran(self) -> int:
        """Tests that really ran, by the last summary."""
        summaries = _RAN.findall(self.output)
        skipped = _SKIPPED.findall(self.output)
        return max(0, int(summaries[-1]) - int("".join(skipped[-1]) if skipped else 0)) if summaries else 0

    @property
    def has_loaded(self) -> bool:
        """Whether the runner came to its summary by itself."""
        return (
            self.result is not None and self.result.exit_code is not None and bool(_RAN.search(self.output))
        )


class PythonSuite:
    """Runs the suite once, watched line by line; `limit_s` is the time it may take."""

    id = "python_suite"
    version = 2
    needs_lab = True
    checks: Mapping[str, str] = {
        "python_suite.compiles": "every Python file compiles",
        "python_suite.runs": "python3 -m unittest runs the suite to its end",
        "python_suite.passes": "every test passes",
        "python_suite.not_trivial": f"at least {LEAST_TESTS} tests run, and they execute the program",
        "python_suite.covers": f"the suite executes at least {LEAST_COVERED} % of the program's lines",
    }

    def __init__(self, limit_s: float = 60) -> None:
        self.limit_s = limit_s

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check."""
        verdicts = await self._judge(subject)
        return [verdicts[check.partition(".")[2]].of(check) for check in self.checks]

    async def _judge(self, subject: Subject) -> Verdicts:
        project = Project(subject.tree)
        if not project.paths:
            nothing, missing = moot("there is no Python file"), bad("there is no test and no program")
            return {
                "compiles": nothing,
                "runs": missing,
                "passes": nothing,
                "not_trivial": missing,
                "covers": missing,
            }
        async with open_container(subject) as sandbox:
            run = await self._execute(sandbox, subject, project)
            measured = await ask(sandbox, "measure", project.paths, MEASURE_S)
        return judged(project, run, measured if isinstance(measured, dict) else None)

    async def _execute(self, sandbox: Sandbox, subject: Subject, project: Project) -> SuiteRun:
        log = Log()
        start = ["-s", folder] if (folder := start_folder(project)) else []
        try:
            result: ExecResult | None = await sandbox.exec(
                ["python3", f"{LAB}/suite.py", "discover", "-v", *start],
                timeout_s=self.limit_s,
                on_output=log.feed,
            )
        except Flood:
            result = None
        log.keep(subject.artifacts, "python-suite.log")
        return SuiteRun(result, log.text)


def start_folder(project: Project) -> str:
    """Where discovery must begin to find the tests: the root (empty), or a folder that is no package."""
    for path in project.test_paths:
        folders = path.split("/")[:-1]
        if _TEST_FILE.search(path):
            packages = ["/".join([*folders[: n + 1], "__init__.py"]) for n in range(len(folders))]
            return "" if all(package in project.tree for package in packages) else "/".join(folders)
    return ""


def judged(project: Project, run: SuiteRun, measured: dict[str, Any] | None) -> Verdicts:
    """The verdicts on a suite's run and on what it executed."""
    verdicts = {"compiles": compiles(project.tree, measured), "runs": runs(project.tree, run)}
    if not run.has_loaded or run.ran == 0:
        nothing = bad("no test ran")
        return verdicts | {"passes": moot("no test ran"), "not_trivial": nothing, "covers": nothing}
    lines = {path: found for path, found in (measured or {}).items() if path in project.code_paths}
    total = sum(found["lines"] for found in lines.values())
    executed = total - sum(found["missed"] for found in lines.values())
    return verdicts | {
        "passes": passes(project.tree, run),
        "not_trivial": not_trivial(run.ran, executed, total),
        "covers": covers(project.tree, lines, total, executed),
    }


def compiles(tree: SourceTree, measured: dict[str, Any] | None) -> Verdict:
    """By the sandbox's own Python."""
    if measured is None:
        return bad("compiling the files kills the compiler or never ends")
    broken = {path: found["error"] for path, found in measured.items() if found["error"]}
    if broken:
        path, error = next(iter(broken.items()))
        return bad(
            f"{len(broken)} files do not compile; {path}: {error[:300]}",
            [_place(tree, p, e) for p, e in broken.items()],
        )
    return good(f"{len(measured)} files compile")


def _place(tree: SourceTree, path: str, error: str) -> Location:
    line = re.search(r"line (\d{1,7})", error)
    return place(tree, path, max(1, int(line[1]))) if line else Location(path=path)


def runs(tree: SourceTree, run: SuiteRun) -> Verdict:
    """Whether the runner came to its end."""
    if run.result is None:
        return bad("the test suite writes without end")
    if run.result.timed_out:
        return bad(f"the test suite did not end within {run.result.wall_s:.0f} s", _places(tree, run.output))
    if not run.has_loaded:
        reason = error_line(run.output) or "it printed nothing"
        return bad(f"it ended with exit code {run.result.exit_code}: {reason}", _places(tree, run.output))
    if run.ran == 0:
        return bad("python3 -m unittest finds no test to run")
    return good(f"{run.ran} tests ran", tests=run.ran)


def passes(tree: SourceTree, run: SuiteRun) -> Verdict:
    """By the exit code; the output alone may lie."""
    assert run.result is not None
    reports = list(_FAILED.finditer(run.output))
    if run.result.ok:
        return good(f"all {run.ran} tests pass")
    if not reports:
        return bad(f"the runner names no failure, but ended with exit code {run.result.exit_code}")
    names = ", ".join(report["test"] for report in reports[:5])
    traces = [run.output[r.end() : r.end() + _TRACE].partition("\n\n")[0] for r in reports]
    places = [spot for trace in traces for spot in _places(tree, trace)[:1]]
    return bad(f"{len(reports)} of {run.ran} tests fail: {names}", places)


def _places(tree: SourceTree, output: str) -> list[Location]:
    """Lines of the project that a traceback names, the innermost first."""
    found = [match for match in _PLACE.finditer(output) if match["path"] in tree]
    return [place(tree, match["path"], max(1, int(match["line"]))) for match in reversed(found[-3:])]


def not_trivial(ran: int, executed: int, total: int) -> Verdict:
    """Enough tests, of this program."""
    if ran < LEAST_TESTS:
        return bad(f"only {ran} tests ran; fewer than {LEAST_TESTS} cannot test this program", tests=ran)
    if 100 * executed < total:  # discovery itself imports the packages that it looks into
        return bad(f"{ran} tests ran without executing the program", tests=ran)
    return good(f"{ran} tests execute {executed} lines of the program", tests=ran)


def covers(tree: SourceTree, lines: dict[str, Any], total: int, executed: int) -> Verdict:
    """The share of the program's lines that some test executes."""
    if not total:
        return unclear("the program's lines could not be counted")
    percent = 100 * executed // total
    message = f"the tests execute {percent} % of the program's {total} lines"
    missed = [place(tree, path, line) for path, found in lines.items() for line in found["places"][:3]]
    if percent < LEAST_COVERED:
        return bad(message, missed, percent=percent)
    return good(message, missed, percent=percent)


PROBE = PythonSuite()
