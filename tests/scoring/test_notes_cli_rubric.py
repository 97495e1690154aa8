"""The notes rubric on literal findings: weights, typical programs, and no fact charged twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.records import Evidence, Finding, Outcome, Rubric, Score
from runner.scoring.evaluate import evaluate
from runner.spec.rubrics import load_rubric

RUBRICS = Path(__file__).parents[2] / "rubrics"


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    return load_rubric("notes_cli@1", RUBRICS)


def graded(rubric: Rubric, *failing: str, unknown: str = "") -> Score:
    """The score when these checks fail, all of the area `unknown` are unknown, and the others pass."""
    assert set(failing) <= rubric.checks()

    def outcome(check: str) -> Outcome:
        if check.split(".", maxsplit=1)[0] == unknown:
            return Outcome.UNKNOWN
        return Outcome.FAIL if check in failing else Outcome.PASS

    findings = tuple(Finding(check=c, outcome=outcome(c), message=c) for c in sorted(rubric.checks()))
    evidence = Evidence(tree="t", probe="all", version=1, environment="e", findings=findings)
    return evaluate(rubric, "run/1", [evidence])


def lost(score: Score) -> dict[str, float]:
    return {d.id: d.points - d.high for d in score.dimensions if d.high < d.points}


def test_six_dimensions_with_their_weights_and_tiers(rubric: Rubric) -> None:
    assert {d.id: d.points for d in rubric.dimensions} == {
        **{"behaviour": 40, "tests": 20, "robustness": 15},
        **{"deliverables": 10, "quality": 10, "hygiene": 5},
    }
    assert [(t.id, t.at_least) for t in rubric.tiers] == [("A", 80), ("B", 60), ("C", 40), ("D", 0)]
    assert graded(rubric).high == 100


@pytest.mark.parametrize("dimension", ["behaviour", "tests", "robustness", "deliverables", "quality"])
def test_whoever_fails_everything_in_a_dimension_loses_all_of_it(rubric: Rubric, dimension: str) -> None:
    chosen = next(d for d in rubric.dimensions if d.id == dimension)
    checks = frozenset[str]().union(*(deduction.when.checks() for deduction in chosen.deductions))
    assert lost(graded(rubric, *checks)) == {dimension: chosen.points}


@pytest.mark.parametrize(
    ("failing", "points"),
    [
        (
            ("python_project.tests", "python_suite.runs", "python_suite.not_trivial", "python_suite.covers"),
            20,
        ),
        (("python_suite.runs", "python_suite.not_trivial", "python_suite.covers"), 16),
        (("python_suite.not_trivial", "python_suite.covers"), 12),
        (("python_suite.covers",), 6),
        (("python_suite.passes",), 6),
    ],
)
def test_of_what_is_wrong_with_the_tests_the_worst_counts(
    rubric: Rubric, failing: tuple[str, ...], points: float
) -> None:
    assert lost(graded(rubric, *failing)) == {"tests": points}


def test_a_program_that_keeps_nothing_cannot_leave_the_last_tier(rubric: Rubric) -> None:
    score = graded(rubric, "notes_behaviour.adds")
    assert (score.high, score.tier) == (39, "D")


def test_without_an_engine_the_tier_stays_open(rubric: Rubric) -> None:
    score = graded(rubric, unknown="notes_behaviour")
    assert (score.low, score.high, score.tier) == (39, 100, None)


def test_every_reason_reads_as_a_sentence_of_its_own(rubric: Rubric) -> None:
    reasons = [d.because for dimension in rubric.dimensions for d in dimension.deductions]
    reasons += [c.because for c in rubric.ceilings] + [t.meaning for t in rubric.tiers]
    assert [r for r in reasons if not (r[0].isupper() and r.endswith("."))] == []
    assert len(set(reasons)) == len(reasons)
