"""One sample per trial: what a run is worth to the statistics, or why it is worth nothing to them.

What counts, and for how much:

- A run with a score counts with it; while something is undecided, as the interval [low, high].
- A failure of the MODEL that left nothing to grade counts as 0 points and the lowest tier: nothing was
  delivered. One that left a repository counts with the score of that.
- A failure of INFRA or HARNESS, an interrupted run, and one that could not be scored never count. They lower
  the coverage, which is told beside every mean.
- Of a trial's attempts the last one that settled it counts. Of several trials in one cell (task, variant,
  model, agent, epoch: the task was edited, say, or the agent updated) only the newest counts: running
  the same thing again is no further evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from pydantic import Field

from runner.core.records import Blame, Outcome, Record, Rubric, Run, RunStatus, Score, Usage

Contender = tuple[str, str]
"""Model and agent."""
Cell = tuple[str, str, int]
"""Task, variant (empty without one) and epoch: what samples are paired by."""


class Standing(StrEnum):
    """Whether a sample has a score. UNSCORED: nobody knows yet, or nothing was there to grade."""

    SCORED = "scored"
    INFRA = "infra"
    HARNESS = "harness"
    UNSCORED = "unscored"


class Kept(Record):
    """Points kept of `points` in one dimension."""

    points: float
    low: float
    high: float


class Traffic(Record):
    """What a run's transcript says: seconds of each request (a try) and turn (with its tries), tool calls."""

    request_s: tuple[float, ...] = ()
    turn_s: tuple[float, ...] = ()
    tool_calls: int = 0


class Review(Record):
    """What a model's own review was worth: goals by how the claim compares with what was found."""

    counts: dict[str, int]


class Sample(Record):
    """One trial. `low`, `high`, `tiers` and `dimensions` are empty unless it is SCORED.

    `tiers` are those that it may have, best first: one, unless something is undecided. `failed` are checks
    that failed and cost points, `unknown` those that leave some open;
    `claimed_done` says whether the model ended the work by itself, None if that is not known; `gained` is
    what repairs brought, at least and at most.
    """

    run: str
    task: str
    model: str
    agent: str
    agent_version: str
    epoch: int
    variant: str | None = None
    standing: Standing
    why_not: str | None = None
    blame: Blame | None = None
    low: float | None = None
    high: float | None = None
    total: float | None = Field(None, description="the most it could have")
    tiers: tuple[str, ...] = ()
    dimensions: dict[str, Kept] = Field(default_factory=dict)
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    usage: Usage | None = Field(None, description="None if it was not metered")
    wall_s: float | None = None
    traffic: Traffic | None = None
    imported: bool = False
    left_nothing: bool = False
    claimed_done: bool | None = None
    review: Review | None = None
    gained: tuple[float, float] | None = None

    @property
    def contender(self) -> Contender:
        """Who made it."""
        return self.model, self.agent

    @property
    def cell(self) -> Cell:
        """What it is paired by."""
        return self.task, self.variant or "", self.epoch

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The least and the most points it has, None if it has no score."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def tier(self) -> str | None:
        """Its tier, if that is decided."""
        return self.tiers[0] if len(self.tiers) == 1 else None


def settled(run: Run) -> bool:
    """Whether an attempt settles its trial: it completed, or the model failed."""
    by_model = run.failure is not None and run.failure.kind is Blame.MODEL
    return run.status is RunStatus.COMPLETED or by_model


def counting(runs: Iterable[Run]) -> list[Run]:
    """The one run of each cell that counts, oldest first; replays never do."""
    best: dict[tuple[str, ...], Run] = {}
    for run in sorted(runs, key=lambda run: (settled(run), run.started, run.id)):
        if run.replay_of is None:
            trial = run.trial
            variant = getattr(trial, "variant", None) or ""
            best[trial.task, variant, trial.model, trial.agent, str(trial.epoch)] = run
    return sorted(best.values(), key=lambda run: (run.started, run.id))


def sample_of(run: Run, score: Score | None, rubric: Rubric, why_not: str | None = None) -> Sample:
    """A run with its score under a rubric; `why_not` says why it has none."""
    trial, blame = run.trial, run.failure.kind if run.failure else None
    what = Sample(
        run=run.id,
        task=trial.task,
        model=trial.model,
        agent=trial.agent,
        agent_version=trial.agent_version,
        epoch=trial.epoch,
        variant=getattr(trial, "variant", None),
        standing=_standing(run, score),
        blame=blame,
        usage=None if run.imported else run.usage,
        wall_s=None if run.imported else run.wall_s,
        imported=run.imported is not None,
        claimed_done=None if run.imported else _claimed_done(run),
    )
    if what.standing is not Standing.SCORED:
        return what.model_copy(update={"why_not": why_not or what.standing.value})
    return what.model_copy(update=_nothing_delivered(rubric) if score is None else _worth(score, rubric))


def _standing(run: Run, score: Score | None) -> Standing:
    blame = run.failure.kind if run.failure else None
    if blame is Blame.HARNESS:
        return Standing.HARNESS
    if blame is Blame.INFRA or run.status is RunStatus.INTERRUPTED:
        return Standing.INFRA
    if score is not None or (blame is Blame.MODEL and run.tree is None and run.imported is None):
        return Standing.SCORED
    return Standing.UNSCORED


def _claimed_done(run: Run) -> bool:
    """Whether every phase ended because the model said so."""
    return bool(run.phases) and all(p.stopped_by in ("done", "nothing_to_repair") for p in run.phases)


def _nothing_delivered(rubric: Rubric) -> dict[str, object]:
    return {
        "low": 0.0,
        "high": 0.0,
        "left_nothing": True,
        "total": sum(d.points for d in rubric.dimensions),
        "tiers": (rubric.tiers[-1].id,),
        "dimensions": {d.id: Kept(points=d.points, low=0, high=0) for d in rubric.dimensions},
    }


def _worth(score: Score, rubric: Rubric) -> dict[str, object]:
    applied = [a for d in score.dimensions for a in d.applied] + list(score.ceilings)
    found = {f.check for a in applied for f in a.findings if f.outcome is Outcome.FAIL}
    open_ones = [a for d in score.dimensions for a in d.unknown] + list(score.ceilings)
    unknown = {f.check for a in open_ones for f in a.findings if f.outcome is Outcome.UNKNOWN}
    return {
        "low": score.low,
        "high": score.high,
        "total": sum(d.points for d in score.dimensions),
        "tiers": (score.tier,) if score.tier else possible_tiers(rubric, score.low, score.high),
        "dimensions": {d.id: Kept(points=d.points, low=d.low, high=d.high) for d in score.dimensions},
        "failed": tuple(sorted(found)),
        "unknown": tuple(sorted(unknown)),
    }


def possible_tiers(rubric: Rubric, low: float, high: float) -> tuple[str, ...]:
    """The tiers that [low, high] touches, best first; a score below all of them is in the last."""
    names = [tier.id for tier in rubric.tiers]
    best, worst = (
        next((n for n, tier in enumerate(rubric.tiers) if points >= tier.at_least), len(names) - 1)
        for points in (high, low)
    )
    return tuple(names[best : worst + 1])


def scored(samples: Iterable[Sample]) -> list[Sample]:
    """Those with a score, in an order that does not depend on the one given."""
    return sorted((s for s in samples if s.standing is Standing.SCORED), key=lambda s: (s.cell, s.run))


def by_task(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """Samples of each task, tasks by name."""
    groups: dict[str, list[Sample]] = {task: [] for task in sorted({s.task for s in samples})}
    for sample in samples:
        groups[sample.task].append(sample)
    return groups
