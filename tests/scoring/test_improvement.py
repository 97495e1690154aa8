"""What a repair brought, on literal findings."""

from __future__ import annotations

from runner.core.records import (
    Ceiling,
    Condition,
    Deduction,
    Dimension,
    Evidence,
    Finding,
    Improvement,
    Outcome,
    Rubric,
    Tier,
)
from runner.scoring.evaluate import costly_failures
from runner.scoring.improvement import improvement

P, F, N, U = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN


def deduction(id: str, points: float, when: object, group: str | None = None) -> Deduction:
    return Deduction(id=id, points=points, when=Condition.model_validate(when), because=f"{id}.", group=group)


RUBRIC = Rubric(
    id="r",
    version=1,
    title="R",
    tiers=(Tier(id="A", at_least=0, meaning="any"),),
    ceilings=(Ceiling(id="cap", when=Condition(fail="x.boots"), max=50, because="Capped."),),
    dimensions=(
        Dimension(
            id="d",
            title="D",
            points=100,
            deductions=(
                deduction("a", 10, "x.a"),
                deduction("b", 20, "x.b", "g"),
                deduction("c", 30, "x.c", "g"),
                deduction("both", 5, {"all": ["x.d", "x.e"]}),
            ),
        ),
    ),
)


def evidence(tree: str = "t", **outcomes: Outcome) -> list[Evidence]:
    every = dict.fromkeys("abcde", P) | {"boots": P} | outcomes
    findings = tuple(Finding(check=f"x.{n}", outcome=o, message=n) for n, o in every.items())
    return [Evidence(tree=tree, probe="p", version=1, environment="e", findings=findings)]


def brought(before: list[Evidence], after: list[Evidence]) -> Improvement:
    return improvement(("r/1", "repair"), (before[0].tree, after[0].tree), RUBRIC, before, after)


def failing(**outcomes: Outcome) -> list[str]:
    return [finding.check for finding in costly_failures(RUBRIC, evidence(**outcomes))]


def test_failures_that_cost_points_in_the_order_of_the_rubric() -> None:
    assert failing(c=F, a=F) == ["x.a", "x.c"]
    assert failing(boots=F, a=F) == ["x.a", "x.boots"]
    assert failing() == []


def test_beside_a_worse_one_of_its_group_a_failure_counts_too() -> None:
    assert failing(b=F, c=F) == ["x.b", "x.c"]


def test_what_costs_nothing_is_no_failure_to_tell() -> None:
    assert failing(d=F) == []
    assert failing(d=F, e=F) == ["x.d", "x.e"]
    assert failing(a=U, b=N) == []
    assert costly_failures(RUBRIC, []) == ()


def test_points_and_checks_before_and_after() -> None:
    gained = brought(evidence("t", a=F, c=F), evidence("u", b=F))
    assert (gained.before_low, gained.before_high, gained.after_low, gained.after_high) == (60, 60, 80, 80)
    assert (gained.gained_low, gained.gained_high) == (20, 20)
    assert (gained.asked, gained.fixed, gained.broken) == (("x.a", "x.c"), ("x.a", "x.c"), ("x.b",))
    assert (gained.before_tree, gained.after_tree) == ("t", "u")


def test_a_loss_is_negative() -> None:
    assert brought(evidence("t"), evidence("u", c=F)).gained_high == -30


def test_what_is_unknown_widens_the_gain() -> None:
    gained = brought(evidence("t", a=F, c=U), evidence("u", c=U))
    assert (gained.before_low, gained.before_high) == (60, 90)
    assert (gained.after_low, gained.after_high) == (70, 100)
    assert (gained.gained_low, gained.gained_high) == (-20, 40)
    assert gained.fixed == ("x.a",)


def test_from_unknown_or_to_not_applicable_nothing_is_fixed_or_broken() -> None:
    gained = brought(evidence("t", a=U, b=F, c=P), evidence("u", a=P, b=N, c=U))
    assert (gained.fixed, gained.broken) == ((), ())


def test_of_an_unchanged_tree_the_gain_is_nothing_though_much_is_unknown() -> None:
    same = evidence("t", a=F, c=U)
    assert (brought(same, same).gained_low, brought(same, same).gained_high) == (0, 0)
