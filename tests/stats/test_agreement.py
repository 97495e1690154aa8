"""The estimators beside scipy, statsmodels and numpy, on fixed data."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from runner.stats.estimates import bootstrap, estimate, quantile
from runner.stats.paired import cliffs_delta, cohens_dz, holm, paired, sign_flip_p
from runner.stats.passing import pass_at_k, pass_hat_k

A = [71.0, 64.5, 88.0, 92.5, 55.0, 79.0, 83.5, 60.0]
B = [68.0, 66.0, 80.5, 90.0, 41.0, 70.0, 84.0, 52.5]
DIFFERENCES = [a - b for a, b in zip(A, B, strict=True)]


def test_the_bootstrap_interval_is_scipys_percentile_interval() -> None:
    found = estimate({"t": [(a, a) for a in A]})
    theirs = stats.bootstrap(
        (A,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(3)
    )
    assert found is not None
    assert found.interval == pytest.approx(theirs.confidence_interval, abs=0.6)
    assert found.mean == pytest.approx(np.mean(A))
    assert found.median_low == np.median(A)


def test_tasks_are_resampled_first() -> None:
    """Two tasks whose epochs do not differ: all spread is between tasks, (1/4, 1/2, 1/4) over three means."""
    lows, _ = bootstrap({"a": [(0, 0)] * 5, "b": [(100, 100)] * 5})
    means, numbers = np.unique(lows, return_counts=True)
    assert list(means) == [0, 50, 100]
    assert numbers / numbers.sum() == pytest.approx([0.25, 0.5, 0.25], abs=0.02)


def test_epochs_are_resampled_in_each_task() -> None:
    """The variance of a two-stage bootstrap mean: between tasks, and within them on top."""
    groups = {"a": [(0.0, 0.0), (20.0, 20.0)], "b": [(50.0, 50.0), (70.0, 70.0)]}
    lows, _ = bootstrap(groups, draws=40_000)
    between, within = 25.0**2 / 2, 10.0**2 / 2 / 2
    assert lows.var() == pytest.approx(between + within, rel=0.03)


def test_exact_sign_flips_are_scipys() -> None:
    theirs = stats.permutation_test(
        (DIFFERENCES,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert sign_flip_p(DIFFERENCES) == pytest.approx(theirs.pvalue)


def test_drawn_sign_flips_come_near_the_exact_ones() -> None:
    values = [*DIFFERENCES, -4.0, 6.5, 1.0, -2.5, 3.0, -1.5]
    theirs = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert sign_flip_p(values) == pytest.approx(theirs.pvalue, abs=0.015)


def test_holm_is_statsmodels() -> None:
    p_values = [0.011, 0.2, 0.003, 0.04, 0.04, 0.9]
    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


def test_effect_sizes() -> None:
    t = stats.ttest_rel(A, B).statistic
    assert cohens_dz(DIFFERENCES) == pytest.approx(t / np.sqrt(len(A)))
    u = stats.mannwhitneyu(A, B).statistic
    assert cliffs_delta(A, B) == pytest.approx(2 * u / (len(A) * len(B)) - 1)
    found = paired({"t": [((a, a), (b, b)) for a, b in zip(A, B, strict=True)]})
    assert found.dz == pytest.approx(cohens_dz(DIFFERENCES))
    assert found.difference is not None
    assert found.difference.mean == pytest.approx(np.mean(DIFFERENCES))


def test_quantiles_are_numpys_default() -> None:
    assert quantile(A, 0.95) == pytest.approx(stats.mstats.mquantiles(A, 0.95, alphap=1, betap=1)[0])
    assert quantile([], 0.5) is None


@pytest.mark.parametrize(("n", "c", "k"), [(5, 2, 1), (5, 2, 3), (6, 4, 2), (6, 6, 6), (4, 0, 2)])
def test_passing_is_what_counting_every_choice_gives(n: int, c: int, k: int) -> None:
    choices = list(combinations([True] * c + [False] * (n - c), k))
    assert len(choices) == comb(n, k)
    assert pass_at_k(n, c, k) == pytest.approx(np.mean([any(choice) for choice in choices]))
    assert pass_hat_k(n, c, k) == pytest.approx(np.mean([all(choice) for choice in choices]))
    assert pass_at_k(n, c, n + 1) is None
