"""Claims beside literal findings."""

from __future__ import annotations

import pytest

from runner.core.records import (
    Calibration,
    Claim,
    Comparison,
    Evidence,
    Finding,
    Goal,
    GoalState,
    Outcome,
)
from runner.scoring.calibration import MAX_CHANGED, calibrate, goals_digest

P, F, N, U = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN


def evidence(*outcomes: Outcome | None) -> list[Evidence]:
    findings = tuple(
        Finding(check=f"x.c{n}", outcome=outcome, message=f"saw {n}")
        for n, outcome in enumerate(outcomes)
        if outcome is not None
    )
    return [Evidence(tree="t", probe="p", version=1, environment="e", findings=findings)]


def judged(text: str | None, *outcomes: Outcome | None, changed: tuple[str, ...] = ()) -> Calibration:
    """One goal, decided by as many checks as there are outcomes; None: there is no finding."""
    goals = [Goal(id="it", statement="It is.", checks=tuple(f"x.c{n}" for n in range(len(outcomes))))]
    return calibrate(
        run="r/1",
        task="t",
        phase="review",
        goals=goals,
        file=("SELF_REVIEW.md", text),
        changed=changed,
        evidence=evidence(*outcomes),
        tree="t",
    )


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        ((P,), GoalState.HOLDS),
        ((P, P), GoalState.HOLDS),
        ((P, N), GoalState.HOLDS),
        ((F,), GoalState.FAILS),
        ((P, F), GoalState.FAILS),
        ((F, U), GoalState.FAILS),
        ((F, None), GoalState.FAILS),
        ((P, U), GoalState.UNDECIDED),
        ((P, None), GoalState.UNDECIDED),
        ((None,), GoalState.UNDECIDED),
        ((N, N), GoalState.UNDECIDED),
        ((), GoalState.UNDECIDED),
    ],
)
def test_the_state_of_a_goal(outcomes: tuple[Outcome | None, ...], found: GoalState) -> None:
    assert judged("1. PASS", *outcomes).goals[0].found is found


@pytest.mark.parametrize(
    ("text", "outcome", "comparison"),
    [
        ("1. PASS", P, Comparison.HOLDS),
        ("1. PASS", F, Comparison.OVER_CLAIM),
        ("1. PARTIAL", F, Comparison.HONEST_FAILURE),
        ("1. FAIL", F, Comparison.HONEST_FAILURE),
        ("1. FAIL", P, Comparison.UNDER_CLAIM),
        ("1. PARTIAL", P, Comparison.UNDER_CLAIM),
        ("1. PASS", U, Comparison.UNDECIDED),
        ("1. FAIL", U, Comparison.UNDECIDED),
        ("", P, Comparison.MISSING),
        ("", U, Comparison.MISSING),
        (None, F, Comparison.MISSING),
    ],
)
def test_a_claim_beside_what_was_found(text: str | None, outcome: Outcome, comparison: Comparison) -> None:
    calibration = judged(text, outcome)
    assert calibration.goals[0].comparison is comparison
    assert calibration.counts == {each.value: int(each is comparison) for each in Comparison}
    assert calibration.file_found is (text is not None)


def test_what_decided_is_told() -> None:
    assert [f.message for f in judged("1. PASS", P, F, U, F).goals[0].findings] == ["saw 1", "saw 3"]
    assert [f.message for f in judged("1. PASS", P, U).goals[0].findings] == ["saw 1"]
    assert judged("1. PASS", P).goals[0].findings == ()
    assert judged("1. PASS", P).goals[0].claimed is Claim.PASS


def test_a_flood_of_changed_files_is_cut() -> None:
    many = tuple(f"f{n}" for n in range(MAX_CHANGED + 7))
    changed = judged("1. PASS", P, changed=many).changed
    assert (len(changed), changed[-1]) == (MAX_CHANGED + 1, "and 7 more")


def test_the_digest_of_goals_knows_their_checks_and_order() -> None:
    a, b = Goal(id="a", statement="A", checks=("x.a",)), Goal(id="b", statement="B")
    digests = {goals_digest(g) for g in ([a, b], [b, a], [a], [a.model_copy(update={"checks": ()}), b])}
    assert len(digests) == 4
