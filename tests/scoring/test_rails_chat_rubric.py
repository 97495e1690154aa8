"""The Rails chat rubric on literal findings: four typical applications, and no fact charged twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.records import Evidence, Finding, Outcome, Rubric, Score
from runner.scoring.evaluate import evaluate
from runner.spec.rubrics import load_rubric

RUBRICS = Path(__file__).parents[2] / "rubrics"

SHIPS = {
    "deliverables": "bundle_audit",
    "error_handling": "typed",
}
GOOD_CORE = {
    "deliverables": "compose readme brakeman bundle_audit simplecov",
    "test_quality": "llm_path mocking_tool error_path",
    "error_handling": "typed key_preflight",
}
INVENTED_DSL = {
    "deliverables": "brakeman bundle_audit simplecov",
    "ruby_llm": "dsl multi_turn",
    "test_quality": "mocks_exist error_path",
    "error_handling": "typed key_preflight",
    "persistence": "kept",
    "hotwire": "turbo_streams",
    "production": "escaped_output",
    "chat_turn": "request_sent",
}
BARE_SCAFFOLD = {
    "deliverables": (
        "tests turbo stimulus partials brakeman rubocop simplecov bundle_audit dockerfile compose readme"
    ),
    "ruby_llm": "entry response multi_turn system_prompt",
    "test_quality": "llm_path mocking_tool error_path",
    "suite": "not_empty",
    "error_handling": "rescued key_preflight degraded_page",
    "persistence": "shared bounded",
    "hotwire": "turbo_streams stimulus partials",
    "architecture": "service_object thin_controllers",
    "production": "multi_worker",
    "chat_turn": "request_sent",
}


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    return load_rubric("rails_chat@2", RUBRICS)


def graded(rubric: Rubric, failing: dict[str, str], unknown: tuple[str, ...] = ()) -> Score:
    """The score when these checks (by area) fail, those are unknown and all others pass."""
    fails = {f"{area}.{name}" for area, names in failing.items() for name in names.split()}
    assert fails <= rubric.checks()
    assert set(unknown) <= rubric.checks()

    def outcome(check: str) -> Outcome:
        return Outcome.UNKNOWN if check in unknown else Outcome.FAIL if check in fails else Outcome.PASS

    findings = tuple(Finding(check=c, outcome=outcome(c), message=c) for c in sorted(rubric.checks()))
    evidence = Evidence(tree="t", probe="all", version=1, environment="e", findings=findings)
    return evaluate(rubric, "run/1", [evidence])


def by_dimension(score: Score) -> list[float]:
    return [d.high for d in score.dimensions]


def test_eight_dimensions_with_the_agreed_weights_and_tiers(rubric: Rubric) -> None:
    assert [(d.id, d.points) for d in rubric.dimensions] == [
        ("deliverables", 25),
        ("ruby_llm", 20),
        ("tests", 15),
        ("errors", 10),
        ("persistence", 10),
        ("hotwire", 10),
        ("architecture", 5),
        ("production", 5),
    ]
    assert [(t.id, t.at_least) for t in rubric.tiers] == [("A", 80), ("B", 60), ("C", 40), ("D", 0)]


@pytest.mark.parametrize(
    ("failing", "points", "tier", "dimensions"),
    [
        ({}, 100, "A", [25, 20, 15, 10, 10, 10, 5, 5]),
        (SHIPS, 97, "A", [24, 20, 15, 8, 10, 10, 5, 5]),
        (GOOD_CORE, 68, "B", [12, 20, 0, 6, 10, 10, 5, 5]),
        (INVENTED_DSL, 59, "C", [22, 15, 7, 6, 0, 5, 5, 3]),
        (BARE_SCAFFOLD, 7, "D", [2, 0, 0, 0, 1, 0, 1, 3]),
    ],
    ids=["flawless", "ships", "good core", "invented dsl", "bare scaffold"],
)
def test_typical_applications(
    rubric: Rubric, failing: dict[str, str], points: float, tier: str, dimensions: list[float]
) -> None:
    score = graded(rubric, failing)
    assert by_dimension(score) == dimensions
    assert (score.low, score.high, score.tier) == (points, points, tier)


def test_the_ceiling_holds_an_application_that_never_reaches_a_model_below_b(rubric: Rubric) -> None:
    for failing in ({"chat_turn": "request_sent"}, {"boot": "boots"}):
        score = graded(rubric, failing)
        assert (score.high, score.tier) == (59, "C")
        assert sum(by_dimension(score)) == 100


def test_when_the_lab_could_not_be_used_the_tier_stays_open(rubric: Rubric) -> None:
    lab = tuple(c for c in rubric.checks() if c.split(".")[0] in ("boot", "chat_turn", "suite"))
    score = graded(rubric, GOOD_CORE, unknown=lab)
    assert (score.low, score.high, score.tier) == (56, 68, None)


@pytest.mark.parametrize(
    ("failing", "dimension", "lost"),
    [
        ({"deliverables": "rails_app workspace_root"}, "deliverables", 15),
        ({"deliverables": "routes", "boot": "root_page"}, "deliverables", 3),
        ({"deliverables": "routes views", "boot": "root_page"}, "deliverables", 6),
        ({"deliverables": "llm_gem ruby_llm openrouter_config"}, "deliverables", 5),
        ({"ruby_llm": "used entry"}, "ruby_llm", 15),
        ({"ruby_llm": "dsl", "chat_turn": "user_text"}, "ruby_llm", 5),
        ({"test_quality": "llm_path", "suite": "not_empty loads"}, "tests", 10),
        ({"error_handling": "rescued typed"}, "errors", 5),
        ({"persistence": "kept shared"}, "persistence", 10),
        ({"ruby_llm": "multi_turn", "chat_turn": "history_sent"}, "persistence", 3),
        ({"ruby_llm": "multi_turn", "chat_turn": "history_sent", "persistence": "kept"}, "persistence", 10),
        ({"hotwire": "partials", "deliverables": "partials"}, "hotwire", 2),
        ({"secrets": "none_in_tree no_env_file no_master_key"}, "production", 3),
    ],
)
def test_one_fault_seen_from_several_sides_costs_once(
    rubric: Rubric, failing: dict[str, str], dimension: str, lost: float
) -> None:
    score = graded(rubric, failing)
    assert {d.id: d.points - d.high for d in score.dimensions if d.high < d.points} == {dimension: lost}


def test_state_in_one_process_costs_six_points_in_all(rubric: Rubric) -> None:
    score = graded(rubric, {"persistence": "shared", "production": "multi_worker"})
    assert score.high == 94


def test_every_point_has_a_reason_that_reads_as_a_sentence(rubric: Rubric) -> None:
    reasons = [d.because for dimension in rubric.dimensions for d in dimension.deductions]
    reasons += [c.because for c in rubric.ceilings] + [t.meaning for t in rubric.tiers]
    assert [r for r in reasons if not (r[0].isupper() and r.endswith("."))] == []
    assert len(set(reasons)) == len(reasons)
