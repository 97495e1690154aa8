"""Python written to break a reader of Python: deep, endless or odd code must neither raise nor hang."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path

import pytest

from runner.core.protocols import Subject
from runner.core.records import Finding, Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.python.syntax import MOST_CHARACTERS, parse
from runner.probes.python_project import PROBE

HOSTILE = {
    "minus": "x = " + "-" * 100_000 + "1",
    "not": "x = " + "not " * 50_000 + "1",
    "chain": "a" + ".b" * 50_000,
    "sum": "a" + " + a" * 50_000,
    "elif": "if a:\n pass\n" + "elif a:\n pass\n" * 20_000,
    "lambda": "lambda: " * 40_000 + "1",
    "power": "2" + " ** 2" * 50_000,
    "subscripts": "a" + "[0]" * 50_000,
    "calls": "a" + "()" * 50_000,
    "long": "#" * (MOST_CHARACTERS + 1),
}
ODD = {
    "brackets": "x = " + "(" * 5000 + ")" * 5000,
    "blocks": "".join(" " * n + "if 1:\n" for n in range(400)),
    "f-strings": "f'{" * 80 + "1" + "}'" * 80,
    "nul": "a = 1\0",
    "not python": "}}}{{{ def class \ufffd ->(",
    "surrogates": "x = '\ud800'",
    "empty": "",
    "invalid escape": "x = '\\d'",
    "handlers": "try:\n pass\nexcept* Exception:\n pass\n",
    "wide": "try:\n pass\nexcept (" + "A, " * 50_000 + "):\n pass\n",
}


def subject_of(files: dict[str, SourceFile], skipped: dict[str, str] | None = None) -> Subject:
    tree = SourceTree(digest="hostile", files=files, skipped=skipped or {})
    return Subject(tree=tree, run="hostile", manifests=Path("none"))


def project(source: str) -> Subject:
    paths = ("notes/__main__.py", "tests/test_notes.py", "setup.cfg", "pyproject.toml", "README.md")
    content = source.encode("utf-8", "surrogatepass")
    files = {path: SourceFile(path, 0o100644, content) for path in paths}
    return subject_of(files)


async def probed(source: str) -> dict[str, Finding]:
    """In a thread, as the pipeline does, whose stack may be smaller."""
    found = await asyncio.to_thread(lambda: asyncio.run(PROBE.run(project(source))))
    assert sorted(f.check for f in found) == sorted(PROBE.checks)
    return {f.check: f for f in found}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
async def test_what_cannot_be_read_leaves_its_checks_unknown(source: str) -> None:
    found = await probed(source)
    for name in ("tests", "no_swallowed_errors", "small_functions", "argument_parser"):
        assert found[f"python_project.{name}"].outcome is Outcome.UNKNOWN
    assert found["python_project.package"].outcome is Outcome.PASS


@pytest.mark.parametrize("source", ODD.values(), ids=ODD)
async def test_the_probe_answers(source: str) -> None:
    assert Outcome.UNKNOWN not in {finding.outcome for finding in (await probed(source)).values()}


async def test_a_fault_that_was_seen_counts_beside_what_cannot_be_read() -> None:
    subject = project(HOSTILE["chain"])
    fault = SourceFile("notes/a.py", 0o100644, b"try:\n    pass\nexcept:\n    pass\n")
    both = subject_of({**subject.tree.files, fault.path: fault})
    found = {f.check: f.outcome for f in await PROBE.run(both)}
    assert found["python_project.no_swallowed_errors"] is Outcome.FAIL
    assert found["python_project.small_functions"] is Outcome.UNKNOWN


async def test_more_files_than_are_read_leave_the_rest_unknown() -> None:
    files = {f"notes/m{n}.py": SourceFile(f"notes/m{n}.py", 0o100644, b"x = 1\n") for n in range(500)}
    found = {f.check: f for f in await PROBE.run(subject_of(files))}
    assert found["python_project.small_functions"].outcome is Outcome.UNKNOWN
    assert "100 files cannot be read" in found["python_project.small_functions"].message


async def test_committed_byte_code_is_found_by_its_folder() -> None:
    path = "notes/__pycache__/store.cpython-314.pyc"
    subject = subject_of({path: SourceFile(path, 0o100644, b"\0")}, {"venv/pyvenv.cfg": "too large"})
    found = {f.check: f for f in await PROBE.run(subject)}
    assert found["python_project.no_caches"].outcome is Outcome.FAIL
    assert found["python_project.no_caches"].values == {"count": 2}


def test_a_warning_of_the_parser_stays_silent_and_the_filters_as_they_were() -> None:
    before = list(warnings.filters)
    assert parse("x = '\\d'").tree is not None
    assert warnings.filters == before
