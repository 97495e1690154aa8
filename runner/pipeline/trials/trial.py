"""One attempt at a trial: sandbox, gateway and agent, phase by phase, into a sealed run."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from runner.archive.archive import Attempt
from runner.archive.repository import Repository
from runner.core.errors import AgentError, SandboxError, ShipworthyError
from runner.core.protocols import Agent, Sandbox, SandboxSpec
from runner.core.records import (
    UNKNOWN_USAGE,
    Blame,
    Disagreement,
    Failure,
    Model,
    Phase,
    PhaseKind,
    PhaseResult,
    Resources,
    Run,
    RunStatus,
    Task,
    Trial,
    Usage,
)
from runner.gateway.door import Door, DoorSpec
from runner.gateway.metering.ledger import Exchange
from runner.pipeline.events import REPLAYED, Event, EventLog, Listener
from runner.pipeline.grading.evidence import all_checks, case_of
from runner.pipeline.grading.grader import get_rubric
from runner.pipeline.grading.in_lab import laboratory
from runner.pipeline.grading.trees import TreeEvidence
from runner.pipeline.packages.keeping import PackageKeeper
from runner.pipeline.trials.endings import NO_TIME, not_begun, unheld, within_run
from runner.pipeline.trials.phase import PhaseWorker
from runner.pipeline.trials.repair import NOTHING_TO_REPAIR, failures, with_failures
from runner.pipeline.trials.review import changed_beside
from runner.pipeline.workbench import Workbench

MEGABYTE = 1_000_000
SPEND_CAP = "spend_cap"
AGENT_MEMORY_MB = 1024  # what a command-line agent may take beside the task's own memory


@dataclass(frozen=True)
class ReplaySource:
    """The run whose recorded replies are played, and its cassette."""

    run: str
    cassette: Path


@dataclass(frozen=True)
class TrialJob:
    """A trial with the things its names stand for."""

    trial: Trial
    task: Task
    model: Model
    agent: Agent
    key: str | None = field(repr=False)
    replay: ReplaySource | None = None


@dataclass
class _Progress:
    """What is known of an attempt so far; it is sealed with that, however it ends."""

    started: datetime
    finished: datetime | None = None
    phases: list[PhaseResult] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    status: RunStatus = RunStatus.FAILED
    failure: Failure | None = None
    disagreements: list[Disagreement] = field(default_factory=list)

    def fail(self, kind: Blame, code: str, message: str) -> None:
        """The first failure is the cause."""
        self.failure = self.failure or Failure(kind=kind, code=code, message=message)


async def run_attempt(bench: Workbench, job: TrialJob, listen: Listener) -> Run:
    """A new attempt, sealed whatever happens; on cancellation as interrupted, and then raised again."""
    attempt = bench.archive.new_attempt(job.trial)
    events = EventLog(attempt.events, f"{job.trial.id}/{attempt.number}", listen)
    progress = _Progress(datetime.now(UTC))
    try:
        await _work(bench, job, attempt, events, progress)
        progress.status = RunStatus.FAILED if progress.failure else RunStatus.COMPLETED
    except asyncio.CancelledError:
        progress.status = RunStatus.INTERRUPTED
        raise
    except SandboxError as error:
        progress.fail(Blame.INFRA, "sandbox", str(error))
    except AgentError as error:
        progress.fail(Blame.HARNESS, "agent_not_as_asked", str(error))
    except OSError as error:
        progress.fail(Blame.INFRA, "archive_unwritable", str(error))
        raise
    except Exception as error:
        (attempt.logs / "harness.log").write_text(traceback.format_exc())
        kind = Blame.INFRA if isinstance(error, ShipworthyError) else Blame.HARNESS
        progress.fail(kind, type(error).__name__, str(error))
    finally:
        events.close()
        run = bench.archive.seal(attempt, _run(job, attempt, progress, bench.image(job.task, job.agent)))
        listen(Event("sealed", run.id, {"status": run.status}))
    return run


def seal_abandoned(bench: Workbench, job: TrialJob) -> None:
    """Seal what a killed runner left of this trial as interrupted; its cost is not known any more."""
    unknown = UNKNOWN_USAGE.model_copy(update={"requests": 0})
    for attempt in bench.archive.abandoned(job.trial):
        logged = attempt.events if attempt.events.exists() else attempt.folder
        last = datetime.fromtimestamp(logged.stat().st_mtime, UTC)
        first = datetime.fromtimestamp(attempt.logs.stat().st_mtime, UTC)
        progress = _Progress(min(first, last), last, usage=unknown, status=RunStatus.INTERRUPTED)
        progress.fail(Blame.INFRA, "runner_died", "the runner was killed during this attempt")
        bench.archive.seal(attempt, _run(job, attempt, progress, bench.image(job.task, job.agent)))


async def _work(
    bench: Workbench, job: TrialJob, attempt: Attempt, events: EventLog, progress: _Progress
) -> None:
    if cap := bench.gateway.spent_out():
        return progress.fail(Blame.INFRA, SPEND_CAP, f"the spend cap left nothing for this run: {cap}")
    identity = f"{job.trial.id}/{attempt.number}"
    socket = bench.lease.folder / f"{job.trial.digest()[:8]}-{attempt.number}.sock"
    door_spec = DoorSpec(
        socket=socket,
        model=job.model,
        key=job.key,
        transcript=attempt.transcript,
        downloads=attempt.egress,
        egress=job.task.egress,
        egress_bytes=job.task.egress_mb * MEGABYTE,
        limits=job.task.limits,
        rendering=job.agent,
        cassette=attempt.cassette,
        replay=job.replay.cassette if job.replay else None,
    )

    def on_exchange(exchange: Exchange) -> None:
        progress.usage = door.usage()
        events.emit("turn", **_turn(exchange, progress.usage))

    events.emit("run", model=job.model.id, agent=job.agent.id, task=job.task.id, epoch=job.trial.epoch)
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(bench.gateway.open_door(door_spec, on_exchange))
        stack.callback(lambda: events.emit("downloads", hosts=door.fetched))
        if warning := unheld(job.task, door):
            events.emit("warning", message=warning)
        stack.callback(lambda: _keep_replayed(door, events))
        spec = SandboxSpec(
            image=bench.image(job.task, job.agent),
            run=identity,
            resources=_resources(job),
            door=socket,
        )
        sandbox = await stack.enter_async_context(bench.backend.open(spec))
        await _sow(sandbox, job.task)
        repository = Repository(attempt.repository)
        stack.callback(repository.close)
        keeper = PackageKeeper(bench.archive.packages, bench.gateway, events)
        for asked in job.task.phases:
            phase = await _ready(bench, job, attempt, events, progress, asked)
            if phase is None:
                progress.phases.append(not_begun(asked, NOTHING_TO_REPAIR))
                continue
            why_not, phase = door.spent_out(), within_run(phase, job.task, progress.phases)
            if why_not or phase is None:
                events.emit("skipped", phase=asked.id, why=why_not or NO_TIME)
                progress.phases.append(not_begun(asked, "budget" if why_not else "wall_time"))
                break
            events.emit("phase", phase=phase.id)
            worker = PhaseWorker(job.agent, job.model, phase, sandbox, door, repository, attempt)
            outcome = await worker.run(events, is_first=not progress.phases)
            progress.phases.append(outcome.result)
            progress.disagreements += outcome.disagreements
            if outcome.result.tree:
                await keeper.keep(repository, outcome.result.tree, tuple(door.fetched))
            if phase.kind is PhaseKind.REVIEW:
                _note_changes(repository, job.task, progress, events)
            progress.failure = progress.failure or outcome.failure
            if outcome.failure:
                break
        await asyncio.to_thread(repository.pack)


async def _sow(sandbox: Sandbox, task: Task) -> None:
    """Copy what the task's image has for a workspace to begin with."""
    if task.seed is None:
        return
    done = await sandbox.exec(["cp", "-a", f"{task.seed}/.", "."])
    if not done.ok:
        told = done.stderr[-300:].decode("utf-8", "replace")
        raise SandboxError(f"the image's {task.seed} could not be copied into the workspace: {told}")


