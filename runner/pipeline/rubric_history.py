"""What an edit of a rubric does to the runs in the archive."""

from __future__ import annotations

from collections.abc import Sequence

from runner.archive.archive import Archive
from runner.core.errors import UserError
from runner.core.records import Rubric, Run
from runner.core.rubric_diff import RubricDiff, Step
from runner.pipeline.grading import get_rubric
from runner.pipeline.rank_moves import with_places
from runner.pipeline.rescoring import Done, Work, rescore
from runner.pipeline.settings import Settings
from runner.scoring.rubric_diff import rubric_diff
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
    before, after = rescore(Work(settings, rubrics, unkept), runs, done)
    pairs = [(b.score, a.score) for b, a in zip(before, after, strict=True) if b.score and a.score]
    contenders = {run.id: (run.trial.model, run.trial.agent) for run in runs}
    broken = {each.run.id: each.broken for each in (*before, *after) if each.broken}
    return with_places(rubric_diff(old, new, pairs, contenders), pairs, runs), broken


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
