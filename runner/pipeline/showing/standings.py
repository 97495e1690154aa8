"""From an archive and rubrics to samples and a leaderboard. Nothing is run, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runner.archive.archive import Archive
from runner.core.errors import UserError
from runner.core.records import Rubric, Run, Score
from runner.core.variants import VariantSpread
from runner.pipeline.archives import open_archive
from runner.pipeline.grading.grader import Graded, get_rubric, misfits, ungradable
from runner.pipeline.grading.rescoring import Work, rescore
from runner.pipeline.settings import Settings
from runner.pipeline.showing.traffic import traffic_of
from runner.spec.tasks import load_task
from runner.stats.leaderboard import Row, leaderboard
from runner.stats.samples import Review, Sample, Traffic, counting, sample_of
from runner.stats.variants import variant_spreads

__all__ = ["Row", "Samples", "load_samples", "standings", "wordings"]

Done = Callable[[int], None]
NOT_YET = "it has not been scored under this rubric"


@dataclass(frozen=True)
class Samples:
    """One sample per trial. `rubrics` are what each task was scored under; `left_out` says why by task.

    `superseded` is the number of runs that another attempt or a newer trial of the same cell stands for.
    """

    samples: tuple[Sample, ...]
    rubrics: dict[str, Rubric]
    left_out: dict[str, str]
    superseded: int
    damaged: dict[str, str]

    @property
    def tiers(self) -> tuple[str, ...]:
        """Every tier of the rubrics, best first."""
        return tuple(dict.fromkeys(tier.id for rubric in self.rubrics.values() for tier in rubric.tiers))


def load_samples(
    settings: Settings,
    reference: str | None = None,
    done: Done = lambda more: None,
    traffic: bool = True,
) -> Samples:
    """Every trial in the archive under `reference`, which leaves out tasks it was not written for, or else
    under each task's own rubric. A run without a score under it is scored from the evidence that is there.

    `traffic` reads the transcripts, which takes longest.
    """
    archive = open_archive(settings)
    everything = [run for run in archive.runs() if run.replay_of is None]
    rubrics, left_out = _rubrics(everything, reference, settings)
    chosen = [run for run in counting(everything) if run.trial.task in rubrics]
    digests = {task: rubric.digest() for task, rubric in rubrics.items()}
    kept = {run.id: score for run in chosen if (score := _newest(archive, run, rubrics, digests))}
    graded = _lacking(settings, chosen, kept, rubrics, digests)
    samples = []
    for run in chosen:
        found = graded.get(run.id) or Graded(run, kept.get(run.id))
        seen = traffic_of(archive, run, settings.cache) if traffic and run.imported is None else None
        samples.append(_sample(archive, found, rubrics[run.trial.task], seen))
        done(1)
    own = sum(run.trial.task in rubrics for run in everything)
    broken = {f"runs/{id}": f"{id}: {each.broken}" for id, each in graded.items() if each.broken}
    damaged = dict(archive.damaged) | broken
    return Samples(tuple(samples), rubrics, left_out, own - len(chosen), damaged)


def standings(loaded: Samples) -> list[Row]:
    """The leaderboard of what was loaded."""
    return leaderboard(loaded.samples, loaded.tiers) if loaded.samples else []


def wordings(loaded: Samples) -> list[VariantSpread]:
    """How much each contender's score hangs on the words of a task; empty where no variant was asked."""
    return variant_spreads(loaded.samples)


def _rubrics(
    runs: Sequence[Run], reference: str | None, settings: Settings
) -> tuple[dict[str, Rubric], dict[str, str]]:
    """By task; and why runs of some tasks are left out."""
    if reference is not None:
        rubric = get_rubric(reference, settings)
        foreign = misfits(runs, rubric, settings)
        return {run.trial.task: rubric for run in runs if run.trial.task not in foreign}, foreign
    found: dict[str, Rubric] = {}
    left_out: dict[str, str] = {}
    for task in sorted({run.trial.task for run in runs}):
        try:
            found[task] = get_rubric(load_task(task, settings.tasks).rubric, settings)
        except UserError as error:
            left_out[task] = str(error)
    return found, left_out


def _newest(
    archive: Archive, run: Run, rubrics: Mapping[str, Rubric], digests: Mapping[str, str]
) -> Score | None:
    """A run's newest score under its task's rubric."""
    task = run.trial.task
    scores = archive.ledger.of(run.id, (rubrics[task].name, digests[task]))
    return scores[-1][1] if scores else None


def _lacking(
    settings: Settings,
    runs: Sequence[Run],
    kept: Mapping[str, Score],
    rubrics: Mapping[str, Rubric],
    digests: Mapping[str, str],
) -> dict[str, Graded]:
    """Scores that were never computed, from evidence that is there; they are not kept."""
    found: dict[str, Graded] = {}
    for digest, rubric in {digests[task]: rubric for task, rubric in rubrics.items()}.items():
        lacking = [r for r in runs if digests[r.trial.task] == digest and r.id not in kept]
        lacking = [run for run in lacking if ungradable(run) is None]
        if lacking:
            (results,) = rescore(Work(settings, (rubric,), frozenset({digest})), lacking, _quiet)
            found |= {result.run.id: result for result in results}
    return found


def _quiet(more: int) -> None:
    """Progress is told by the loader."""


def _sample(archive: Archive, graded: Graded, rubric: Rubric, traffic: Traffic | None) -> Sample:
    run, score = graded.run, graded.score
    sample = sample_of(run, score, rubric, ungradable(run) or graded.why_not or NOT_YET)
    more: dict[str, object] = {"traffic": traffic} if traffic else {}
    if score is not None and (reviews := archive.calibrations(run)):
        more["review"] = Review(counts=reviews[-1].counts)
    if score is not None:
        repairs = {each.phase: each for each in archive.improvements(run, score.rubric, score.rubric_digest)}
        if repairs:
            gained = [(each.gained_low, each.gained_high) for each in repairs.values()]
            more["gained"] = (sum(g[0] for g in gained), sum(g[1] for g in gained))
    return sample.model_copy(update=more)
