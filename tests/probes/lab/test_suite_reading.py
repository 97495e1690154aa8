"""How the suite probe reads what a test run printed."""

from __future__ import annotations

import pytest

from runner.core.protocols import ExecResult
from runner.core.records import Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.lab.recipes import App, find_app
from runner.probes.suite import find_suite, read_suite, suite_files

PASS, FAIL, MOOT = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE
SUMMARY = "5 runs, 9 assertions, {} failures, {} errors, {} skips\n"
FAILURES = """F

Failure:
ChatsControllerTest#test_shows_the_composer [test/chats_test.rb:3]:
Expected response to be a <2XX: success>, but was a <404: Not Found>

bin/rails test test/chats_test.rb:2

E

Error:
ChatTest#test_asks:
NameError: uninitialized constant Chat
    test/chats_test.rb:4:in `block in <class:ChatTest>'

Finished in 0.1s

"""


def tree(*paths: str) -> SourceTree:
    every = ["config/application.rb", *paths]
    return SourceTree("t", {p: SourceFile(p, 0o100644, b"1\n2\n3\n4\n") for p in every})


def rails(files: SourceTree) -> App:
    app = find_app(files)
    assert app is not None
    return app


def read(output: str, exit_code: int | None, timed_out: bool = False) -> list[tuple[Outcome, str, list[str]]]:
    files = tree("test/chats_test.rb")
    suite = find_suite(files, rails(files))
    assert suite is not None
    result = ExecResult(exit_code=exit_code, wall_s=1.0, timed_out=timed_out)
    verdicts = read_suite(files, rails(files), suite, result, output)
    return [(v.outcome, v.message, [f"{p.path}:{p.line}" for p in v.locations]) for v in verdicts]


@pytest.mark.parametrize(
    ("output", "exit_code", "outcomes"),
    [
        (SUMMARY.format(0, 0, 0), 0, (PASS, PASS, PASS)),
        (SUMMARY.format(0, 0, 5), 0, (PASS, MOOT, FAIL)),
        ("0 runs, 0 assertions, 0 failures, 0 errors, 0 skips\n", 0, (PASS, MOOT, FAIL)),
        (SUMMARY.format(1, 0, 0), 1, (PASS, FAIL, PASS)),
        (SUMMARY.format(0, 0, 0), 1, (PASS, FAIL, PASS)),
        (SUMMARY.format(1, 0, 0), 0, (PASS, FAIL, PASS)),
        (SUMMARY.format(0, 0, 0) + "SimpleCov failed with exit 2 due to coverage\n", 2, (PASS, PASS, PASS)),
        (SUMMARY.format(0, 0, 0) + SUMMARY.format(2, 0, 0), 1, (PASS, FAIL, PASS)),
        (SUMMARY.format(0, 0, 0), None, (FAIL, MOOT, MOOT)),
        ("nothing", 0, (FAIL, MOOT, MOOT)),
        ("", 1, (FAIL, MOOT, MOOT)),
    ],
)
def test_summary_and_exit_code(output: str, exit_code: int | None, outcomes: tuple[Outcome, ...]) -> None:
    assert tuple(verdict[0] for verdict in read(output, exit_code)) == outcomes


def test_failing_tests_are_named_with_their_places() -> None:
    passes = read(FAILURES + SUMMARY.format(1, 1, 0), 1)[1]
    assert passes[1] == "2 of 5 tests fail: ChatsControllerTest#test_shows_the_composer, ChatTest#test_asks"
    assert passes[2] == ["test/chats_test.rb:3", "test/chats_test.rb:4"]


def test_a_suite_that_does_not_end() -> None:
    assert "did not end within 1 s" in read("..", None, timed_out=True)[0][1]


def test_browser_tests_are_left_out() -> None:
    files = tree("test/system/chat_test.rb", "test/models/chat_test.rb")
    suite = find_suite(files, rails(files))
    assert suite is not None
    assert suite_files(files, rails(files), suite) == ["test/models/chat_test.rb"]


def test_rspec_is_known() -> None:
    files = tree("spec/chat_spec.rb")
    suite = find_suite(files, rails(files))
    assert suite is not None
    output = (
        "rspec ./spec/chat_spec.rb:3 # Chat asks\n\n12 examples, 1 failure, 2 pending\n"
        "3 examples, 0 failures, 1 error occurred outside of examples\n"
    )
    assert [m.groupdict() for m in suite.summary.finditer(output)] == [
        {"runs": "12", "failures": "1", "skips": "2", "errors": None},
        {"runs": "3", "failures": "0", "skips": None, "errors": "1"},
    ]
    (failed,) = suite.failed.finditer(output)
    assert failed.groupdict() == {"path": "spec/chat_spec.rb", "line": "3", "test": "Chat asks"}


@pytest.mark.parametrize(
    ("paths", "folder"),
    [
        (["config/application.rb", "chat/config/application.rb"], ""),
        (["chat/config/application.rb", "a/b/config/application.rb"], "chat/"),
        (["test/dummy/config/application.rb"], None),
        (["vendor/x/config/application.rb", "node_modules/y/config/application.rb"], None),
    ],
)
def test_the_app_nearest_to_the_root_is_found(paths: list[str], folder: str | None) -> None:
    found = find_app(SourceTree("t", {p: SourceFile(p, 0o100644, b"") for p in paths}))
    assert (found.folder if found else None) == folder
