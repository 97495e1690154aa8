"""How contenders work beside what they score: time, traffic, cost, and what they say of their work.

Means are per run that was metered; what is unknown in one of them is unknown altogether, never 0. Cost per
shipped app is the cost of all settled runs divided by the number of them that surely reached the best tier;
None where none did, or where a cost is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import isfinite
from statistics import fmean

from runner.core.records import Comparison
from runner.core.standings import Conduct
from runner.stats.estimates import quantile
from runner.stats.samples import Sample, Standing, scored

VERIFIED = frozenset(
    {
        *("boot.boots", "boot.root_page", "suite.loads", "suite.passes", "docker_build.builds"),
        *("docker_build.starts", "compose_up.comes_up"),
        *("python_suite.compiles", "python_suite.runs", "python_suite.passes"),
    }
)
"""What whoever calls work done should have seen: it starts, its own tests pass, its image is built."""


def conduct(samples: Sequence[Sample], best_tier: str) -> Conduct:
    """Of one contender's samples; infrastructure's failures take no part."""
    own = [s for s in samples if s.standing in (Standing.SCORED, Standing.UNSCORED)]
    metered = [s for s in own if s.usage is not None]
    seen = [s.traffic for s in own if s.traffic is not None]
    requests = [each for traffic in seen for each in traffic.request_s]
    turns = [each for traffic in seen for each in traffic.turn_s]
    shipped = sum(s.tiers == (best_tier,) for s in own)
    claimed = [s for s in scored(samples) if s.claimed_done and _fails(s) is not None]
    claims, over = _claims(own)
    gains = [s.gained for s in own if s.gained is not None]
    return Conduct(
        metered=len(metered),
        input_tokens=_mean(metered, lambda s: s.usage.input_tokens if s.usage else None),
        output_tokens=_mean(metered, lambda s: s.usage.output_tokens if s.usage else None),
        cost_usd=_mean(metered, lambda s: s.usage.cost_usd if s.usage else None),
        wall_s=_mean(metered, lambda s: s.wall_s),
        tool_calls=_mean(metered, lambda s: s.traffic.tool_calls if s.traffic else None),
        request_p50_s=quantile(requests, 0.5),
        request_p95_s=quantile(requests, 0.95),
        turn_p50_s=quantile(turns, 0.5),
        turn_p95_s=quantile(turns, 0.95),
        shipped=shipped,
        cost_per_shipped_usd=_cost_per_shipped(own, shipped),
        claimed_done=len(claimed),
        verification_failures=fmean(bool(_fails(s)) for s in claimed) if claimed else None,
        review_claims=claims,
        over_claims=over / claims if claims else None,
        repairs=len(gains),
        repair_gain=(fmean(g[0] for g in gains), fmean(g[1] for g in gains)) if gains else None,
    )


def _fails(sample: Sample) -> bool | None:
    """Whether its own verification fails; None while that is not decided, or nothing is left to verify."""
    if not VERIFIED.isdisjoint(sample.failed):
        return True
    undecided = sample.left_nothing or not VERIFIED.isdisjoint(sample.unknown)
    return None if undecided else False


def _mean(samples: Sequence[Sample], value: Callable[[Sample], float | None]) -> float | None:
    values = [value(sample) for sample in samples]
    known = [each for each in values if each is not None and isfinite(each)]
    return fmean(known) if known and len(known) == len(values) else None


def _cost_per_shipped(samples: Sequence[Sample], shipped: int) -> float | None:
    costs = [s.usage.cost_usd if s.usage else None for s in samples]
    known = [cost for cost in costs if cost is not None and isfinite(cost)]
    return sum(known) / shipped if shipped and len(known) == len(costs) else None


def _claims(samples: Sequence[Sample]) -> tuple[int, int]:
    """Decided PASS claims, and those of them that do not hold."""
    counts: Counter[str] = Counter()
    for sample in samples:
        counts.update(sample.review.counts if sample.review else {})
    over = counts[Comparison.OVER_CLAIM.value]
    return counts[Comparison.HOLDS.value] + over, over
