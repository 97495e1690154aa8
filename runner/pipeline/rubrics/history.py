"""What an edit of a rubric does to the runs in the archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runner.archive.archive import Archive
from runner.core.errors import UserError
from runner.core.records import Rubric, Run, Score
from runner.core.rubric_diff import Move, RubricDiff, Step
from runner.pipeline.grading.grader import Graded, get_rubric
from runner.pipeline.grading.rescoring import Done, Work, rescored
from runner.pipeline.rubrics.rank_moves import with_places
from runner.pipeline.settings import Settings
from runner.scoring.rubric_diff import Mover, diff_of
from runner.scoring.score_steps import steps


def compare_rubrics(
    settings: Settings, rubrics: tuple[Rubric, Rubric], runs: Sequence[Run], done: Done, tried: bool = False
) -> tuple[RubricDiff, dict[str, str]]:
    """Both rubrics over the same evidence. No container is started; with `tried` no score is left behind.

    Runs that get no score (ungradable ones) take no part; of those that are damaged, the reason by run is
    returned beside.
    """
    old, new = rubrics
    unkept = frozenset({old.digest(), new.digest()}) if tried else frozenset()
    found = rescored(Work(settings, rubrics, unkept), runs, done, _Compared(Mover(old, new)))
    moves = [move for _, move, _ in found if move is not None]
    contenders = {run.id: (run.trial.model, run.trial.agent) for run in runs}
    broken = {run: reason for run, _, reason in found if reason is not None}
    return with_places(diff_of(old, new, moves, contenders), moves, runs), broken


@dataclass(frozen=True)
class _Compared:
    """Makes a run's id, its move (None without scores) and what of it is damaged of its two results.

    The scores in the move keep their points only: of thousands of runs, their reasons would fill the memory.
    """

    mover: Mover

    def __call__(self, archive: Archive, graded: tuple[Graded, ...]) -> tuple[str, Move | None, str | None]:
        before, after = graded
        run, broken = before.run.id, before.broken or after.broken
        if before.score is None or after.score is None:
            return run, None, broken
        move = self.mover.move((before.score, after.score))
        return run, replace(move, old=_points_of(before.score), new=_points_of(after.score)), broken


def _points_of(score: Score) -> Score:
    return score.model_copy(update={"dimensions": (), "ceilings": ()})


def released_base(edited: Rubric, against: str | None, settings: Settings) -> Rubric:
    """The released version that an edit is based on: the one it names, else the newest before it.

    Raises UserError if there is none.
    """
    if against is not None:
        return get_rubric(against, settings)
    for version in range(edited.version, 0, -1):
        if (settings.rubrics / edited.id / f"v{version}.yaml").is_file():
            return get_rubric(f"{edited.id}@{version}", settings)
    raise UserError(f"{edited.name}: there is no released version of {edited.id}; name one with --against")


def score_history(archive: Archive, run: Run, settings: Settings) -> tuple[Step, ...]:
    """Every score a run ever got, oldest first, with what moved each."""
    dated = archive.history(run)
    rubrics: dict[tuple[str, str], Rubric] = {}
    for name in {score.rubric for _, score in dated}:
        try:
            rubric = get_rubric(name, settings)
        except UserError:
            continue  # an edit that was never released
        rubrics[name, rubric.digest()] = rubric
    return steps(dated, rubrics)
