"""The leaderboard: every contender in every scope, a task or all tasks, with what its place rests on."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from runner.core.records import Record
from runner.core.standings import Conduct
from runner.stats.conduct import conduct
from runner.stats.coverage import Coverage, coverage
from runner.stats.estimates import SEED, Estimate, Groups, estimate
from runner.stats.passing import Interval, pass_odds, tier_odds
from runner.stats.ranks import Rank, rank_intervals
from runner.stats.samples import Contender, Sample, by_task, scored

ALL_TASKS = ""


class Row(Record):
    """One contender in one scope: a task's id, or ALL_TASKS.

    `score` is None where nothing could be scored. `rank` is a first and a last place, None for one that was
    not scored in every task of the scope; `missing` names those. `tier` is the one more than half of the
    scored runs reached; `why_no_tier` says why none is named. `odds` is empty for one trial. `pass_at` and
    `pass_hat` are for the best tier and k = 1, 2, 3 as far as there are runs.
    """

    scope: str
    model: str
    agent: str
    agent_versions: tuple[str, ...]
    coverage: Coverage
    score: Estimate | None
    rank: Rank | None
    tier: str | None
    why_no_tier: str | None
    odds: dict[str, float]
    pass_at: dict[int, Interval]
    pass_hat: dict[int, Interval]
    missing: tuple[str, ...] = ()
    dimensions: dict[str, Estimate] = Field(default_factory=dict)
    conduct: Conduct

    @property
    def contender(self) -> Contender:
        """Who it is."""
        return self.model, self.agent


def leaderboard(samples: Sequence[Sample], tiers: Sequence[str], seed: int = SEED) -> list[Row]:
    """Rows of every scope, all tasks first (if there are several), best first; `tiers` best first.

    The order of the samples does not matter.
    """
    tasks = sorted({s.task for s in samples})
    scopes = [*([ALL_TASKS] if len(tasks) > 1 else []), *tasks]
    return [row for scope in scopes for row in _scope(scope, tasks, samples, tiers, seed)]


def _scope(
    scope: str, tasks: Sequence[str], samples: Sequence[Sample], tiers: Sequence[str], seed: int
) -> list[Row]:
    wanted = [scope] if scope else list(tasks)
    groups: dict[Contender, list[Sample]] = {}
    for sample in samples:
        if sample.task in wanted:
            groups.setdefault(sample.contender, []).append(sample)
    lacking = {
        who: tuple(t for t in wanted if t not in {s.task for s in scored(own)}) for who, own in groups.items()
    }
    field = {who: bounds_by_task(own) for who, own in groups.items() if not lacking[who]}
    ranks = rank_intervals(field, seed)
    rows = [_row(scope, own, tiers, ranks.get(who), lacking[who], seed) for who, own in groups.items()]
    return sorted(rows, key=_place)


def _place(row: Row) -> tuple[bool, float, Contender]:
    return bool(row.missing), -(row.score.mean if row.score else -1.0), row.contender


def _row(
    scope: str,
    samples: Sequence[Sample],
    tiers: Sequence[str],
    rank: Rank | None,
    missing: tuple[str, ...],
    seed: int,
) -> Row:
    covered, odds = coverage(samples), tier_odds(samples, tiers)
    tier, why_no_tier = _tier(odds, covered)
    passing = {k: pass_odds(samples, tiers[0], tiers, k) for k in (1, 2, 3)}
    return Row(
        scope=scope,
        model=samples[0].model,
        agent=samples[0].agent,
        agent_versions=tuple(sorted({s.agent_version for s in samples})),
        coverage=covered,
        score=estimate(bounds_by_task(samples), seed),
        rank=rank,
        tier=tier,
        why_no_tier=why_no_tier,
        odds=odds if covered.scored > 1 else {},
        pass_at={k: at for k, (at, _) in passing.items() if at is not None},
        pass_hat={k: hat for k, (_, hat) in passing.items() if hat is not None},
        missing=missing,
        dimensions=_dimensions(samples, seed),
        conduct=conduct(samples, tiers[0]),
    )


def _tier(odds: dict[str, float], covered: Coverage) -> tuple[str | None, str | None]:
    if not covered.scored:
        return None, "nothing could be scored"
    if not covered.enough:
        return None, f"only {covered.scored} of {covered.trials} trials could be scored"
    tier = next((tier for tier, share in odds.items() if share > 0.5), None)
    return tier, None if tier else "no tier has more than half of the runs"


def bounds_by_task(samples: Sequence[Sample]) -> Groups:
    """The scores of each task's scored samples."""
    return {t: [s.bounds for s in own if s.bounds] for t, own in by_task(scored(samples)).items()}


def dimension_bounds(samples: Sequence[Sample], dimension: str) -> Groups:
    """The same of one dimension, in percent of its points: rubrics may weigh it differently."""
    return {
        task: [
            (100 * kept.low / kept.points, 100 * kept.high / kept.points)
            for s in own
            if (kept := s.dimensions.get(dimension))
        ]
        for task, own in by_task(scored(samples)).items()
    }


def _dimensions(samples: Sequence[Sample], seed: int) -> dict[str, Estimate]:
    names = dict.fromkeys(name for s in scored(samples) for name in s.dimensions)
    found = {name: estimate(dimension_bounds(samples, name), seed, draws=2_000) for name in names}
    return {name: each for name, each in found.items() if each is not None}
