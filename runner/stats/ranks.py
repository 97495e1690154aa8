"""Rank intervals: the places a contender may have, so that ties show as ties.

One is surely better than another if the bootstrap interval of their difference (both resampled with the same
tasks) leaves out 0, at 95 % for all comparisons of a contender together (Bonferroni). Mostly that is told by
counting the draws on either side of 0; the quantile is only computed where a count cannot decide. A rank
reaches from one more than the surely better ones to all but the surely worse ones. One trial says nothing of
spread: its rank is any, and nobody is surely better or worse than it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor

import numpy as np

from runner.stats.estimates import CONFIDENCE, DRAWS, SEED, Draws, Groups, bootstrap
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
    share = 1 - (1 - CONFIDENCE) / (len(filled) - 1) / 2
    worse = {
        who: {o for o in drawn if o != who and _below(own, drawn[o], share)} for who, own in drawn.items()
    }
    better = {who: sum(who in others for others in worse.values()) for who in drawn}
    return {
        who: (len(worse[who]) + 1, len(filled) - better[who]) if who in drawn else (1, len(filled))
        for who in filled
    }


def _below(one: tuple[Draws, Draws], other: tuple[Draws, Draws], share: float) -> bool:
    """Whether that share of the draws of one less the other lies below 0, whatever is undecided."""
    differences = one[1] - other[0]
    place = (len(differences) - 1) * share
    below = int(np.count_nonzero(differences < 0))
    if below > ceil(place):
        return True
    return below > floor(place) and float(np.quantile(differences, share)) < 0
