"""How a phase ends: watched while it works, judged by the gateway's ledger when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runner.core.errors import AgentError
from runner.core.protocols import ExecResult, Sandbox, Session
from runner.core.records import Blame, Failure, Limits, Phase, PhaseKind, PhaseResult, Task, Usage
from runner.gateway.door import Door

GRACE_S = 15.0
KILLED_S = 30.0
SIGNALLED = 128  # and above: ended by a signal
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
NO_TIME = "the run's wall time is used up"


async def supervised(
    work: Coroutine[Any, Any, Session], door: Door, sandbox: Sandbox, grace_s: float = GRACE_S
) -> Session:
    """The agent's session. Once the gateway has stopped it, it has some seconds to end by itself.

    Some agents ask again for ever, whatever they are answered; those are killed.
    """
    agent = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(door.stopped.wait())
    try:
        await asyncio.wait((agent, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not agent.done():
            await asyncio.wait((agent,), timeout=grace_s)
        return agent.result() if agent.done() else await _killed(agent, sandbox)
    finally:
        for task in (agent, stopped):
            task.cancel()
        await asyncio.gather(agent, stopped, return_exceptions=True)


async def _killed(agent: asyncio.Future[Session], sandbox: Sandbox) -> Session:
    """What its adapter makes of an agent whose processes are gone."""
    await sandbox.restart()
    await asyncio.wait((agent,), timeout=KILLED_S)
    if agent.done() and not isinstance(agent.exception(), AgentError):
        return agent.result()
    return Session(ExecResult(None, 0.0), configuration="")


@dataclass(frozen=True)
class Ending:
    """How one phase ended; `tree` is what it left, None if that could not be had."""

    phase: Phase
    result: ExecResult
    door: Door
    tree: str | None
    is_first: bool

    @property
    def stopped_by(self) -> str:
        """See PhaseResult."""
        if self.result.timed_out:
            return "wall_time"
        if ended := self.door.ended_by:
            return "loop" if ended.kind is Blame.MODEL else "provider"
        if self.door.refusal(self.phase.id):
            return "budget"
        if self.door.is_context_full(self.phase.id):
            return "context_full"
        return "done" if self.result.ok else "crashed"

    def failure(self) -> Failure | None:
        """Who is to blame. The ledger comes first: exit codes lie, and some carry a status of HTTP."""
        if seen := self.door.verdict(agent_done=self.result.ok):
            return seen
        match self.stopped_by:
            case "done":
                return self._given_up()
            case "crashed" if (self.result.exit_code or 0) >= SIGNALLED:
                # For want of memory or by the model's own commands: the model's doing.
                return Failure(kind=Blame.MODEL, code="agent_killed", message=last_words(self.result))
            case "crashed":
                return Failure(kind=Blame.HARNESS, code="agent_crashed", message=last_words(self.result))
        return None

    def _given_up(self) -> Failure | None:
        if self.phase.kind is not PhaseKind.WORK or self.tree != EMPTY_TREE:
            return None
        return self.door.given_up(self.phase.id, self.is_first)


def last_words(result: ExecResult) -> str:
    """What an agent that failed said last."""
    said = result.stderr[-1000:].decode("utf-8", "replace").strip()
    return f"the agent ended with exit code {result.exit_code}: {said}"


def within_run(phase: Phase, task: Task, before: list[PhaseResult]) -> Phase | None:
    """The phase with no more time than the run has left; None if it has none.

    The run's time counts only where the task sets it: its default is meant for phases.
    """
    if task.limits is None or "wall_s" not in task.limits.model_fields_set:
        return phase
    left = task.limits.wall_s - sum(result.wall_s for result in before)
    if left <= 0:
        return None
    wall_s = min(phase.limits.wall_s, left)
    return phase.model_copy(update={"limits": phase.limits.model_copy(update={"wall_s": wall_s})})


def not_begun(phase: Phase, stopped_by: str) -> PhaseResult:
    """The result of a phase that the run has nothing left for, or that had nothing to do."""
    return PhaseResult(
        id=phase.id,
        kind=phase.kind,
        started=datetime.now(UTC),
        wall_s=0,
        usage=Usage(),
        exit_code=None,
        stopped_by=stopped_by,
    )


def unheld(task: Task, door: Door) -> str | None:
    """The warning that a cost limit cannot be held, if so."""
    limits: list[Limits | None] = [task.limits, *(phase.limits for phase in task.phases)]
    if all(door.is_held_to(each) for each in limits):
        return None
    return "the model's price is unknown, so limits of cost cannot be held; give prices in models.yaml"
