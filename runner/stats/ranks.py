"""Rank intervals: the places a contender may have, so that ties show as ties.

One is surely better than another if the bootstrap interval of their difference (both resampled with the same
tasks) leaves out 0, at 95 % for all comparisons of a contender together (Bonferroni). A rank reaches from
one more than the surely better ones to all but the surely worse ones. One trial says nothing of spread: its
rank is any, and nobody is surely better or worse than it.
"""

from __future__ import annotations

from collections.abc import Mapping

from runner.stats.estimates import (
    CONFIDENCE,
    DRAWS,
    SEED,
    Draws,
    Groups,
    bootstrap,
    percentile_interval,
)
from runner.stats.samples import Contender

Rank = tuple[int, int]


def rank_intervals(
    field: Mapping[Contender, Groups], seed: int = SEED, draws: int = DRAWS
) -> dict[Contender, Rank]:
    """Best and worst rank of each contender that has a sample."""
    filled = {who: groups for who, groups in field.items() if any(groups.values())}
    drawn = {
        who: bootstrap(groups, seed, draws)
        for who, groups in filled.items()
        if sum(map(len, groups.values())) > 1
    }
    if len(filled) == 1:
        return dict.fromkeys(filled, (1, 1))
    confidence = 1 - (1 - CONFIDENCE) / (len(filled) - 1)
    return {who: _rank(who, drawn, len(filled), confidence) for who in filled}


def _rank(
    who: Contender, drawn: Mapping[Contender, tuple[Draws, Draws]], size: int, confidence: float
) -> Rank:
    if who not in drawn:
        return 1, size
    low, high = drawn[who]
    better = worse = 0
    for other, (other_low, other_high) in drawn.items():
        if other != who:
            least, most = percentile_interval(low - other_high, high - other_low, confidence)
            better, worse = better + (most < 0), worse + (least > 0)
    return better + 1, size - worse