async def _ready(
    bench: Workbench, job: TrialJob, attempt: Attempt, events: EventLog, progress: _Progress, phase: Phase
) -> Phase | None:
    """The phase with its prompt complete; None of a repair phase without anything to repair.

    What the run has come to is probed while the sandbox waits; no phase is charged for the time.
    """
    if phase.kind is not PhaseKind.REPAIR:
        return phase
    so_far = _run(job, attempt, progress, bench.image(job.task, job.agent))
    if so_far.tree is None:
        return None

    def note(event: Event) -> None:
        events.emit(event.kind, **event.data)

    rubric = get_rubric(job.task.rubric, bench.settings)
    case = case_of(so_far, job.task, bench.settings.images.sandboxes)
    evidence = TreeEvidence(bench.archive, case, laboratory(bench), note)
    found = await failures(evidence, rubric)
    events.emit("failed_checks", phase=phase.id, checks=[finding.check for finding in found])
    if not found:
        events.emit("skipped", phase=phase.id, why="nothing had failed")
        return None
    return with_failures(phase, found, all_checks())


def _note_changes(repository: Repository, task: Task, progress: _Progress, events: EventLog) -> None:
    """A review should change nothing but its file; what it did change is noted, and graded like all else."""
    changed = changed_beside(repository, progress.phases, task.review_file)
    if changed:
        events.emit("review_changed", phase=progress.phases[-1].id, files=changed[:100], count=len(changed))


def _resources(job: TrialJob) -> Resources:
    """The task's, with room for the agent's own program: its memory is not what the model is judged by."""
    have = job.task.resources
    if not job.agent.install:
        return have
    return have.model_copy(update={"memory_mb": have.memory_mb + AGENT_MEMORY_MB})


def _keep_replayed(door: Door, events: EventLog) -> None:
    """What came of a replay, however it ended."""
    if replayed := door.replayed:
        events.emit(REPLAYED, **replayed.model_dump())


def _turn(exchange: Exchange, usage: Usage) -> dict[str, object]:
    return {
        "phase": exchange.phase,
        "turn": exchange.n,
        "attempt": exchange.attempt,
        "status": exchange.status,
        "command": exchange.command,
        "error": exchange.error,
        "usage": usage.model_dump(),
    }


def _run(job: TrialJob, attempt: Attempt, progress: _Progress, image: str) -> Run:
    trees = [phase.tree for phase in progress.phases if phase.tree]
    return Run(
        trial=job.trial,
        attempt=attempt.number,
        status=progress.status,
        started=progress.started,
        finished=progress.finished or datetime.now(UTC),
        phases=tuple(progress.phases),
        usage=progress.usage,
        image=image,
        tree=trees[-1] if trees else None,
        failure=progress.failure,
        disagreements=tuple(progress.disagreements),
        replay_of=job.replay.run if job.replay else None,
    )
