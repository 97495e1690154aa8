"""The leaderboard's rows as the site and the terminal show them."""

from __future__ import annotations

from collections.abc import Iterator

from runner.core.standings import Conduct, DimensionMean, Profile
from runner.report.site.entries import Effort, Standing
from runner.report.text import count, money
from runner.stats.leaderboard import Row

STATISTICS = (
    "A score on the leaderboard is the mean over a model's trials; over several tasks, the mean of the tasks'"
    " means, so that no task counts more for having been run more often. The interval holds 95 % of bootstrap"
    " means (tasks are drawn first, then the trials of each, with a fixed seed), what is undecided included."
    " One trial says nothing of spread: it has no interval and no odds, and its rank may be any.",
    "A rank reaches from one more than the number of surely better contenders to all but the surely worse"
    " ones. Sure is a difference whose bootstrap interval and whose t interval (with the spread pooled over"
    " the field) both leave out 0, corrected for the number of comparisons. A tier is named if more than half"
    " of the scored trials reached it, and at least two of three trials could be scored.",
    "A failure of the model that left nothing to grade counts as 0 points. Failures of infrastructure and of"
    " this program never count, replays neither. Of several attempts or trials in one cell the newest that"
    " settled it counts. What others claim of the cost and time of imported runs is not mixed with what was"
    " metered. Each task is shown under its own rubric, or under the one asked for; a run without a score"
    " under it is scored from the evidence there is, and what no probe has looked at stays undecided.",
    "Where a task was asked in several wordings, the spread between them is tested by permutation: a model"
    " that does better in the original words than in paraphrases, by more than noise, may have seen them.",
)

_NO_TIER = {"no tier has more than half of the runs": "none above half"}


def placing(row: Row) -> Standing:
    """A row of the leaderboard for the site."""
    score, interval = row.score, row.score.interval if row.score else None
    low, high = interval or ((score.low, score.high) if score and score.low < score.high else (None, None))
    lacking = f"not scored in {', '.join(row.missing)}" if row.missing else ""
    return Standing(
        scope=row.scope,
        model=row.model,
        agent=row.agent,
        trials=row.coverage.trials,
        scored=row.coverage.scored,
        mean=score.mean if score else None,
        low=low,
        high=high,
        rank_low=row.rank[0] if row.rank else None,
        rank_high=row.rank[1] if row.rank else None,
        tier=None if row.missing else row.tier,
        tier_odds=row.odds,
        cost_usd=row.conduct.cost_usd,
        wall_s=row.conduct.wall_s,
        why_not=lacking or (_NO_TIER.get(row.why_no_tier or "") or row.why_no_tier or ""),
        coverage=row.coverage.words(),
        more=dict(_facts(row.conduct)),
        effort=_effort(row),
    )


def profile(row: Row, best_tier: str) -> Profile:
    """How a contender works and what it is good at, for the terminal's tables."""
    return Profile(
        scope=row.scope,
        model=row.model,
        agent=row.agent,
        best_tier=best_tier,
        pass_at=row.pass_at,
        pass_hat=row.pass_hat,
        dimensions={
            id: DimensionMean(n=each.n, mean=each.mean, interval=each.interval)
            for id, each in row.dimensions.items()
        },
        conduct=row.conduct,
    )


def _effort(row: Row) -> Effort:
    conduct = row.conduct
    passes = {f"pass@{k}": _odds(odds) for k, odds in row.pass_at.items()}
    passes |= {f"pass^{k}": _odds(odds) for k, odds in row.pass_hat.items() if k > 1}
    return Effort(
        passes=passes,
        input_tokens=conduct.input_tokens,
        output_tokens=conduct.output_tokens,
        tool_calls=conduct.tool_calls,
        request_s=(conduct.request_p50_s, conduct.request_p95_s),
        turn_s=(conduct.turn_p50_s, conduct.turn_p95_s),
        cost_per_shipped_usd=conduct.cost_per_shipped_usd,
    )


def _odds(bounds: tuple[float, float]) -> tuple[float, str]:
    """The lower end, to sort by, and the words."""
    low, high = (f"{100 * end:.0f}" for end in bounds)
    return bounds[0], f"{low}%" if low == high else f"{low}\u2013{high}%"


def _facts(conduct: Conduct) -> Iterator[tuple[str, str]]:
    """What is known of how a contender works."""
    yield "Shipped (surely the best tier)", f"{conduct.shipped} of {conduct.metered} metered runs"
    if conduct.cost_per_shipped_usd is not None:
        yield "Cost per shipped app", money(conduct.cost_per_shipped_usd)
    if conduct.input_tokens is not None and conduct.output_tokens is not None:
        tokens = f"{count(round(conduct.input_tokens))} in, {count(round(conduct.output_tokens))} out"
        yield "Tokens of one run", tokens
    if conduct.verification_failures is not None:
        yield (
            "Called done, but its tests, its start or its image fail",
            f"{conduct.verification_failures:.0%} of {conduct.claimed_done}",
        )
    if conduct.over_claims is not None:
        yield (
            "Claims in its reviews that do not hold",
            f"{conduct.over_claims:.0%} of {conduct.review_claims}",
        )
    if conduct.repair_gain is not None:
        low, high = (f"{gain:+.1f}" for gain in conduct.repair_gain)
        yield "Points gained by a repair", low if low == high else f"{low} to {high}"
