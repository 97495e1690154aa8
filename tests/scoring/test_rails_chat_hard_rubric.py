"""The harder task's rubric on literal findings, and its goals."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.records import Evidence, Finding, Outcome, Rubric, Score
from runner.scoring.evaluate import evaluate
from runner.spec.rubrics import load_rubric
from runner.spec.tasks import load_task

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    return load_rubric("rails_chat_hard@1", ROOT / "rubrics")


def graded(rubric: Rubric, failing: str = "") -> Score:
    fails = set(failing.split())
    assert fails <= rubric.checks()
    findings = tuple(
        Finding(check=c, outcome=Outcome.FAIL if c in fails else Outcome.PASS, message=c)
        for c in sorted(rubric.checks())
    )
    evidence = Evidence(tree="t", probe="all", version=1, environment="e", findings=findings)
    return evaluate(rubric, "run/1", [evidence])


def test_eight_dimensions_with_the_weights_of_the_changelog(rubric: Rubric) -> None:
    assert [(d.id, d.points) for d in rubric.dimensions] == [
        ("deliverables", 15),
        ("ruby_llm", 20),
        ("tests", 15),
        ("errors", 15),
        ("persistence", 15),
        ("hotwire", 10),
        ("architecture", 5),
        ("production", 5),
    ]
    assert [(t.id, t.at_least) for t in rubric.tiers] == [("A", 80), ("B", 60), ("C", 40), ("D", 0)]


@pytest.mark.parametrize(
    ("failing", "points", "tier"),
    [
        ("", 100, "A"),
        ("deliverables.compose persistence.bounded", 92, "A"),
        ("persistence.kept persistence.shared persistence.bounded ruby_llm.multi_turn", 85, "A"),
        ("error_handling.rescued error_handling.typed error_handling.degraded_page", 88, "A"),
        ("error_handling.rescued persistence.shared production.multi_worker test_quality.llm_path", 74, "B"),
        ("boot.boots", 59, "C"),
        ("chat_turn.request_sent", 59, "C"),
    ],
)
def test_typical_applications(rubric: Rubric, failing: str, points: float, tier: str) -> None:
    score = graded(rubric, failing)
    assert (score.low, score.high, score.tier) == (points, points, tier)


def test_it_asks_what_the_easier_rubric_asks(rubric: Rubric) -> None:
    assert rubric.checks() == load_rubric("rails_chat@2", ROOT / "rubrics").checks()


def test_every_point_has_a_reason_that_reads_as_a_sentence(rubric: Rubric) -> None:
    reasons = [d.because for dimension in rubric.dimensions for d in dimension.deductions]
    reasons += [c.because for c in rubric.ceilings] + [t.meaning for t in rubric.tiers]
    assert [r for r in reasons if not (r[0].isupper() and r.endswith("."))] == []
    assert len(set(reasons)) == len(reasons)


def test_fourteen_goals_decided_by_checks_that_cost_points(rubric: Rubric) -> None:
    goals = load_task("rails_chat_hard", ROOT / "tasks").goals
    assert len(goals) == 14
    assert {check for goal in goals for check in goal.checks} <= rubric.checks()
