from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.core.errors import UserError
from runner.stats.recommend import matching, recommend
from runner.stats.samples import Sample

TASKS = {
    "chat": {"horizon": "long", "stakes": "medium", "surface": "web"},
    "notes": {"horizon": "short", "stakes": "low", "surface": "cli"},
    "hard": {"horizon": "long", "stakes": "high", "surface": "web"},
}
TIERS = ("A", "B", "C", "D")
MakeSample = Callable[..., Sample]


def test_tasks_of_the_whole_shape_else_the_nearest() -> None:
    assert matching({"horizon": "long"}, TASKS) == (("chat", "hard"), True)
    assert matching({"stakes": "low", "surface": "cli"}, TASKS) == (("notes",), True)
    assert matching({"stakes": "low", "surface": "web", "horizon": "long"}, TASKS) == (
        ("chat", "hard"),
        False,
    )


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ({"size": "big"}, "no task has a 'size'; known: horizon, stakes, surface"),
        ({"stakes": "huge"}, "no task is stakes=huge; known values of stakes: high, low, medium"),
    ],
)
def test_an_unknown_shape_names_the_known_ones(shape: dict[str, str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        matching(shape, TASKS)


def test_the_surely_best_is_recommended_firmly(scores: MakeSample) -> None:
    samples = [scores("good", n, 90 + n % 2) for n in range(7)] + [scores("bad", n, 40 + n) for n in range(7)]
    found = recommend({"stakes": "medium"}, TASKS, samples, TIERS)
    assert found.model is not None
    assert (found.model, found.firm, found.tasks) == ("good", True, ("chat",))
    assert any("one task" in doubt for doubt in found.doubts)


def test_of_those_that_may_be_best_the_cheapest_but_the_surest_where_stakes_are_high(
    scores: MakeSample,
) -> None:
    def samples(task: str) -> list[Sample]:
        steady = [scores("steady", n, 80 + n % 2, cost_usd=5.0, task=task) for n in range(6)]
        wild = [scores("wild", n, 60 if n % 2 else 100, cost_usd=0.5, task=task) for n in range(6)]
        return [*steady, *wild]

    cheap = recommend({"stakes": "medium"}, TASKS, samples("chat"), TIERS)
    sure = recommend({"stakes": "high"}, TASKS, samples("hard"), TIERS)
    assert (cheap.model, cheap.firm) == ("wild", False)
    assert "costs least" in cheap.reasons[1]
    assert any("steady with bash" in doubt for doubt in cheap.doubts)
    assert sure.model == "steady"


def test_a_cheap_one_far_behind_is_not_taken_for_want_of_evidence(scores: MakeSample) -> None:
    good = [scores("good", n, 85 + n, cost_usd=5.0) for n in range(6)]
    rare = [scores("rare", n, p, cost_usd=0.1) for n, p in enumerate((20, 95, 60))]
    found = recommend({"stakes": "medium"}, TASKS, [*good, *rare], TIERS)
    assert found.model == "good"


def test_too_little_evidence_says_so(scores: MakeSample) -> None:
    few = recommend({"stakes": "medium"}, TASKS, [scores("m", 1, 90), scores("m", 2, 91)], TIERS)
    assert few.model is None
    assert "the most that any model has is 2" in few.doubts[-1]
    none = recommend({"stakes": "high"}, TASKS, [scores("m", 1, 90)], TIERS)
    assert none.model is None
    assert none.doubts[0] == "no trial of hard has a score"
