"""What the runner of a Python suite wrote, and where it has to begin, on literal output."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.protocols import ExecResult
from runner.core.records import Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.python.project import Project
from runner.probes.python_suite import SuiteRun, judged, start_folder

TRACE = """FAIL: test_a (tests.test_a.A.test_a)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/workspace/tests/test_a.py", line 2, in test_a
    self.assertEqual(1, 2)
  File "/usr/lib/python3.14/unittest/case.py", line 9, in assertEqual
AssertionError: 1 != 2

----------------------------------------------------------------------
"""


def tree(*paths: str) -> SourceTree:
    return SourceTree("t", {path: SourceFile(path, 0o100644, b"x = 1\ny = 2\n") for path in paths})


def project(*paths: str) -> Project:
    return Project(tree("notes/__main__.py", *paths))


def measured(lines: int = 10, missed: int = 0) -> dict[str, Any]:
    file = {"error": "", "lines": lines, "missed": missed, "places": list(range(1, 1 + min(missed, 2)))}
    return {"notes/__main__.py": file, "tests/test_a.py": {**file, "lines": 1000, "missed": 1000}}


def outcomes(output: str, exit_code: int | None = 0, **measure: int) -> dict[str, str]:
    run = SuiteRun(ExecResult(exit_code, 1.0, timed_out=exit_code is None), output)
    verdicts = judged(project("tests/test_a.py"), run, measured(**measure))
    return {name: str(verdict.outcome) for name, verdict in verdicts.items()}


GREEN = dict.fromkeys(("compiles", "runs", "passes", "not_trivial", "covers"), "pass")


@pytest.mark.parametrize(
    ("output", "exit_code", "measure", "changed"),
    [
        ("Ran 9 tests in 0.1s\n\nOK\n", 0, {}, {}),
        ("Ran 9 tests in 0.1s\n\nOK (skipped=4)\n", 0, {}, {}),
        ("Ran 9 tests in 0.1s\n\nOK (skipped=5)\n", 0, {}, {"not_trivial": "fail"}),
        ("Ran 9 tests in 0.1s\n\nOK\n", 0, {"missed": 3}, {}),
        ("Ran 9 tests in 0.1s\n\nOK\n", 0, {"missed": 4}, {"covers": "fail"}),
        ("Ran 9 tests in 0.1s\n\nOK\n", 0, {"missed": 10}, {"covers": "fail", "not_trivial": "fail"}),
        ("Ran 9 tests in 0.1s\n\nOK\n", 0, {"lines": 0}, {"covers": "unknown"}),
        ("Ran 9 tests in 0.1s\n\nOK\n", 1, {}, {"passes": "fail"}),
        (f"{TRACE}Ran 9 tests in 0.1s\n\nFAILED (failures=1)\n", 1, {}, {"passes": "fail"}),
    ],
)
def test_outcomes(output: str, exit_code: int, measure: dict[str, int], changed: dict[str, str]) -> None:
    assert outcomes(output, exit_code, **measure) == {**GREEN, **changed}


@pytest.mark.parametrize(
    ("output", "exit_code"),
    [
        ("", 1),
        ("Segmentation fault", 139),
        ("test_a ... ", None),
        ("Ran 0 tests in 0.0s\n\nNO TESTS RAN\n", 5),
    ],
)
def test_without_a_test_that_ran_nothing_is_proved(output: str, exit_code: int | None) -> None:
    wanted = {"runs": "fail", "passes": "not_applicable", "not_trivial": "fail", "covers": "fail"}
    assert outcomes(output, exit_code) == {**GREEN, **wanted}


def test_a_failing_test_is_shown_where_it_failed() -> None:
    output = f"{TRACE}Ran 9 tests in 0.1s\n\nFAILED (failures=1)\n"
    verdicts = judged(project("tests/test_a.py"), SuiteRun(ExecResult(1, 1.0), output), measured())
    assert verdicts["passes"].message == "1 of 9 tests fail: test_a (tests.test_a.A.test_a)"
    assert [(p.path, p.line) for p in verdicts["passes"].locations] == [("tests/test_a.py", 2)]


def test_a_compiler_that_was_killed_compiled_nothing() -> None:
    run = SuiteRun(ExecResult(0, 1.0), "Ran 9 tests in 0.1s\n\nOK\n")
    verdicts = judged(project("tests/test_a.py"), run, None)
    assert verdicts["compiles"].outcome is Outcome.FAIL
    assert verdicts["covers"].outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("paths", "start"),
    [
        (("tests/__init__.py", "tests/test_a.py"), ""),
        (("tests/test_a.py",), "tests"),
        (("test_a.py",), ""),
        (("tests/__init__.py", "tests/unit/test_a.py"), "tests/unit"),
        (("tests/conftest.py",), ""),
        ((), ""),
    ],
)
def test_where_discovery_begins(paths: tuple[str, ...], start: str) -> None:
    assert start_folder(project(*paths)) == start
