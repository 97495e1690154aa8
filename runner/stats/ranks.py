"""Rank intervals: the places a contender may have, so that ties show as ties.

One is surely better than another if two intervals of their difference leave out 0, each at 95 % for all
comparisons of a contender together (Bonferroni): that of the bootstrap (both resampled with the same tasks),
and that of Student's t with the spread pooled over the whole field. The second keeps few trials that happen
to lie close together from passing for certainty. Of what is undecided the worse end counts. A rank reaches
from one more than the surely better ones to all but the surely worse ones. One trial says nothing of spread:
its rank is any, and nobody is surely better or worse than it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, exp, floor, inf, lgamma, pi, sqrt

import numpy as np

from runner.stats.estimates import CONFIDENCE, DRAWS, SEED, Bounds, Draws, Groups, bootstrap
from runner.stats.samples import Contender

Rank = tuple[int, int]


@dataclass(frozen=True)
class _Known:
    """What is known of one contender: resampled means, the mean as an interval, and how surely it is known.

    `variance` is that of the mean, with the field's pooled variance of one trial.
    """

    drawn: tuple[Draws, Draws]
    mean: Bounds
    variance: float


def rank_intervals(
    field: Mapping[Contender, Groups], seed: int = SEED, draws: int = DRAWS
) -> dict[Contender, Rank]:
    """Best and worst rank of each contender that has a sample."""
    filled = {who: groups for who, groups in field.items() if any(groups.values())}
    if len(filled) == 1:
        return dict.fromkeys(filled, (1, 1))
    spread, freedom = pooled(filled.values())
    several = {who: groups for who, groups in filled.items() if sum(map(len, groups.values())) > 1}
    known = {who: _known(groups, spread, seed, draws) for who, groups in several.items()}
    share = 1 - (1 - CONFIDENCE) / max(1, len(filled) - 1) / 2
    apart = critical_t(1 - share, freedom) if freedom else inf
    worse = {
        who: {other for other in known if other != who and _below(own, known[other], share, apart)}
        for who, own in known.items()
    }
    better = {who: sum(who in others for others in worse.values()) for who in known}
    return {
        who: (len(worse[who]) + 1, len(filled) - better[who]) if who in known else (1, len(filled))
        for who in filled
    }


def pooled(field: Iterable[Groups]) -> tuple[dict[str, float], int]:
    """By task the variance of one trial within contenders, and the degrees of freedom of all together.

    A task in which nobody has two trials has that of the others on average. Middles count.
    """
    squares: dict[str, float] = {}
    freedom: dict[str, int] = {}
    for task, bounds in ((t, b) for groups in field for t, b in groups.items() if b):
        middles = np.asarray(bounds, dtype=float).mean(axis=1)
        squares[task] = squares.get(task, 0.0) + float(((middles - middles.mean()) ** 2).sum())
        freedom[task] = freedom.get(task, 0) + len(middles) - 1
    total = sum(freedom.values())
    average = sum(squares.values()) / total if total else 0.0
    return {t: squares[t] / freedom[t] if freedom[t] else average for t in squares}, total


def _known(groups: Groups, spread: Mapping[str, float], seed: int, draws: int) -> _Known:
    own = {task: np.asarray(bounds, dtype=float) for task, bounds in groups.items() if bounds}
    low, high = np.mean([values.mean(axis=0) for values in own.values()], axis=0)
    variance = sum(spread[task] / len(values) for task, values in own.items()) / len(own) ** 2
    return _Known(bootstrap(groups, seed, draws), (float(low), float(high)), variance)


def _below(one: _Known, other: _Known, share: float, apart: float) -> bool:
    """Whether one is surely worse than the other: by Student's t, then by that share of the draws.

    Mostly counting the draws below 0 tells where their quantile lies; only else it is computed.
    """
    gap, error = other.mean[0] - one.mean[1], sqrt(one.variance + other.variance)
    if gap <= 0 or (error > 0 and gap <= apart * error):
        return False
    differences = one.drawn[1] - other.drawn[0]
    place = (len(differences) - 1) * share
    below = int(np.count_nonzero(differences < 0))
    if below > ceil(place):
        return True
    return below > floor(place) and float(np.quantile(differences, share)) < 0


def critical_t(tail: float, freedom: int) -> float:
    """The value that Student's t passes with probability `tail` (one-sided), by bisection."""
    low, high = 0.0, 1.0
    while upper_tail(high, freedom) > tail:
        low, high = high, high * 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if upper_tail(middle, freedom) > tail else (low, middle)
    return high


def upper_tail(t: float, freedom: int) -> float:
    """P(T > t) of Student's t for t >= 0: with t = sqrt(freedom) tan(a) its density is a power of cos(a).

    Integrated from t upwards, so that small tails are not lost in a difference.
    """
    begin = float(np.arctan(t / sqrt(freedom)))
    angles = np.linspace(begin, pi / 2, 2_001)
    values = np.cos(angles) ** (freedom - 1)
    weights = np.full(2_001, 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    scale = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(pi)
    return scale * float(weights @ values) * (pi / 2 - begin) / 2_000 / 3
