"""How much of a task is done by the tests that it brings along, run as their makers meant them to be.

They run as root beside the produced files in a sealed container of their image, whose disk can be written.
`/tests/test.sh` leaves its reward, from 0 to 1, in `/logs/verifier/reward.json` or `reward.txt`, and may
leave a list of its tests in `ctrf.json` (Common Test Report Format): the conventions of Harbor tasks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.core.errors import SandboxError, SandboxGone
from runner.core.protocols import BroughtTests, ExecResult, Subject, Workpiece
from runner.core.records import Finding
from runner.core.tree import SourceFile
from runner.probes.kit.lab.logs import Flood, Log, error_line
from runner.probes.kit.shipped.serving import lay
from runner.probes.kit.verdicts import Verdict, bad, good, moot, unclear

STEPS = tuple(range(10, 101, 10))
LOGS = "/logs/verifier"
_KEPT_BYTES = 4_000_000
_NAMED = 5


@dataclass(frozen=True)
class Outcome:
    """What a run of the tests came to: a reward, or why there is none; `is_fault` if the app is to blame."""

    reward: float | None
    told: str
    is_fault: bool = False

    def verdict(self, percent: int) -> Verdict:
        """Whether at least so much of the full reward was given."""
        if self.reward is None:
            return bad(self.told) if self.is_fault else unclear(self.told)
        reached = self.reward * 100 >= percent - 1e-9
        return (good if reached else bad)(self.told)


class OwnTests:
    """Runs the tests once; what was built is theirs to judge."""

    id = "own_tests"
    version = 1
    needs_lab = True
    checks: Mapping[str, str] = {
        f"own_tests.at_least_{percent}": f"the task's own tests give at least {percent} % of the full reward"
        for percent in STEPS
    }

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check."""
        if subject.tests is None:
            nothing = moot("the task brings no tests of its own")
            return [nothing.of(check) for check in self.checks]
        outcome = await _tested(subject, subject.tests)
        return [outcome.verdict(percent).of(check) for percent, check in zip(STEPS, self.checks, strict=True)]


async def _tested(subject: Subject, tests: BroughtTests) -> Outcome:
    if subject.workshop is None:
        raise SandboxError("the lab needs a container engine")
    log = Log()
    async with subject.workshop.open(tests.image, subject.run, subject.resources) as piece:
        await lay(piece, _below(tests.place, subject.tree.files) | _below("/tests", tests.files))
        await piece.exec(["mkdir", "-p", LOGS, tests.place])
        try:
            result = await piece.exec(
                ["bash", "/tests/test.sh"],
                env=tests.env,
                cwd=tests.place,
                timeout_s=tests.timeout_s,
                on_output=log.feed,
            )
        except Flood:
            return Outcome(None, "the task's tests write without end", is_fault=True)
        except SandboxGone as error:
            return Outcome(None, f"the task's tests ended their container: {error}")
        finally:
            log.keep(subject.artifacts, "own-tests.log")
        if result.timed_out:
            told = f"the task's tests did not end within {tests.timeout_s:g} s"
            return Outcome(None, told, is_fault=True)
        return await _judged(piece, result, log.text)


def _below(folder: str, files: Mapping[str, SourceFile]) -> dict[str, SourceFile]:
    named = ((f"{folder}/{path}", file) for path, file in files.items())
    return {path: replace(file, path=path) for path, file in named}


async def _judged(piece: Workpiece, result: ExecResult, output: str) -> Outcome:
    written = await _read(piece, "reward.json") or await _read(piece, "reward.txt")
    if not written:
        said = error_line(output) or output.strip()[-200:] or "they printed nothing"
        told = f"they ended with exit code {result.exit_code} and left no reward"
        return Outcome(None, f"the task's tests came to no verdict: {told}; there is no network: {said}")
    reward = reward_of(written)
    if reward is None:
        return Outcome(None, f"the task's tests left no reward that is a number: {written[:100]!r}")
    return Outcome(reward, f"reward {reward:g}{failures(await _read(piece, 'ctrf.json'))}")


async def _read(piece: Workpiece, name: str) -> str:
    found = await piece.exec(["cat", f"{LOGS}/{name}"], keep_bytes=_KEPT_BYTES)
    return found.stdout.decode("utf-8", "replace").strip() if found.ok and not found.truncated else ""


def reward_of(text: str) -> float | None:
    """A number, or of several named ones that called `reward`, else their mean; None if it is neither."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict):
        numbers = [_number(value) for value in found.values()]
        known = [number for number in numbers if number is not None]
        if "reward" in found:
            return _number(found["reward"])
        return sum(known) / len(known) if known and len(known) == len(numbers) else None
    return _number(found)


def _number(value: Any) -> float | None:
    is_number = (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < 1e9
        and math.isfinite(value)
    )
    return float(value) if is_number else None


def failures(report: str) -> str:
    """What a CTRF report says of tests that failed; nothing if there is none that can be read."""
    try:
        listed: Any = json.loads(report)["results"]["tests"]
        named = [str(each["name"])[:200] for each in listed if each["status"] not in ("passed", "skipped")]
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    if not named:
        return f": all {len(listed)} tests pass" if listed else ""
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f": {len(named)} of {len(listed)} tests fail: {', '.join(named[:_NAMED])}{more}"


PROBE = OwnTests()
