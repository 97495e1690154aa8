"""Odds: of each tier, that at least one of k runs passes (pass@k), and that all k do (pass^k).

pass@k is the unbiased estimator 1 - C(n-c, k) / C(n, k) (Chen et al. 2021, "Evaluating large language models
trained on code"), pass^k is C(c, k) / C(n, k) (Yao et al. 2024, "tau-bench"): c of n runs passed. Each is
taken for a task, then averaged over tasks. While tiers are undecided both are intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from statistics import fmean

from runner.stats.samples import Sample, by_task, scored

Interval = tuple[float, float]


def pass_at_k(n: int, c: int, k: int) -> float | None:
    """The odds that one of k runs passes, if c of n did; None if there are fewer than k."""
    return None if k > n else 1 - comb(n - c, k) / comb(n, k)


def pass_hat_k(n: int, c: int, k: int) -> float | None:
    """The odds that all of k runs pass, if c of n did; None if there are fewer than k."""
    return None if k > n else comb(c, k) / comb(n, k)


def passes(sample: Sample, tier: str, tiers: Sequence[str]) -> tuple[bool, bool]:
    """Whether it surely, and whether it possibly, reached that tier or a better one. `tiers`: best first."""
    enough = set(tiers[: tiers.index(tier) + 1])
    return all(t in enough for t in sample.tiers), any(t in enough for t in sample.tiers)


def pass_odds(
    samples: Sequence[Sample], tier: str, tiers: Sequence[str], k: int
) -> tuple[Interval | None, Interval | None]:
    """pass@k and pass^k at a tier; None if a task has fewer than k scored runs."""
    groups = list(by_task(scored(samples)).values())
    if not groups or min(map(len, groups)) < k:
        return None, None
    counted = [[passes(s, tier, tiers) for s in group] for group in groups]
    found = []
    for estimator in (pass_at_k, pass_hat_k):
        ends = [
            fmean(estimator(len(group), sum(p[side] for p in group), k) or 0.0 for group in counted)
            for side in (0, 1)
        ]
        found.append((ends[0], ends[1]))
    return found[0], found[1]


def tier_odds(samples: Sequence[Sample], tiers: Sequence[str]) -> dict[str, float]:
    """The share of runs in each tier, a mean over tasks; what is missing to 1 is undecided."""
    groups = list(by_task(scored(samples)).values())
    if not groups:
        return {}
    return {tier: fmean(fmean(s.tier == tier for s in group) for group in groups) for tier in tiers}
