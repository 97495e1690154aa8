"""What the probe makes of what a task's tests leave behind; the container is a stand-in here.

In a real one they run in tests/pipeline/harbor.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from runner.core.errors import SandboxError, SandboxGone
from runner.core.protocols import BaseImage, BroughtTests, ExecResult, Subject
from runner.core.records import Finding, Outcome, Resources
from runner.core.tree import SourceFile, SourceTree
from runner.probes.own_tests import PROBE, failures, reward_of

TREE = SourceTree("tree", {"a.txt": SourceFile("a.txt", 0o100644, b"a")})
TESTS = BroughtTests({"test.sh": SourceFile("test.sh", 0o100755, b"true")}, 9, "image", "/app", {"A": "b"})


class Piece:
    """Has files after its tests ran; `exit_code` None is a time-out."""

    id = "piece"

    def __init__(self, leaves: Mapping[str, str], exit_code: int | None, says: bytes, gone: bool) -> None:
        self.leaves, self.exit_code, self.says, self.gone = leaves, exit_code, says, gone
        self.laid: list[str] = []
        self.ran: list[object] = []

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        user: str = "0:0",
        timeout_s: float = 60,
        on_output: Callable[[bytes], None] | None = None,
        keep_bytes: int = 1_000_000,
    ) -> ExecResult:
        if argv[0] == "tar":
            with tarfile.open(fileobj=io.BytesIO(stdin)) as tar:
                self.laid += tar.getnames()
        if argv[0] == "bash":
            self.ran.append((list(argv), dict(env or {}), cwd, timeout_s))
            assert on_output is not None
            on_output(self.says)
            if self.gone:
                raise SandboxGone("too much was written")
            return ExecResult(self.exit_code, 1.0, timed_out=self.exit_code is None)
        name = argv[-1].rpartition("/")[2]
        left = self.leaves.get(name)
        return ExecResult(0 if left is not None else 1, 0.1, (left or "").encode())

    def committed(self) -> AbstractAsyncContextManager[str]:
        raise NotImplementedError


class Shop:
    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.opened: list[str] = []

    def base(self, reference: str) -> BaseImage | None:
        return None

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Piece]:
        yield self.piece

    def open(
        self, image: str, run: str, resources: Resources, joins: str | None = None
    ) -> AbstractAsyncContextManager[Piece]:
        self.opened.append(image)
        return self._open()


async def findings(
    leaves: Mapping[str, str], exit_code: int | None = 0, says: bytes = b"", gone: bool = False
) -> list[Finding]:
    shop = Shop(Piece(leaves, exit_code, says, gone))
    subject = Subject(TREE, "run", Path("none"), workshop=shop, tests=TESTS)
    found = await PROBE.run(subject)
    assert shop.opened == ["image"]
    assert shop.piece.laid == ["app/a.txt", "tests/test.sh"]
    assert shop.piece.ran == [(["bash", "/tests/test.sh"], {"A": "b"}, "/app", 9)]
    return found


@pytest.mark.parametrize(
    ("leaves", "passed"),
    [
        ({"reward.txt": "1\n"}, 10),
        ({"reward.txt": "0"}, 0),
        ({"reward.json": '{"reward": 0.7}', "reward.txt": "1"}, 7),
        ({"reward.json": '{"style": 0.5, "works": 1}'}, 7),
        ({"reward.json": "0.3"}, 3),
        ({"reward.txt": "-4"}, 0),
        ({"reward.txt": "12"}, 10),
    ],
)
async def test_a_reward_is_counted_in_full_tenths(leaves: dict[str, str], passed: int) -> None:
    outcomes = [finding.outcome for finding in await findings(leaves)]
    assert outcomes == [Outcome.PASS] * passed + [Outcome.FAIL] * (10 - passed)


@pytest.mark.parametrize("left", ["", "great", "NaN", "1e999", "[1]", '{"reward": "1"}', "[" * 100_000])
async def test_no_reward_is_no_verdict(left: str) -> None:
    found = await findings({"reward.txt": left}, 127, b"curl: (6) Could not resolve host: astral.sh\n")
    assert {finding.outcome for finding in found} == {Outcome.UNKNOWN}
    if not left:
        assert "Could not resolve host" in found[0].message


async def test_tests_that_hang_or_flood_fail() -> None:
    hung = await findings({}, None)
    assert {(f.outcome, f.message) for f in hung} == {
        (Outcome.FAIL, "the task's tests did not end within 9 s")
    }
    flooded = await findings({}, 0, b"x" * 41_000_000)
    assert {finding.outcome for finding in flooded} == {Outcome.FAIL}


async def test_a_container_that_ends_is_no_verdict() -> None:
    assert {finding.outcome for finding in await findings({}, gone=True)} == {Outcome.UNKNOWN}


async def test_a_task_without_tests_is_not_judged_by_them() -> None:
    found = await PROBE.run(Subject(TREE, "run", Path("none")))
    assert {finding.outcome for finding in found} == {Outcome.NOT_APPLICABLE}


async def test_nothing_is_run_without_an_engine() -> None:
    with pytest.raises(SandboxError):
        await PROBE.run(Subject(TREE, "run", Path("none"), tests=TESTS))


def test_reports_name_what_failed() -> None:
    tests = [{"name": f"t{n}", "status": "failed" if n % 2 else "passed"} for n in range(14)]
    report = json.dumps({"results": {"tests": tests}})
    assert failures(report) == ": 7 of 14 tests fail: t1, t3, t5, t7, t9 and 2 more"
    assert failures('{"results": {"tests": [{"name": "a", "status": "passed"}]}}') == ": all 1 tests pass"
    assert [failures(odd) for odd in ("", "[]", "{}", '{"results": {"tests": [1]}}')] == [""] * 4


def test_true_is_no_number() -> None:
    assert reward_of("true") is None
