"""What version 3 of the Rails chat rubric adds: measured facts beside read ones, and none charged twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.records import Evidence, Finding, Outcome, Rubric, Score
from runner.scoring.evaluate import evaluate
from runner.spec.rubrics import load_rubric, rubric_notes

RUBRICS = Path(__file__).parents[2] / "rubrics"
SIX = {"persistence": 4, "production": 2}
OUTCOMES = {"-": Outcome.FAIL, "?": Outcome.UNKNOWN, "~": Outcome.NOT_APPLICABLE}


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    return load_rubric("rails_chat@3", RUBRICS)


def graded(rubric: Rubric, marked: str) -> Score:
    """The score when `-a.b` fails, `?a.b` is unknown, `~a.b` does not apply, and all others pass."""
    marks = {word[1:]: OUTCOMES[word[0]] for word in marked.split()}
    assert marks.keys() <= rubric.checks()
    findings = tuple(
        Finding(check=c, outcome=marks.get(c, Outcome.PASS), message=c) for c in sorted(rubric.checks())
    )
    evidence = Evidence(tree="t", probe="all", version=1, environment="e", findings=findings)
    return evaluate(rubric, "run/1", [evidence])


def lost(score: Score) -> dict[str, float]:
    return {d.id: d.points - d.high for d in score.dimensions if d.high < d.points}


def test_dimensions_tiers_and_ceilings_are_those_of_version_2(rubric: Rubric) -> None:
    before = load_rubric("rails_chat@2", RUBRICS)
    assert [(d.id, d.points) for d in rubric.dimensions] == [(d.id, d.points) for d in before.dimensions]
    assert (rubric.tiers, rubric.ceilings) == (before.tiers, before.ceilings)
    assert before.checks() < rubric.checks()
    assert rubric_notes(rubric) == []
    assert graded(rubric, "").high == 100


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        # What was measured overrules what was read; where nothing could be measured, reading counts.
        ("-test_quality.llm_path", {}),
        ("-test_quality.llm_path ~suite_strength.llm_path_executed", {"tests": 10}),
        ("-test_quality.llm_path -suite_strength.llm_path_executed", {"tests": 10}),
        ("-suite_strength.llm_path_executed -suite_strength.mutants_killed", {"tests": 10}),
        ("-suite_strength.mutants_killed", {"tests": 5}),
        ("-test_quality.error_path -suite_strength.error_path_executed", {"tests": 3}),
        ("-ruby_llm.system_prompt", {}),
        ("-visit.system_prompt", {"ruby_llm": 2}),
        ("-ruby_llm.multi_turn ~visit.full_history", {"persistence": 3}),
        ("-ruby_llm.multi_turn -visit.full_history -chat_turn.history_sent", {"persistence": 3}),
        ("-hotwire.turbo_streams -visit.turbo_streams", {"hotwire": 5}),
        # A tool that is missing is no tool that CI leaves out.
        ("-production.security_in_ci", {"production": 1}),
        ("-production.security_in_ci -deliverables.brakeman", {"deliverables": 1}),
        ("-production.linter_in_ci -deliverables.rubocop", {"deliverables": 1}),
        ("-production.health_check -deliverables.dockerfile", {"deliverables": 4}),
        ("-deliverables.simplecov_started -deliverables.simplecov", {"deliverables": 1}),
        ("-deliverables.no_placeholders -hotwire.stimulus", {"hotwire": 3}),
        ("-architecture.no_dead_code -deliverables.views", {"deliverables": 3}),
        ("-docker_build.builds -docker_build.starts -compose_up.comes_up", {"deliverables": 3}),
        ("-compose_up.vetted -compose_up.comes_up -compose_up.healthy", {"production": 2}),
        # One fault seen from several sides costs once.
        ("-error_handling.rescued -error_handling.network_errors", {"errors": 5}),
        ("-error_handling.typed -error_handling.bugs_visible", {"errors": 2}),
        ("-error_handling.key_preflight", {}),
        ("-error_handling.setup_errors -endurance.says_key_missing", {"errors": 2}),
        ("-error_handling.degraded_page", {}),
        ("-failed_turn.message -failed_turn.usable", {"errors": 3}),
        ("-persistence.shared -endurance.restart -production.multi_worker -endurance.workers", SIX),
        ("-persistence.cookie_fits -persistence.bounded -visit.bears_long", {"persistence": 3}),
        ("-persistence.bounded -persistence.expires", {"persistence": 2}),
        ("-persistence.kept -visit.survives_reload", {"persistence": 10}),
        ("-hotwire.stimulus -visit.controllers_connect", {"hotwire": 3}),
        ("-production.escaped_output -visit.inert_markup", {"production": 3}),
        ("-secrets.none_in_tree -visit.no_secret", {"production": 3}),
        ("-deliverables.openrouter_config -visit.current_model", {"deliverables": 2}),
    ],
)
def test_one_fact_costs_once(rubric: Rubric, marked: str, expected: dict[str, float]) -> None:
    score = graded(rubric, marked)
    assert lost(score) == expected
    assert score.low == score.high


def test_what_could_not_be_measured_leaves_open_what_was_read(rubric: Rubric) -> None:
    score = graded(rubric, "-test_quality.llm_path ?suite_strength.llm_path_executed")
    assert (score.low, score.high) == (90, 100)


def test_every_point_has_a_reason_that_reads_as_a_sentence(rubric: Rubric) -> None:
    reasons = [d.because for dimension in rubric.dimensions for d in dimension.deductions]
    assert [r for r in reasons if not (r[0].isupper() and r.endswith("."))] == []
    assert len(set(reasons)) == len(reasons)
