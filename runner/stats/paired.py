"""Two contenders compared on the cells (task, variant, epoch) that both were scored in.

- The difference is the mean over tasks of the mean over cells of A - B, as an interval while scores are.
- Its 95 % interval is a bootstrap over tasks, then cells, as in estimates.py.
- p is that of the sign-flip permutation test on the middle differences (Fisher 1935; exact up to 12 pairs,
  else 10,000 seeded draws), two-sided; of several comparisons at once it is Holm's (1979).
- The effect size is Cohen's dz: mean / standard deviation (n - 1) of the differences; beside it Cliff's
  delta: share of (a, b) in which a > b, less the share in which a < b.

It is more than noise if the interval leaves out 0 and p < 0.05. With fewer than six pairs p cannot be that
small (2 / 2^n), so nothing is claimed then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import product

import numpy as np

from runner.core.records import Record
from runner.stats.estimates import DRAWS, SEED, Bounds, Estimate, estimate

LEAST_PAIRS = 6
ALPHA = 0.05
MOST_EXACT = 12
Pairs = Mapping[str, Sequence[tuple[Bounds, Bounds]]]
"""By task, the bounds of A and of B in each cell."""


class Noise(StrEnum):
    """What can be said of a difference."""

    BEYOND = "more than noise"
    WITHIN = "not more than noise"
    TOO_FEW = "too few pairs to tell"
    NO_PAIRS = "no pair to compare"


class Paired(Record):
    """A - B over `n` pairs. `p` is None below two pairs; `p_holm` is corrected for its family."""

    n: int
    difference: Estimate | None
    p: float | None = None
    p_holm: float | None = None
    dz: float | None = None
    cliffs_delta: float | None = None

    @property
    def noise(self) -> Noise:
        """Whether the difference is more than noise."""
        if self.difference is None:
            return Noise.NO_PAIRS
        if self.n < LEAST_PAIRS or self.difference.interval is None:
            return Noise.TOO_FEW
        low, high = self.difference.interval
        p = self.p_holm if self.p_holm is not None else self.p
        sure = p is not None and p < ALPHA and (low > 0 or high < 0)
        return Noise.BEYOND if sure else Noise.WITHIN


def paired(pairs: Pairs, seed: int = SEED) -> Paired:
    """Compare A with B; the order of tasks and cells does not matter."""
    differences = {
        task: [(a[0] - b[1], a[1] - b[0]) for a, b in cells] for task, cells in pairs.items() if cells
    }
    flat = [pair for task in sorted(pairs) for pair in sorted(pairs[task])]
    middles = sorted((sum(a) - sum(b)) / 2 for a, b in flat)
    return Paired(
        n=len(flat),
        difference=estimate(differences, seed),
        p=sign_flip_p(middles, seed) if len(flat) > 1 else None,
        dz=cohens_dz(middles),
        cliffs_delta=cliffs_delta([sum(a) / 2 for a, _ in flat], [sum(b) / 2 for _, b in flat]),
    )


def sign_flip_p(differences: Sequence[float], seed: int = SEED, draws: int = DRAWS) -> float:
    """The two-sided p of the mean under random signs; drawn, it counts what was seen as one draw more."""
    values = np.asarray(differences, dtype=float)
    seen = abs(values.mean())
    slack = 1e-12 * max(1.0, float(np.abs(values).max(initial=0)))
    if len(values) <= MOST_EXACT:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(values))))
        return float((np.abs(signs @ values) / len(values) >= seen - slack).mean())
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(draws, len(values)))
    extreme = int((np.abs(signs @ values) / len(values) >= seen - slack).sum())
    return (extreme + 1) / (draws + 1)


def cohens_dz(differences: Sequence[float]) -> float | None:
    """None for one difference, or where all are the same."""
    if len(differences) < 2:
        return None
    spread = float(np.std(differences, ddof=1))
    return None if spread < 1e-12 else float(np.mean(differences)) / spread


def cliffs_delta(a: Sequence[float], b: Sequence[float]) -> float | None:
    """From -1 (every a below every b) to 1; None without values."""
    if not a or not b:
        return None
    return float(np.sign(np.subtract.outer(np.asarray(a), np.asarray(b))).mean())


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p values, in the order given."""
    order = sorted(range(len(p_values)), key=lambda n: p_values[n])
    adjusted, worst = [0.0] * len(p_values), 0.0
    for place, n in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - place) * p_values[n]))
        adjusted[n] = worst
    return adjusted


def corrected(family: Mapping[str, Paired]) -> dict[str, Paired]:
    """The comparisons with `p_holm` for all that have a p."""
    names = [name for name, each in family.items() if each.p is not None]
    adjusted = dict(zip(names, holm([family[name].p or 0.0 for name in names]), strict=True))
    return {
        name: each.model_copy(update={"p_holm": adjusted[name]}) if name in adjusted else each
        for name, each in family.items()
    }
