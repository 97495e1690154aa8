"""`shipworthy run --replay`: a sealed run again, its model played from the cassette."""

from __future__ import annotations

import hashlib
import json

from pydantic import ValidationError

from runner import agents
from runner.archive.archive import CASSETTE, Archive
from runner.core.errors import UserError
from runner.core.protocols import Agent
from runner.core.records import Run, Task, Trial
from runner.core.registry import load
from runner.core.replay import Replay, Replayed
from runner.gateway.recording.cassette import recorded_model
from runner.pipeline.events import REPLAYED
from runner.pipeline.grading.checkout import read_tree
from runner.pipeline.grading.grader import rubric_for
from runner.pipeline.settings import Settings
from runner.pipeline.trials.benchmark import Plan, trial_of
from runner.pipeline.trials.trial import ReplaySource, TrialJob
from runner.spec.tasks import load_task


def plan_replay(archive: Archive, original: Run, rubric: str | None, settings: Settings) -> Plan:
    """Today's task and agent, with the model as it was recorded; `warnings` say what is not as it was then.

    Raises UserError for a run without a cassette or a task or agent that is gone, ArchiveError for a cassette
    that was changed.
    """
    if original.imported is not None:
        raise UserError(f"{original.id} was imported: it was made elsewhere, so there is nothing to replay")
    try:
        task = load_task(original.trial.task, settings.tasks, original.trial.variant)
        agent: Agent = load(agents, original.trial.agent, "agent").AGENT
    except UserError as error:
        raise UserError(f"{original.id} cannot be replayed: {error}") from error
    cassette = archive.cassette(original)
    model = recorded_model(cassette)
    if model.wire not in agent.wires:
        raise UserError(f"{original.id} cannot be replayed: agent {agent.id} no longer speaks {model.wire}")
    today = trial_of(task, model, agent, original.trial.epoch, original.trial.variant)
    trial = today.model_copy(update={"model_digest": _played_digest(original)})
    job = TrialJob(trial, task, model, agent, None, ReplaySource(original.id, cassette))
    return Plan(
        jobs=(job,),
        rubric=rubric_for(task.id, rubric, settings),
        again=True,
        warnings=tuple(_changes(original.trial, today, task)),
    )


def replay_of(archive: Archive, run: Run, original: Run | None = None) -> Replay | None:
    """A replay beside its original; None for other runs, and where the original is not in the archive."""
    if run.replay_of is None:
        return None
    if original is None:
        original = next((r for r in archive.runs() if r.id == run.replay_of), None)
    if original is None:
        return None
    return Replay(
        original=original,
        run=run,
        replayed=_replayed(archive, run),
        differing_files=_differing_files(archive, original, run),
    )


def _played_digest(original: Run) -> str:
    """What decides a replay's answers; so it is a trial of its own and never settles the original's."""
    return hashlib.sha256(f"{original.id} {original.files[CASSETTE]}".encode()).hexdigest()


def _changes(then: Trial, now: Trial, task: Task) -> list[str]:
    changes = []
    if then.task_digest != now.task_digest:
        changes.append(f"task {task.id} was changed since the run was recorded")
    if then.agent_version != now.agent_version:
        versions = f"{then.agent_version} when the run was recorded, now {now.agent_version}"
        changes.append(f"agent {now.agent} has another version: {versions}")
    return changes


def _differing_files(archive: Archive, original: Run, run: Run) -> tuple[str, ...]:
    if original.tree == run.tree:
        return ()
    then, now = ({} if r.tree is None else dict(read_tree(archive, r).files) for r in (original, run))
    return tuple(sorted(path for path in then.keys() | now.keys() if then.get(path) != now.get(path)))


def _replayed(archive: Archive, run: Run) -> Replayed | None:
    """From the run's own events; None if it ended before it could tell, or they were changed."""
    try:
        lines = (archive.folder(run) / "events.jsonl").read_text("utf-8").splitlines()
        events = [json.loads(line) for line in lines]
        told = [
            {k: v for k, v in e.items() if k not in ("at", "kind")} for e in events if e["kind"] == REPLAYED
        ]
        return Replayed.model_validate(told[-1]) if told else None
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None
