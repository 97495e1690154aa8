from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.records import (
    Ceiling,
    Condition,
    Deduction,
    Dimension,
    Evidence,
    Finding,
    Outcome,
    Rubric,
    Score,
    Tier,
)
from runner.core.rubric_diff import Why
from runner.report.rubric_diff import as_html, as_markdown, as_text, cause_words, change_words
from runner.report.rubric_diff_json import as_json
from runner.report.score_history import as_text as history_text
from runner.scoring.evaluate import evaluate
from runner.scoring.rubric_diff import Mover, changes, diff_of, move
from runner.scoring.score_steps import steps

AT = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
CHECKS = ("p.a", "p.b", "p.c")
TIERS = (
    Tier(id="A", at_least=80, meaning="ships"),
    Tier(id="B", at_least=60, meaning="nearly"),
    Tier(id="D", at_least=0, meaning="no"),
)


def deduction(id: str, points: float, check: str = "p.a", group: str | None = None) -> Deduction:
    return Deduction(id=id, when=Condition(fail=check), points=points, because=f"{id} <hurts>.", group=group)


def rubric(
    version: int, first: tuple[Deduction, ...], second: tuple[Deduction, ...] = (), worth: float = 50
) -> Rubric:
    return Rubric(
        id="r",
        version=version,
        title="t",
        dimensions=(
            Dimension(id="first", title="First", points=worth, deductions=first),
            Dimension(id="second", title="Second", points=100 - worth, deductions=second),
        ),
        tiers=TIERS,
    )


def evidence(**outcomes: Outcome) -> list[Evidence]:
    findings = tuple(
        Finding(check=f"p.{name}", outcome=outcome, message="m") for name, outcome in outcomes.items()
    )
    return [Evidence(tree="t", probe="p", version=1, environment="e", findings=findings)]


def scored(of: Rubric, run: str = "run/1", **outcomes: Outcome) -> Score:
    return evaluate(of, run, evidence(**outcomes))


def test_every_kind_of_change_is_told_in_words() -> None:
    old = rubric(1, (deduction("kept", 4), deduction("gone", 2), deduction("grouped", 3)))
    new = rubric(
        2, (deduction("kept", 9, "p.b"), deduction("grouped", 3, group="g"), deduction("new", 1)), worth=60
    )
    new = new.model_copy(
        update={
            "ceilings": (Ceiling(id="cap", when=Condition(fail="p.c"), max=59, because="b"),),
            "tiers": (TIERS[0].model_copy(update={"at_least": 85}), *TIERS[1:]),
        }
    )
    assert [change_words(change) for change in changes(old, new)] == [
        "dimension first is worth 60 (was: 50)",
        "deduction kept of first costs 9 (was: 4)",
        "deduction kept of first holds when p.b fails (was: p.a fails)",
        "deduction grouped of first counts as the worst of g (was: alone)",
        "new deduction new of first: 1 points, when p.a fails",
        "deduction gone of first is gone (2 points, when p.a fails)",
        "dimension second is worth 40 (was: 50)",
        "new ceiling cap: at most 59, when p.c fails",
        "tier A begins at 85 (was: 80)",
    ]
    assert changes(old, old) == ()


def test_the_deduction_that_moved_a_run_comes_first_with_its_reason() -> None:
    old = rubric(1, (deduction("small", 1, "p.a"), deduction("gone", 22, "p.b")))
    new = rubric(2, (deduction("small", 5, "p.a"),))
    both = scored(old, a=Outcome.FAIL, b=Outcome.FAIL), scored(new, a=Outcome.FAIL, b=Outcome.FAIL)
    moved = move(old, new, both)
    assert (moved.old.tier, moved.new.tier, moved.crossed) == ("B", "A", True)
    assert [(c.id, c.why, c.shift_high) for c in moved.causes] == [
        ("gone", Why.REMOVED, 22),
        ("small", Why.EDITED, -4),
    ]
    assert cause_words(moved.causes[0]) == "+22: gone (first) is gone; it took 22. gone <hurts>."


def test_a_rule_that_stayed_moves_by_what_was_found_or_by_its_neighbours() -> None:
    alone = rubric(1, (deduction("worse", 9, "p.a", "g"), deduction("other", 3, "p.b", "g")))
    found = move(alone, alone, (scored(alone, a=Outcome.PASS, b=Outcome.PASS), scored(alone, a=Outcome.FAIL)))
    assert found.causes[0].why is Why.FOUND
    gone = rubric(2, (deduction("other", 3, "p.b", "g"),))
    outcomes = {"a": Outcome.FAIL, "b": Outcome.FAIL}
    beside = move(alone, gone, (scored(alone, **outcomes), scored(gone, **outcomes)))
    assert {(c.id, c.shift_high) for c in beside.causes} == {("worse", 9), ("other", -3)}


