"""A review phase: what a model says of its own work, beside what probes find in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from runner.archive.repository import Bounds, Repository, open_repository
from runner.core.records import Calibration, PhaseKind, PhaseResult
from runner.pipeline.grading.trees import TreeEvidence, goal_checks, steps
from runner.scoring.calibration import calibrate


def changed_beside(repository: Repository, phases: Sequence[PhaseResult], file: str) -> list[str]:
    """The files that the last of these phases changed, but for its review file: it should be none."""
    trees = [phase.tree for phase in phases if phase.tree is not None]
    if phases[-1].tree is None or len(trees) < 2:
        return []
    return [path for path in repository.changes(trees[-2], trees[-1]) if path != file]


async def calibration(evidence: TreeEvidence) -> Calibration | None:
    """What a run's review is worth, judged in the tree that it left.

    None if there was no review, or if the task asks for other things by now: then the numbers in the file
    are of other goals.
    """
    run, task = evidence.case.run, evidence.case.task
    reviews = steps(run, PhaseKind.REVIEW)
    if not reviews or not task.goals or run.trial.task_digest != task.identity():
        return None
    before, review = reviews[-1]
    assert review.tree is not None
    folder = evidence.archive.folder(run) / "repo.git"
    text, changed = await asyncio.to_thread(_read, folder, [before, review], task.review_file)
    return calibrate(
        run=run.id,
        task=task.id,
        phase=review.id,
        goals=task.goals,
        file=(task.review_file, text),
        changed=changed,
        evidence=await evidence.of(review.tree, goal_checks(task)),
        tree=review.tree,
    )


def _read(folder: Path, phases: Sequence[PhaseResult], file: str) -> tuple[str | None, list[str]]:
    """The review's text, and what else was changed."""
    repository = open_repository(folder)
    try:
        assert phases[-1].tree is not None
        tree = repository.read(phases[-1].tree, Bounds(file_bytes=2_000_000))
        return tree.text(file), changed_beside(repository, phases, file)
    finally:
        repository.close()
