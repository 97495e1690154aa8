"""How a phase's end is told and who is blamed, from the exit code and what the ledger knows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from runner.core.errors import AgentError
from runner.core.protocols import ExecResult, Sandbox, Session
from runner.core.records import Blame, Failure, Limits, Phase, PhaseKind, PhaseResult, Task, Usage
from runner.gateway.door import Door
from runner.pipeline.trials import endings
from runner.pipeline.trials.endings import EMPTY_TREE, Ending, not_begun, supervised, unheld, within_run

OUTAGE = Failure(kind=Blame.INFRA, code="provider_unavailable", message="down")
LOOP = Failure(kind=Blame.MODEL, code="loop", message="again and again")
GAVE_UP = Failure(kind=Blame.MODEL, code="gave_up", message="empty")
BUILD = Phase(id="build", prompt="x", limits=Limits(wall_s=100))


@dataclass
class Known:
    """What a door knows of a phase."""

    ended_by: Failure | None = None
    failed: Failure | None = None
    refused: str | None = None
    is_full: bool = False
    gave_up: Failure | None = GAVE_UP
    is_priced: bool = True
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def verdict(self, agent_done: bool) -> Failure | None:
        return self.ended_by or self.failed

    def refusal(self, phase: str) -> str | None:
        return self.refused

    def is_context_full(self, phase: str) -> bool:
        return self.is_full

    def given_up(self, phase: str, first: bool) -> Failure | None:
        return self.gave_up

    def is_held_to(self, limits: Limits | None) -> bool:
        return self.is_priced or limits is None or limits.cost_usd is None


def ending(
    known: Known, exit_code: int | None, timed_out: bool = False, tree: str = "full", phase: Phase = BUILD
) -> tuple[str, str | None]:
    result = ExecResult(exit_code, 1.0, stderr=b"last words", timed_out=timed_out)
    end = Ending(phase, result, cast(Door, known), tree, is_first=True)
    failure = end.failure()
    return end.stopped_by, failure and failure.code


@pytest.mark.parametrize(
    ("known", "exit_code", "expected"),
    [
        (Known(), 0, ("done", None)),
        (Known(), 1, ("crashed", "agent_crashed")),
        (Known(), 137, ("crashed", "agent_killed")),
        (Known(refused="spent"), 0, ("budget", None)),
        (Known(refused="spent"), 1, ("budget", None)),
        (Known(refused="spent"), 145, ("budget", None)),  # 401 & 255, as one agent exits
        (Known(is_full=True), 5, ("context_full", None)),
        (Known(failed=OUTAGE), 4, ("crashed", "provider_unavailable")),
        (Known(failed=OUTAGE), 247, ("crashed", "provider_unavailable")),  # 503 & 255
        (Known(ended_by=OUTAGE), 137, ("provider", "provider_unavailable")),
        (Known(ended_by=OUTAGE), 0, ("provider", "provider_unavailable")),
        (Known(ended_by=LOOP), 137, ("loop", "loop")),
        (Known(ended_by=LOOP), None, ("loop", "loop")),
    ],
)
def test_endings(known: Known, exit_code: int | None, expected: tuple[str, str | None]) -> None:
    assert ending(known, exit_code) == expected


def test_wall_time_is_no_failure_unless_the_provider_was_down() -> None:
    assert ending(Known(), None, timed_out=True) == ("wall_time", None)
    assert ending(Known(failed=OUTAGE), None, timed_out=True) == ("wall_time", "provider_unavailable")


def test_only_a_work_phase_that_ended_by_itself_gives_up() -> None:
    assert ending(Known(), 0, tree=EMPTY_TREE) == ("done", "gave_up")
    assert ending(Known(refused="spent"), 0, tree=EMPTY_TREE) == ("budget", None)
    assert ending(Known(), None, timed_out=True, tree=EMPTY_TREE) == ("wall_time", None)
    review = BUILD.model_copy(update={"kind": PhaseKind.REVIEW})
    assert ending(Known(), 0, tree=EMPTY_TREE, phase=review) == ("done", None)


# --- time of the run


def result_of(wall_s: float) -> PhaseResult:
    return not_begun(BUILD, "done").model_copy(update={"wall_s": wall_s})


def task_of(limits: Limits | None) -> Task:
    return Task(id="t", title="T", sandbox="base", rubric="r@1", phases=(BUILD,), limits=limits)


def test_a_phase_gets_no_more_time_than_the_run_has_left() -> None:
    task = task_of(Limits(wall_s=150))
    assert within_run(BUILD, task, []) == BUILD
    second = within_run(BUILD, task, [result_of(70)])
    assert second is not None
    assert second.limits.wall_s == 80
    assert within_run(BUILD, task, [result_of(70), result_of(80)]) is None


@pytest.mark.parametrize("limits", [None, Limits(cost_usd=1)])
def test_a_run_without_a_time_of_its_own_has_that_of_its_phases(limits: Limits | None) -> None:
    assert within_run(BUILD, task_of(limits), [result_of(9000)]) == BUILD


@pytest.mark.parametrize(
    ("is_priced", "limits", "warns"),
    [(True, Limits(cost_usd=1), False), (False, Limits(cost_usd=1), True), (False, None, False)],
)
def test_a_cost_limit_without_a_price_is_told(is_priced: bool, limits: Limits | None, warns: bool) -> None:
    assert bool(unheld(task_of(limits), cast(Door, Known(is_priced=is_priced)))) is warns


# --- agents that will not end


class Box:
    """A sandbox whose processes end at `restart`."""

    def __init__(self) -> None:
        self.killed = asyncio.Event()

    async def restart(self) -> None:
        self.killed.set()


async def supervise(work: Any, known: Known, box: Box) -> Session:
    return await supervised(work, cast(Door, known), cast(Sandbox, box), grace_s=0.05)


async def test_an_agent_that_ends_by_itself_is_let_be() -> None:
    async def work() -> Session:
        return Session(ExecResult(0, 1.0), "{}")

    box = Box()
    assert (await supervise(work(), Known(), box)).result.ok
    assert not box.killed.is_set()


async def test_a_stopped_agent_may_end_within_the_grace() -> None:
    known, box = Known(), Box()

    async def work() -> Session:
        known.stopped.set()
        await asyncio.sleep(0.01)
        return Session(ExecResult(3, 1.0), "{}")

    assert (await supervise(work(), known, box)).result.exit_code == 3
    assert not box.killed.is_set()


@pytest.mark.parametrize("fails", [False, True])
async def test_a_stopped_agent_that_goes_on_is_killed(fails: bool) -> None:
    known, box = Known(), Box()
    known.stopped.set()

    async def work() -> Session:
        await box.killed.wait()
        if fails:
            raise AgentError("its log is not there")
        return Session(ExecResult(137, 1.0, stdout=b"asking"), "{}")

    session = await supervise(work(), known, box)
    assert box.killed.is_set()
    assert session.result.exit_code == (None if fails else 137)


async def test_an_adapter_that_hangs_on_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "KILLED_S", 0.05)
    known, box = Known(), Box()
    known.stopped.set()

    async def work() -> Session:
        await asyncio.sleep(1000)
        raise AssertionError

    assert (await supervise(work(), known, box)).result == ExecResult(None, 0.0)


async def test_what_goes_wrong_in_an_agent_is_passed_on() -> None:
    async def work() -> Session:
        raise AgentError("not its version")

    with pytest.raises(AgentError, match="not its version"):
        await supervise(work(), Known(), Box())


async def test_a_cancelled_run_cancels_its_agent() -> None:
    ended = asyncio.Event()

    async def work() -> Session:
        try:
            await asyncio.sleep(1000)
        finally:
            ended.set()
        raise AssertionError

    task = asyncio.create_task(supervise(work(), Known(), Box()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


def test_a_phase_that_was_not_begun_used_nothing() -> None:
    result = not_begun(BUILD, "budget")
    assert (result.usage, result.wall_s, result.tree, result.exit_code) == (Usage(), 0, None, None)
