"""What a run counts for: blame decides."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.core.records import (
    Blame,
    Condition,
    Deduction,
    Dimension,
    Failure,
    Imported,
    Rubric,
    Run,
    RunStatus,
    Score,
    Tier,
    Trial,
    Usage,
)
from runner.stats.samples import Standing, possible_tiers, sample_of

RUBRIC = Rubric(
    id="r",
    version=1,
    title="R",
    dimensions=(
        Dimension(
            id="d",
            title="D",
            points=100,
            deductions=(Deduction(id="x", when=Condition(fail="a.b"), points=10, because="b"),),
        ),
    ),
    tiers=tuple(Tier(id=i, at_least=p, meaning="m") for i, p in (("A", 80), ("B", 50), ("C", 0))),
)
AT = datetime(2026, 1, 5, tzinfo=UTC)


def run(blame: Blame | None = None, tree: str | None = "t" * 40, **more: object) -> Run:
    trial = Trial(
        task="t", task_digest="d", model="m", model_digest="d", agent="bash", agent_version="1", epoch=1
    )
    failure = Failure(kind=blame, code="c", message="m") if blame else None
    status = RunStatus.FAILED if blame else RunStatus.COMPLETED
    fields = {"trial": trial, "attempt": 1, "status": status, "started": AT, "finished": AT, "phases": ()}
    return Run.model_validate(
        fields | {"usage": Usage(), "image": "i", "tree": tree, "failure": failure} | more
    )


def score(low: float, high: float, tier: str | None) -> Score:
    return Score(
        run="r",
        rubric="r@1",
        rubric_digest="d",
        evidence_digest="e",
        dimensions=(),
        low=low,
        high=high,
        tier=tier,
    )


def test_a_model_that_left_nothing_counts_as_nothing() -> None:
    found = sample_of(run(Blame.MODEL, tree=None), None, RUBRIC)
    assert (found.standing, found.bounds, found.tier) == (Standing.SCORED, (0, 0), "C")
    assert found.left_nothing
    assert found.dimensions["d"].high == 0


def test_a_model_that_failed_with_a_repository_counts_with_its_score() -> None:
    found = sample_of(run(Blame.MODEL), score(61, 61, "B"), RUBRIC)
    assert (found.bounds, found.tier, found.blame) == ((61, 61), "B", Blame.MODEL)


@pytest.mark.parametrize(
    ("blame", "standing"), [(Blame.INFRA, Standing.INFRA), (Blame.HARNESS, Standing.HARNESS)]
)
def test_what_is_not_the_models_fault_never_counts(blame: Blame, standing: Standing) -> None:
    for scored in (None, score(10, 10, "C")):
        found = sample_of(run(blame), scored, RUBRIC)
        assert (found.standing, found.bounds, found.tier) == (standing, None, None)


def test_what_nobody_knows_is_not_a_zero() -> None:
    unscored = sample_of(run(), None, RUBRIC, "not yet")
    claims = sample_of(
        run(Blame.INFRA, tree=None, imported=Imported(source="s", kind="result")), None, RUBRIC
    )
    interrupted = sample_of(run(status=RunStatus.INTERRUPTED), None, RUBRIC)
    assert (unscored.standing, unscored.why_not) == (Standing.UNSCORED, "not yet")
    assert (claims.bounds, interrupted.bounds) == (None, None)
    assert claims.usage is None


def test_an_interval_keeps_every_tier_it_touches() -> None:
    found = sample_of(run(), score(45, 85, None), RUBRIC)
    assert (found.tiers, found.tier, found.bounds) == (("A", "B", "C"), None, (45, 85))
    assert possible_tiers(RUBRIC, 50, 79.9) == ("B",)
    assert possible_tiers(RUBRIC, -5, -5) == ("C",)
