"""How contenders work and what they are good at: what `runner.stats` finds and reports show."""

from __future__ import annotations

from runner.core.records import Record

Bounds = tuple[float, float]


class Conduct(Record):
    """Per contender. Latencies are in seconds; shares lie in [0, 1]; None is unknown.

    `verification_failures` is the share of runs that ended by the model's own word, and yet what it could
    have verified by running its work fails (VERIFIED); `claimed_done` are those in which that is decided.
    `over_claims` is the share of decided PASS claims in reviews that do not hold, `review_claims` how many
    there were. `repair_gain` bounds what repairs brought on average.
    """

    metered: int
    input_tokens: float | None
    output_tokens: float | None
    cost_usd: float | None
    wall_s: float | None
    tool_calls: float | None
    request_p50_s: float | None
    request_p95_s: float | None
    turn_p50_s: float | None
    turn_p95_s: float | None
    shipped: int
    cost_per_shipped_usd: float | None
    claimed_done: int
    verification_failures: float | None
    review_claims: int
    over_claims: float | None
    repairs: int
    repair_gain: tuple[float, float] | None


class DimensionMean(Record):
    """Percent of a dimension's points, on average; `interval` is None of one trial."""

    n: int
    mean: float
    interval: Bounds | None


class Profile(Record):
    """One contender in one scope. `pass_at` and `pass_hat` are by k, of the best tier; `dimensions` by id."""

    scope: str
    model: str
    agent: str
    best_tier: str
    pass_at: dict[int, Bounds]
    pass_hat: dict[int, Bounds]
    dimensions: dict[str, DimensionMean]
    conduct: Conduct
