"""The spread between prompt variants: a signal of contamination and of sensitivity to words.

Who has seen a task before does better in its original words than in a paraphrase. So both are tested by
permutation (Fisher 1935) of which trial had which words, within a contender and a task: the lead of the
original over all others (one-sided), and the spread of the variants' means (the variance between them). Small
designs are enumerated, others drawn with a fixed seed. Undecided scores count with their middle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from math import factorial, prod
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from runner.core.variants import ORIGINAL, Reading, VariantMean, VariantSpread
from runner.stats.estimates import CONFIDENCE, SEED
from runner.stats.paired import ALPHA, holm
from runner.stats.samples import Sample, scored

LEAST_EACH = 2
MOST_EXACT = 5_040  # orders, of seven trials
DRAWS = 10_000
Values = NDArray[np.float64]
Statistic = Callable[[Values], Values]
"""Of each row, whose first values are those of the first variant, and so on."""


def variant_spreads(samples: Sequence[Sample], seed: int = SEED) -> list[VariantSpread]:
    """Of each contender and task with trials in two wordings or more, the widest spread first.

    The order of the samples does not matter.
    """
    groups: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    for sample in scored(samples):
        own = groups.setdefault((sample.task, sample.model, sample.agent), {})
        assert sample.bounds is not None
        own.setdefault(sample.variant or ORIGINAL, []).append(sum(sample.bounds) / 2)
    several = {who: own for who, own in sorted(groups.items()) if len(own) > 1}
    found = [_spread(who, own, seed) for who, own in several.items()]
    return sorted(_corrected(found), key=lambda each: (-each.spread, each.task, each.model, each.agent))


def _spread(who: tuple[str, str, str], own: Mapping[str, list[float]], seed: int) -> VariantSpread:
    names = sorted(own, key=lambda name: (name != ORIGINAL, name))
    values = np.array([value for name in names for value in sorted(own[name])])
    sizes = [len(own[name]) for name in names]
    means = [fmean(own[name]) for name in names]
    enough = min(sizes) >= LEAST_EACH
    lead = float(_lead(sizes[0])(values[None, :])[0]) if ORIGINAL in own else None
    return VariantSpread(
        task=who[0],
        model=who[1],
        agent=who[2],
        variants=tuple(
            VariantMean(variant=name, n=len(own[name]), mean=mean, low=min(own[name]), high=max(own[name]))
            for name, mean in zip(names, means, strict=True)
        ),
        spread=max(means) - min(means),
        p_spread=_permuted_p(values, _between(sizes), seed) if enough else None,
        original_lead=lead,
        lead_interval=_interval(values, sizes[0], seed) if lead is not None and enough else None,
        p_lead=_permuted_p(values, _lead(sizes[0]), seed) if lead is not None and enough else None,
        reading=Reading.TOO_FEW,
    )


def _lead(originals: int) -> Statistic:
    def lead(rows: Values) -> Values:
        first, others = rows[:, :originals].mean(axis=1), rows[:, originals:].mean(axis=1)
        return np.asarray(first - others, dtype=float)

    return lead


def _between(sizes: Sequence[int]) -> Statistic:
    """The sum of squares between the variants: what F compares, as the sum of all squares stays the same."""
    cuts = np.cumsum(sizes)[:-1]

    def squares(rows: Values) -> Values:
        parts, middle = np.split(rows, cuts, axis=1), rows.mean(axis=1)
        total = np.zeros(len(rows))
        for part in parts:
            total += part.shape[1] * (part.mean(axis=1) - middle) ** 2
        return total

    return squares


def _permuted_p(values: Values, statistic: Statistic, seed: int) -> float:
    """The share of permutations with as large a statistic; drawn, what was seen counts as one draw more."""
    (seen,) = statistic(values[None, :])
    exact = factorial(len(values)) <= MOST_EXACT
    if exact:
        rows = np.array(list(permutations(values)))
    else:
        rows = np.random.default_rng(seed).permuted(np.tile(values, (DRAWS, 1)), axis=1)
    slack = 1e-9 * max(1.0, abs(float(seen)))
    extreme = int(np.count_nonzero(statistic(rows) >= seen - slack))
    return extreme / len(rows) if exact else (extreme + 1) / (DRAWS + 1)


def _interval(values: Values, originals: int, seed: int) -> tuple[float, float]:
    """The percentile interval of the lead, each side resampled by itself."""
    random = np.random.default_rng(seed)
    sides = [values[:originals], values[originals:]]
    drawn = [side[random.integers(len(side), size=(DRAWS, len(side)))].mean(axis=1) for side in sides]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn[0] - drawn[1], [tail, 1 - tail])
    return float(low), float(high)


def _corrected(found: Sequence[VariantSpread]) -> list[VariantSpread]:
    """With p corrected over all of them, and what they say."""
    leads = _holm([each.p_lead for each in found])
    spreads = _holm([each.p_spread for each in found])
    return [
        each.model_copy(update={"p_lead": lead, "p_spread": spread, "reading": _reading(each, lead, spread)})
        for each, lead, spread in zip(found, leads, spreads, strict=True)
    ]


def _holm(p_values: Sequence[float | None]) -> list[float | None]:
    known = [p for p in p_values if p is not None]
    adjusted = iter(holm(known))
    return [None if p is None else next(adjusted) for p in p_values]


def _reading(found: VariantSpread, p_lead: float | None, p_spread: float | None) -> Reading:
    if p_lead is not None and p_lead < ALPHA:
        return Reading.SUSPECT
    if p_spread is None or _least_p([each.n for each in found.variants]) >= ALPHA:
        return Reading.TOO_FEW
    return Reading.SENSITIVE if p_spread < ALPHA else Reading.STEADY


def _least_p(sizes: Sequence[int]) -> float:
    """The smallest p there can be: of all ways to deal the trials, the ones that look like the best."""
    alike = max(sizes.count(size) for size in sizes)
    return factorial(alike) * prod(map(factorial, sizes)) / factorial(sum(sizes))
