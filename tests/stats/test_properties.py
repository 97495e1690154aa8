"""What holds whatever the samples are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.stats.estimates import estimate
from runner.stats.leaderboard import leaderboard
from runner.stats.paired import Noise, holm, paired
from runner.stats.passing import pass_at_k, pass_hat_k
from runner.stats.ranks import rank_intervals
from tests.stats.conftest import sample

TIERS = ("A", "B", "C")
points = st.integers(0, 100).map(float)
bounds = st.tuples(points, points).map(lambda pair: (min(pair), max(pair)))
groups = st.dictionaries(st.sampled_from("abc"), st.lists(bounds, min_size=1, max_size=5), min_size=1)
few = settings(max_examples=25, deadline=None)


@few
@given(groups, st.randoms())
def test_the_order_of_samples_and_tasks_does_not_matter(groups, random) -> None:
    shuffled = [(task, random.sample(values, len(values))) for task, values in groups.items()]
    random.shuffle(shuffled)
    assert estimate(groups, draws=200) == estimate(dict(shuffled), draws=200)


@few
@given(groups)
def test_bounds_lie_in_order_and_one_sample_has_no_interval(groups) -> None:
    found = estimate(groups, draws=400)
    assert found is not None
    assert found.low <= found.high
    if found.n == 1:
        assert found.interval is None
        assert found.why_no_interval
    else:
        assert found.interval is not None
        low, high = found.interval
        assert low <= found.high + 1e-9
        assert high >= found.low - 1e-9


@few
@given(groups, points)
def test_what_is_undecided_never_narrows(groups, more) -> None:
    """The same samples with a wider first one: what the mean may be is no narrower."""
    wider = {task: [(max(0.0, v[0][0] - more), v[0][1] + more), *v[1:]] for task, v in groups.items()}
    before, after = estimate(groups, draws=400), estimate(wider, draws=400)
    assert before is not None
    assert after is not None
    assert after.low <= before.low
    assert after.high >= before.high


@few
@given(st.lists(st.tuples(st.integers(1, 4), points), min_size=1, max_size=8), st.randoms())
def test_the_leaderboard_does_not_depend_on_the_order_of_runs(given_samples, random) -> None:
    samples = list(
        {(e, n % 2): sample(p, e, model="mn"[n % 2]) for n, (e, p) in enumerate(given_samples)}.values()
    )
    shuffled = random.sample(samples, len(samples))
    assert leaderboard(samples, TIERS) == leaderboard(shuffled, TIERS)


@few
@given(st.lists(bounds, min_size=1, max_size=4))
def test_infrastructure_never_moves_a_score(values) -> None:
    own = [sample(low, n, high=high) for n, (low, high) in enumerate(values, 1)]
    ((alone,), (beside,)) = (
        leaderboard(each, TIERS) for each in (own, [*own, sample(None, 9), sample(None, 10)])
    )
    assert alone.score == beside.score
    assert beside.coverage.infra == 2
    assert beside.coverage.share < alone.coverage.share


@few
@given(st.dictionaries(st.sampled_from("mnop"), groups, min_size=1))
def test_the_best_mean_may_be_first_and_ranks_lie_in_the_field(field) -> None:
    contenders = {(model, "bash"): each for model, each in field.items()}
    ranks = rank_intervals(contenders, draws=300)
    assert all(1 <= first <= last <= len(ranks) for first, last in ranks.values())
    assert min(first for first, _ in ranks.values()) == 1


@few
@given(st.lists(points, min_size=1, max_size=8))
def test_nobody_differs_from_himself(values) -> None:
    found = paired({"t": [((v, v), (v, v)) for v in values]})
    assert found.difference is not None
    assert found.difference.mean == 0
    assert found.noise is not Noise.BEYOND


@few
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_only_raises(p_values) -> None:
    assert all(p <= adjusted <= 1 for p, adjusted in zip(p_values, holm(p_values), strict=True))


@few
@given(st.integers(1, 12), st.data())
def test_more_tries_pass_at_k_more_and_pass_hat_k_less(n, data) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    assert pass_at_k(n, c, k) >= pass_at_k(n, c, 1) - 1e-12
    assert pass_hat_k(n, c, k) <= pass_hat_k(n, c, 1) + 1e-12
