"""The spread between wordings: what is a signal, and what is noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from runner.core.variants import ORIGINAL, Reading, VariantSpread
from runner.stats.samples import Sample
from runner.stats.variants import variant_spreads
from tests.stats.conftest import sample

KNOWN = [90.0, 88.0, 93.0, 91.0]
OTHER = [61.0, 70.0, 64.0, 58.0]


def asked(words: Mapping[str, Sequence[float]], model: str = "m") -> list[Sample]:
    return [
        sample(points, epoch, model=model, variant=None if name == ORIGINAL else name)
        for name, values in words.items()
        for epoch, points in enumerate(values, 1)
    ]


def only(samples: Sequence[Sample]) -> VariantSpread:
    (found,) = variant_spreads(samples)
    return found


def test_better_in_the_original_words_than_in_any_other_is_suspect() -> None:
    found = only(asked({ORIGINAL: KNOWN, "terse": OTHER, "colleague": [66.0, 59.0, 71.0]}))
    assert found.reading is Reading.SUSPECT
    assert found.original_lead == pytest.approx(np.mean(KNOWN) - np.mean([*OTHER, 66, 59, 71]))
    assert found.lead_interval is not None
    assert found.lead_interval[0] > 15
    assert [each.variant for each in found.variants] == [ORIGINAL, "colleague", "terse"]


def test_worse_in_the_original_words_is_sensitive_but_not_suspect() -> None:
    assert only(asked({ORIGINAL: OTHER, "terse": KNOWN})).reading is Reading.SENSITIVE


def test_noise_and_too_few_trials_are_told_apart() -> None:
    assert only(asked({ORIGINAL: KNOWN, "terse": [89.0, 92.0, 90.0, 90.5]})).reading is Reading.STEADY
    for few in ({ORIGINAL: [90], "terse": [20]}, {ORIGINAL: KNOWN[:2], "terse": OTHER[:2]}):
        assert only(asked(few)).reading is Reading.TOO_FEW
    alone = only(asked({ORIGINAL: [90, 80], "terse": [20]}))
    assert (alone.p_spread, alone.p_lead, alone.lead_interval) == (None, None, None)


def test_without_the_original_there_is_no_lead_and_one_wording_is_no_spread() -> None:
    found = only(asked({"terse": KNOWN, "colleague": OTHER}))
    assert (found.original_lead, found.reading) == (None, Reading.SENSITIVE)
    assert variant_spreads(asked({ORIGINAL: KNOWN})) == variant_spreads([]) == []


def test_many_contenders_are_corrected_for() -> None:
    """What is a signal in one contender is chance in one of forty."""
    borderline = {ORIGINAL: KNOWN[:3], "terse": OTHER[:3]}
    alone = only(asked(borderline | {"b": OTHER[1:]}))
    assert alone.reading is Reading.SUSPECT
    field = [s for n in range(40) for s in asked(borderline | {"b": OTHER[1:]}, f"m{n}")]
    assert {each.reading for each in variant_spreads(field)} == {Reading.STEADY}


def test_without_any_spread_nothing_is_claimed() -> None:
    found = only(asked({ORIGINAL: [80.0] * 4, "terse": [80.0] * 4}))
    assert (found.spread, found.p_spread, found.p_lead, found.reading) == (0, 1, 1, Reading.STEADY)


@pytest.mark.parametrize("sizes", [(3, 4), (6, 7)])
def test_p_is_that_of_scipys_permutation_test(sizes: tuple[int, int]) -> None:
    """Enumerated for seven trials, drawn for thirteen."""
    random = np.random.default_rng(5)
    first, second = (
        list(random.normal(mean, 10, n).round(2)) for mean, n in zip((60, 50), sizes, strict=True)
    )
    theirs = stats.permutation_test(
        (first, second), lambda a, b: np.mean(a) - np.mean(b), alternative="greater", n_resamples=np.inf
    )
    found = only(asked({ORIGINAL: first, "terse": second}))
    assert found.p_lead == pytest.approx(theirs.pvalue, abs=1e-9 if sum(sizes) < 8 else 0.015)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([ORIGINAL, "a", "b"]),
        st.lists(st.integers(0, 100).map(float), min_size=1, max_size=5),
        min_size=2,
    ),
    st.randoms(),
)
def test_the_order_of_samples_does_not_matter(words, random) -> None:
    samples = asked(words)
    found = only(samples)
    assert only(random.sample(samples, len(samples))) == found
    assert found.spread >= 0
    assert all(p is None or 0 < p <= 1 for p in (found.p_spread, found.p_lead))
