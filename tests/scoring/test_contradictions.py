"""What files say and what the running app does may differ; both are told."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from runner.core.records import Evidence, Finding, Outcome
from runner.report.contradictions import contradictions_json, render
from runner.scoring.contradictions import contradictions
from runner.spec.rubrics import load_rubric

RUBRIC = load_rubric("rails_chat@3", Path(__file__).parents[2] / "rubrics")
READ, MEASURED = "ruby_llm.multi_turn", "visit.full_history"
PASS, FAIL = Outcome.PASS, Outcome.FAIL


def evidence(**outcomes: Outcome) -> list[Evidence]:
    found = [
        Finding(check=name.replace("__", "."), outcome=outcome, message=f"{name} was looked at")
        for name, outcome in outcomes.items()
    ]
    return [Evidence(tree="t", probe="p", version=1, environment="e", findings=tuple(found))]


@pytest.mark.parametrize(
    ("read", "measured", "differ"),
    [
        (FAIL, PASS, True),
        (PASS, FAIL, True),
        (PASS, PASS, False),
        (FAIL, FAIL, False),
        (FAIL, Outcome.UNKNOWN, False),
        (Outcome.NOT_APPLICABLE, FAIL, False),
    ],
)
def test_a_pair_is_told_when_one_holds_and_the_other_fails(
    read: Outcome, measured: Outcome, differ: bool
) -> None:
    found = contradictions(RUBRIC, evidence(ruby_llm__multi_turn=read, visit__full_history=measured))
    assert [(one.check, other.check) for one, other in found] == ([(READ, MEASURED)] if differ else [])


def test_both_sides_are_shown_and_are_data() -> None:
    found = contradictions(RUBRIC, evidence(ruby_llm__multi_turn=PASS, visit__full_history=FAIL))
    console = Console(record=True, width=100, file=StringIO())
    render(found, console)
    shown = console.export_text()
    assert f"read: {READ} holds" in shown
    assert f"measured: {MEASURED} fails" in shown
    (pair,) = contradictions_json(found)
    assert (pair["read"]["outcome"], pair["measured"]["outcome"]) == ("pass", "fail")


def test_where_nothing_differs_nothing_is_said() -> None:
    console = Console(record=True, width=100, file=StringIO())
    render([], console)
    assert console.export_text() == ""