def test_what_is_undecided_moves_the_lower_end_only() -> None:
    old, new = rubric(1, (deduction("maybe", 5),)), rubric(2, (deduction("maybe", 25),))
    moved = move(old, new, (scored(old, a=Outcome.UNKNOWN), scored(new, a=Outcome.UNKNOWN)))
    assert (moved.new.low, moved.new.high, moved.new.tier) == (75, 100, None)
    (cause,) = moved.causes
    assert (cause.shift_low, cause.shift_high) == (-20, 0)
    assert cause_words(cause).startswith("-20 to +0: maybe (first) is undecided.")


def test_biggest_moves_first_and_ranks_tie() -> None:
    old, new = rubric(1, (deduction("a", 1, "p.a"),)), rubric(2, (deduction("a", 30, "p.a"),))
    pairs = [
        (scored(old, f"{name}/1", a=outcome), scored(new, f"{name}/1", a=outcome))
        for name, outcome in (("good", Outcome.PASS), ("bad", Outcome.FAIL), ("fine", Outcome.PASS))
    ]
    diff = diff_of(
        old,
        new,
        [Mover(old, new).move(pair) for pair in pairs],
        {f"{name}/1": (name, "bash") for name in ("good", "bad", "fine")},
    )
    assert [m.run for m in diff.moves] == ["bad/1"]
    assert diff.still == 2
    assert {r.contender[0]: (r.old_rank, r.new_rank) for r in diff.ranks} == {
        "good": (1, 1),
        "fine": (1, 1),
        "bad": (3, 3),
    }
    text = as_text(diff)
    assert "bad/1: 99 (A) -> 70 (B)" in text
    assert "1 of 3 runs moved, 1 into another tier" in text
    assert "a \\<hurts\\>" in as_markdown(diff)
    assert "a &lt;hurts&gt;" in as_html(diff)
    assert "<hurts>" not in as_html(diff)
    assert as_json(diff)["moves"][0]["causes"][0]["words"].startswith("-29: a (first)")


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.lists(st.floats(1, 60).map(lambda x: round(x, 1)), min_size=6, max_size=6),
    st.lists(st.sampled_from([Outcome.PASS, Outcome.FAIL]), min_size=3, max_size=3),
    st.sampled_from([None, "g"]),
    st.booleans(),
)
def test_the_causes_of_a_decided_move_add_up_to_it(
    points: list[float], outcomes: list[Outcome], group: str | None, capped: bool
) -> None:
    found = dict(zip("abc", outcomes, strict=True))

    def of(version: int, costs: list[float], worth: float) -> Rubric:
        rules = tuple(
            deduction(f"d{n}", cost, check, group)
            for n, (cost, check) in enumerate(zip(costs, CHECKS, strict=True))
        )
        made = rubric(version, rules[:2], rules[2:], worth)
        cap = Ceiling(id="cap", when=Condition(fail="p.a"), max=30, because="b")
        return made.model_copy(update={"ceilings": (cap,)}) if capped and version == 2 else made

    old, new = of(1, points[:3], 50), of(2, points[3:], 70)
    moved = move(old, new, (scored(old, **found), scored(new, **found)))
    assert round(sum(c.shift_high for c in moved.causes), 4) == round(moved.new.high - moved.old.high, 4)
    sizes = [cause.size for cause in moved.causes]
    assert sizes == sorted(sizes, reverse=True)


def test_a_history_says_what_changed_since_the_score_before() -> None:
    old, new = rubric(1, (deduction("a", 1),)), rubric(2, (deduction("a", 30),))
    dated = [
        (AT, scored(old, a=Outcome.FAIL)),
        (AT, scored(new, a=Outcome.FAIL)),
        (AT, scored(new, a=Outcome.PASS)),
    ]
    told = steps(dated, {(r.name, r.digest()): r for r in (old, new)})
    assert [step.reasons for step in told] == [(), ("another rubric (r@1 -> r@2)",), ("other evidence",)]
    assert [[c.why for c in step.move.causes] for step in told if step.move] == [[Why.EDITED], [Why.FOUND]]
    assert "-29: a (first) took 1, takes 30 as it is written now." in history_text("run/1", told)
    lost = steps(dated, {})
    assert [[c.shift_high for c in step.move.causes] for step in lost if step.move] == [[-29], [30]]
