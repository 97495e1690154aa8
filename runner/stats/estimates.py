"""Means of intervals, with a bootstrap interval: tasks are resampled first, then the epochs in each.

A mean over several tasks is the mean of the tasks' means, so that no task counts more for having been run
more often. Of samples that are intervals the mean is one too, [low, high]; the 95 % interval then reaches
from the lower bound of the mean of the lows to the upper bound of the mean of the highs. It is the percentile
interval (Efron and Tibshirani 1993, chapter 13), which is too narrow for few samples: `few` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from runner.core.records import Record

Bounds = tuple[float, float]
Groups = Mapping[str, Sequence[Bounds]]
Draws = NDArray[np.float64]

DRAWS = 10_000
SEED = 1
CONFIDENCE = 0.95
FEW = 5


class Estimate(Record):
    """A mean of `n` samples from `tasks` tasks. `low` < `high` only while samples are undecided.

    `median_low` and `median_high` are of all samples. `interval` is None with `why_no_interval` told.
    """

    n: int
    tasks: int
    low: float
    high: float
    median_low: float
    median_high: float
    interval: Bounds | None
    why_no_interval: str | None = None

    @property
    def mean(self) -> float:
        """The middle of what the mean may be."""
        return (self.low + self.high) / 2

    @property
    def few(self) -> bool:
        """Whether the interval rests on so few samples that it is surely too narrow."""
        return self.n < FEW


def estimate(groups: Groups, seed: int = SEED, draws: int = DRAWS) -> Estimate | None:
    """Of the samples of each task, None without any. The order of tasks and samples does not matter."""
    filled = {task: sorted(bounds) for task, bounds in sorted(groups.items()) if bounds}
    if not filled:
        return None
    n = sum(map(len, filled.values()))
    lows, highs = ([[pair[side] for pair in bounds] for bounds in filled.values()] for side in (0, 1))
    all_lows, all_highs = ([value for values in side for value in values] for side in (lows, highs))
    drawn = bootstrap(filled, seed, draws) if n > 1 else None
    return Estimate(
        n=n,
        tasks=len(filled),
        low=_mean_of_means(lows),
        high=_mean_of_means(highs),
        median_low=float(np.median(all_lows)),
        median_high=float(np.median(all_highs)),
        interval=None if drawn is None else percentile_interval(*drawn),
        why_no_interval="n = 1: one trial says nothing of spread" if n == 1 else None,
    )


def bootstrap(groups: Groups, seed: int = SEED, draws: int = DRAWS) -> tuple[Draws, Draws]:
    """Resampled means of the lows and of the highs. Equal task names and seeds draw the same tasks."""
    filled = {task: sorted(bounds) for task, bounds in sorted(groups.items()) if bounds}
    random = np.random.default_rng(seed)
    tasks = len(filled)
    chosen = random.integers(tasks, size=(draws, tasks))
    # How often each task was drawn; one that was drawn twice gets epochs drawn anew each time.
    total = np.zeros((2, draws))
    for place in range(tasks):
        for number, bounds in enumerate(filled.values()):
            values = np.asarray(bounds, dtype=float)
            rows = np.flatnonzero(chosen[:, place] == number)
            size = len(values)
            picks = random.integers(size, size=(len(rows), size))
            # The mean of what was picked, as how often each was: that needs no copy of every value picked.
            cells = (picks + np.arange(len(rows))[:, None] * size).ravel()
            counts = np.bincount(cells, minlength=len(rows) * size).reshape(len(rows), size)
            total[:, rows] += (counts @ values).T / size
    return total[0] / tasks, total[1] / tasks


def percentile_interval(lows: Draws, highs: Draws, confidence: float = CONFIDENCE) -> Bounds:
    """From the lower percentile of the lows to the upper one of the highs."""
    tail = (1 - confidence) / 2
    return float(np.quantile(lows, tail)), float(np.quantile(highs, 1 - tail))


def quantile(values: Sequence[float], share: float) -> float | None:
    """With linear interpolation (type 7 of Hyndman and Fan 1996, as numpy's), None without values."""
    return float(np.quantile(np.asarray(values, dtype=float), share)) if values else None


def _mean_of_means(by_task: Sequence[Sequence[float]]) -> float:
    return float(np.mean([np.mean(values) for values in by_task]))
