"""Samples as nobody would like them: unbalanced, alike, missing, without price, and very many."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from runner.core.records import Usage
from runner.stats.leaderboard import ALL_TASKS, Row, leaderboard
from runner.stats.ranks import critical_t, pooled, rank_intervals, upper_tail
from runner.stats.recommend import recommend
from runner.stats.samples import Sample
from tests.stats.conftest import sample

TIERS = ("A", "B", "C")


def board(samples: Sequence[Sample], scope: str = "t") -> list[Row]:
    return [row for row in leaderboard(samples, TIERS) if row.scope == scope]


def test_a_task_counts_the_same_however_often_it_was_run() -> None:
    often = [sample(90, n, task="a") for n in range(1, 31)] + [sample(30, 1, task="b")]
    (row,) = board(often, ALL_TASKS)
    assert row.score is not None
    assert row.score.mean == 60
    assert row.odds == {"A": 0.5, "B": 0, "C": 0.5}
    assert row.pass_at == {1: (0.5, 0.5)}  # of b there is one trial, so nothing can be said of two


def test_one_task_has_no_scope_of_all_tasks_and_one_contender_is_first() -> None:
    (row,) = leaderboard([sample(70, n) for n in (1, 2, 3)], TIERS)
    assert (row.scope, row.rank) == ("t", (1, 1))


def test_without_any_spread_equals_tie_and_others_do_not() -> None:
    fields = {"m": 80, "n": 80, "o": 60}
    rows = board([sample(p, e, model=m) for m, p in fields.items() for e in (1, 2, 3)])
    assert {row.model: row.rank for row in rows} == {"m": (1, 2), "n": (1, 2), "o": (3, 3)}
    assert all(row.score and row.score.interval == (row.score.mean,) * 2 for row in rows)


def test_two_trials_that_happen_to_lie_together_are_no_certainty() -> None:
    """By the bootstrap alone the first would be surely better: no resample of either reaches the other."""
    spread = [sample(p, e, model=f"s{n}") for n in range(4) for e, p in ((1, 30), (2, 90))]
    rows = {row.model: row for row in board([*spread, *pair("high", 82, 84), *pair("low", 70, 72)])}
    assert rows["high"].rank == rows["low"].rank == (1, 6)


def pair(model: str, *points: float) -> list[Sample]:
    return [sample(p, e, model=model) for e, p in enumerate(points, 1)]


def test_where_all_was_infrastructures_fault_nothing_is_claimed() -> None:
    (row,) = leaderboard([sample(None, n) for n in (1, 2, 3)], TIERS)
    assert (row.score, row.rank, row.tier, row.odds, row.pass_at) == (None, None, None, {}, {})
    assert (row.why_no_tier, row.coverage.words()) == ("nothing could be scored", "0 of 3 scored, 3 infra")
    assert row.conduct.cost_per_shipped_usd is None


@pytest.mark.parametrize("cost", [math.nan, math.inf, None])
def test_a_cost_that_is_no_number_is_unknown_and_never_a_figure(cost: float | None) -> None:
    odd = Usage.model_construct(requests=1, input_tokens=1, output_tokens=1, cost_usd=cost)
    (row,) = leaderboard([sample(90, 1), sample(90, 2).model_copy(update={"usage": odd})], TIERS)
    assert (row.conduct.cost_usd, row.conduct.cost_per_shipped_usd) == (None, None)
    assert "NaN" not in json.dumps(row.model_dump(mode="json"))


def test_two_hundred_contenders_are_ranked_and_ties_stay_ties() -> None:
    field = [sample((n * 37 + e * 11) % 101, e, model=f"m{n:03}") for n in range(200) for e in range(1, 4)]
    rows = board(field)
    assert len(rows) == 200
    means = [row.score.mean for row in rows if row.score]
    assert all(first >= second for first, second in pairwise(means))
    assert all(row.rank and 1 <= row.rank[0] <= row.rank[1] <= 200 for row in rows)
    assert rows[0].rank is not None
    assert rows[0].rank[0] == 1


def test_no_recommendation_without_evidence() -> None:
    found = recommend({"horizon": "long"}, {"t": {"horizon": "long"}}, [sample(None, 1)], TIERS)
    assert (found.model, found.reasons) == (None, ())
    assert found.doubts[0] == "no trial of t has a score"
    assert "too little evidence" in found.doubts[-1]


@pytest.mark.parametrize("freedom", [1, 2, 5, 30, 400])
@pytest.mark.parametrize("tail", [0.025, 0.0005, 0.000126])
def test_students_t_is_scipys(freedom: int, tail: float) -> None:
    assert critical_t(tail, freedom) == pytest.approx(stats.t.isf(tail, freedom), rel=1e-6)
    assert upper_tail(1.7, freedom) == pytest.approx(stats.t.sf(1.7, freedom), rel=1e-6)


def test_the_pooled_spread_is_that_of_an_analysis_of_variance() -> None:
    groups = [[71.0, 64.5, 88.0], [68.0, 66.0, 80.5, 90.0], [41.0, 70.0]]
    spread, freedom = pooled([{"t": [(v, v) for v in values]} for values in groups])
    within = sum(stats.tvar(values) * (len(values) - 1) for values in groups)
    assert (spread["t"], freedom) == (pytest.approx(within / 6), 6)


points = st.integers(0, 100).map(float)
bounds = st.tuples(points, points).map(lambda pair: (min(pair), max(pair)))
fields = st.dictionaries(
    st.sampled_from("mnopq"),
    st.dictionaries(st.sampled_from("ab"), st.lists(bounds, min_size=1, max_size=4), min_size=1),
    min_size=1,
)


@settings(max_examples=25, deadline=None)
@given(fields)
def test_whoever_is_surely_better_has_the_better_mean_and_one_trial_may_have_any_rank(field) -> None:
    ranks = rank_intervals({(model, "bash"): groups for model, groups in field.items()}, draws=300)
    size = len(ranks)
    ends = {
        (model, "bash"): [
            sum(sum(b[side] for b in values) / len(values) for values in groups.values()) / len(groups)
            for side in (0, 1)
        ]
        for model, groups in field.items()
    }
    for one, rank in ranks.items():
        if sum(map(len, field[one[0]].values())) == 1 and size > 1:
            assert rank == (1, size)
        for other, theirs in ranks.items():
            if rank[1] < theirs[0]:
                assert ends[one][0] > ends[other][1]


@settings(max_examples=25, deadline=None)
@given(fields)
def test_a_wider_unknown_never_makes_anyone_surer(field) -> None:
    def ranks(widened: float):
        return rank_intervals(
            {
                (model, "bash"): {
                    task: [(max(0.0, low - widened), min(100.0, high + widened)) for low, high in values]
                    for task, values in groups.items()
                }
                for model, groups in field.items()
            },
            draws=300,
        )

    before, after = ranks(0), ranks(100)
    assert all(after[who][0] <= first and after[who][1] >= last for who, (first, last) in before.items())
