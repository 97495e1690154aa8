"""The leaderboard: ties, coverage, tiers, odds and cost."""

from __future__ import annotations

import pytest

from runner.core.records import Comparison, Usage
from runner.stats.conduct import conduct
from runner.stats.leaderboard import ALL_TASKS, leaderboard
from runner.stats.paired import Noise, corrected, paired
from runner.stats.samples import Review, Traffic
from tests.stats.conftest import sample

TIERS = ("A", "B", "C")


def rows(*samples, scope: str = "t"):
    return {row.model: row for row in leaderboard(samples, TIERS) if row.scope == scope}


def test_ties_show_as_ties_and_a_clear_winner_does_not() -> None:
    good = [sample(90 + e % 2, e, model="good") for e in range(1, 9)]
    level = [sample(91 - e % 2, e, model="level") for e in range(1, 9)]
    bad = [sample(20 + e % 2, e, model="bad") for e in range(1, 9)]
    found = rows(*good, *level, *bad)
    assert (found["good"].rank, found["level"].rank, found["bad"].rank) == ((1, 2), (1, 2), (3, 3))


def test_one_trial_has_no_interval_no_odds_and_any_rank() -> None:
    found = rows(sample(90, model="once"), *(sample(10 + e, e, model="often") for e in range(1, 6)))
    once = found["once"]
    assert once.score is not None
    assert (once.score.interval, once.odds, once.rank) == (None, {}, (1, 2))
    assert "n = 1" in (once.score.why_no_interval or "")


def test_a_tier_is_withheld_below_two_thirds_of_coverage() -> None:
    enough = rows(sample(90, 1), sample(90, 2), sample(None, 3))["m"]
    thin = rows(sample(90, 1), sample(None, 2), sample(None, 3))["m"]
    assert (enough.tier, enough.why_no_tier) == ("A", None)
    assert (thin.tier, thin.why_no_tier) == (None, "only 1 of 3 trials could be scored")
    assert thin.coverage.words() == "1 of 3 scored, 2 infra"


def test_no_task_counts_more_for_having_been_run_more_often() -> None:
    samples = [sample(100, 1, task="a"), *(sample(0, e, task="b") for e in range(1, 10))]
    row = rows(*samples, scope=ALL_TASKS)["m"]
    assert row.score is not None
    assert row.score.mean == 50
    assert row.odds == {"A": 0.5, "B": 0, "C": 0.5}


def test_who_lacks_a_task_is_listed_last_and_not_ranked() -> None:
    both = [sample(40, e, task=t, model="both") for t in "ab" for e in (1, 2)]
    table = [r for r in leaderboard([*both, sample(99, 1, task="a", model="half")], TIERS) if not r.scope]
    assert [(r.model, r.rank, r.missing) for r in table] == [("both", (1, 1), ()), ("half", None, ("b",))]


def test_undecided_tiers_bound_the_odds_of_passing() -> None:
    row = rows(sample(90, 1), sample(70, 2, high=90), sample(10, 3))["m"]
    assert row.pass_at[1] == pytest.approx((1 / 3, 2 / 3))
    assert row.pass_hat[2] == pytest.approx((0, 1 / 3))
    assert sum(row.odds.values()) == pytest.approx(2 / 3)


def test_cost_per_shipped_app_counts_every_settled_run_and_stays_unknown() -> None:
    free = Usage(requests=1, cost_usd=None)
    paid = [sample(90, 1), sample(10, 2), sample(None, 3)]
    assert conduct(paid, "A").cost_per_shipped_usd == 4.0
    assert conduct([sample(10, 1)], "A").cost_per_shipped_usd is None
    assert conduct([sample(90, 1), sample(90, 2, usage=free)], "A").cost_per_shipped_usd is None
    assert conduct([sample(90, 1), sample(90, 2, usage=free)], "A").cost_usd is None


def test_claims_latencies_and_repairs() -> None:
    counts = {Comparison.HOLDS.value: 3, Comparison.OVER_CLAIM.value: 1, Comparison.MISSING.value: 5}
    review = Review(counts=counts)
    seen = Traffic(request_s=(1.0, 2.0, 3.0), turn_s=(4.0,), tool_calls=7)
    found = conduct(
        [
            sample(90, 1, claimed_done=True, failed=("suite.passes",), review=review, traffic=seen),
            sample(90, 2, claimed_done=True, gained=(1.0, 3.0), traffic=seen),
            sample(90, 3, claimed_done=False, failed=("suite.passes",), traffic=seen),
            sample(90, 4, claimed_done=True, unknown=("boot.boots",), traffic=seen),
            sample(90, 5, claimed_done=True, failed=("deliverables.readme",), traffic=seen),
        ],
        "A",
    )
    assert (found.claimed_done, found.verification_failures) == (3, 1 / 3)
    assert (found.review_claims, found.over_claims) == (4, 0.25)
    assert (found.repairs, found.repair_gain) == (1, (1.0, 3.0))
    assert (found.request_p50_s, found.turn_p95_s, found.tool_calls) == (2.0, 4.0, 7)


def test_fewer_than_six_pairs_claim_nothing_and_six_may() -> None:
    def shifted(n: int):
        return paired({"t": [((50.0 + k, 50.0 + k), (20.0 + k, 20.0 + k)) for k in range(n)]})

    assert paired({}).noise is Noise.NO_PAIRS
    assert [shifted(n).noise for n in (1, 5)] == [Noise.TOO_FEW, Noise.TOO_FEW]
    assert shifted(6).noise is Noise.BEYOND
    family = corrected({"a": shifted(6), "b": shifted(6)})
    assert [each.noise for each in family.values()] == [Noise.WITHIN, Noise.WITHIN]


def test_an_undecided_difference_is_not_more_than_noise() -> None:
    wide = paired({"t": [((0.0, 100.0), (30.0, 30.0))] * 8})
    assert wide.difference is not None
    assert (wide.difference.low, wide.difference.high) == (-30, 70)
    assert wide.noise is Noise.WITHIN
