"""Scores of small literal rubrics and findings, worked out by hand."""

from __future__ import annotations

import pytest

from runner.core.errors import ShipworthyError
from runner.core.records import (
    Ceiling,
    Condition,
    Deduction,
    Dimension,
    Evidence,
    Finding,
    Group,
    GroupMode,
    Location,
    Outcome,
    Rubric,
    Score,
    Tier,
)
from runner.scoring.evaluate import evaluate

PASS, FAIL, NOT_APPLICABLE, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN
TIERS = (
    Tier(id="A", at_least=80, meaning="ships"),
    Tier(id="B", at_least=60, meaning="nearly"),
    Tier(id="D", at_least=0, meaning="no"),
)


def deduction(id: str, points: float, when: object = None, group: str | None = None) -> Deduction:
    return Deduction(
        id=id,
        when=Condition.model_validate(when or f"x.{id}"),
        points=points,
        because=f"because of {id}",
        group=group,
    )


def rubric(*deductions: Deduction, points: float = 100, ceilings: tuple[Ceiling, ...] = ()) -> Rubric:
    dimension = Dimension(id="whole", title="The whole", points=points, deductions=deductions)
    return Rubric(id="r", version=1, title="R", dimensions=(dimension,), ceilings=ceilings, tiers=TIERS)


def finding(name: str, outcome: Outcome) -> Finding:
    return Finding(
        check=f"x.{name}", outcome=outcome, message=f"saw {name}", locations=(Location(path="a.rb", line=3),)
    )


def evidence(*findings: Finding, probe: str = "p", tree: str = "t") -> Evidence:
    return Evidence(tree=tree, probe=probe, version=1, environment="e", findings=findings)


def score(of: Rubric, **outcomes: Outcome) -> Score:
    return evaluate(of, "run/1", [evidence(*(finding(name, o) for name, o in outcomes.items()))])


def interval(of: Rubric, **outcomes: Outcome) -> tuple[float, float]:
    result = score(of, **outcomes)
    return result.low, result.high


@pytest.mark.parametrize(
    ("outcome", "low", "high"),
    [(PASS, 100, 100), (NOT_APPLICABLE, 100, 100), (FAIL, 70, 70), (UNKNOWN, 70, 100)],
)
def test_outcome_decides_what_a_deduction_takes(outcome: Outcome, low: float, high: float) -> None:
    assert interval(rubric(deduction("a", 30)), a=outcome) == (low, high)


def test_a_check_without_a_finding_is_unknown() -> None:
    result = evaluate(rubric(deduction("a", 30)), "run/1", [])
    assert (result.low, result.high) == (70, 100)
    (undecided,) = result.dimensions[0].unknown
    assert [(f.check, f.outcome) for f in undecided.findings] == [("x.a", UNKNOWN)]


@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [
        (FAIL, FAIL, (90, 90), (90, 90)),
        (FAIL, PASS, (100, 100), (90, 90)),
        (FAIL, UNKNOWN, (90, 100), (90, 90)),
        (PASS, UNKNOWN, (100, 100), (90, 100)),
        (UNKNOWN, UNKNOWN, (90, 100), (90, 100)),
        (PASS, NOT_APPLICABLE, (100, 100), (100, 100)),
    ],
)
def test_all_and_any(a: Outcome, b: Outcome, both: tuple[float, float], either: tuple[float, float]) -> None:
    assert interval(rubric(deduction("d", 10, {"all": ["x.a", "x.b"]})), a=a, b=b) == both
    assert interval(rubric(deduction("d", 10, {"any": ["x.a", "x.b"]})), a=a, b=b) == either


@pytest.mark.parametrize(
    ("narrowing", "given", "unless"),
    [
        (PASS, (90, 90), (100, 100)),
        (FAIL, (100, 100), (90, 90)),
        (NOT_APPLICABLE, (100, 100), (90, 90)),
        (UNKNOWN, (90, 100), (90, 100)),
    ],
)
def test_given_and_unless_ask_whether_a_check_holds(
    narrowing: Outcome, given: tuple[float, float], unless: tuple[float, float]
) -> None:
    for word, wanted in (("given", given), ("unless", unless)):
        narrowed = rubric(deduction("d", 10, {"all": ["x.a", {word: "x.b"}]}))
        assert interval(narrowed, a=FAIL, b=narrowing) == wanted
        assert interval(narrowed, a=PASS, b=narrowing) == (100, 100)


def test_what_only_narrows_is_told_where_it_leaves_something_open() -> None:
    narrowed = rubric(deduction("d", 10, {"all": ["x.a", {"given": "x.b"}]}))
    assert [f.check for f in score(narrowed, a=FAIL, b=PASS).dimensions[0].applied[0].findings] == ["x.a"]
    assert [f.check for f in score(narrowed, a=FAIL, b=UNKNOWN).dimensions[0].unknown[0].findings] == ["x.b"]


def test_only_the_deciding_findings_are_shown() -> None:
    when = {"any": ["x.a", {"all": ["x.b", "x.c"]}]}
    result = score(rubric(deduction("d", 10, when)), a=PASS, b=FAIL, c=FAIL)
    (applied,) = result.dimensions[0].applied
    assert [f.check for f in applied.findings] == ["x.b", "x.c"]
    assert applied.because == "because of d"
    result = score(rubric(deduction("d", 10, {"all": ["x.a", "x.b"]})), a=FAIL, b=UNKNOWN)
    assert [f.check for f in result.dimensions[0].unknown[0].findings] == ["x.b"]


def test_the_worst_of_a_group_counts() -> None:
    group = rubric(deduction("a", 5, group="g"), deduction("b", 20, group="g"), deduction("c", 1))
    result = score(group, a=FAIL, b=FAIL, c=FAIL)
    assert (result.low, result.high) == (79, 79)
    assert [(d.id, d.points) for d in result.dimensions[0].applied] == [("b", 20), ("c", 1)]


def test_an_unknown_member_of_a_group_may_only_cost_the_difference() -> None:
    group = rubric(deduction("a", 5, group="g"), deduction("b", 20, group="g"))
    result = score(group, a=FAIL, b=UNKNOWN)
    assert (result.low, result.high) == (80, 95)
    assert [(d.id, d.points) for d in result.dimensions[0].unknown] == [("b", 15)]
    result = score(group, a=UNKNOWN, b=FAIL)
    assert (result.low, result.high) == (80, 80)
    assert result.dimensions[0].unknown == ()


def additive(*deductions: Deduction, points: float = 100, most: float | None = None) -> Rubric:
    """All in one additive group `g`."""
    of = rubric(*deductions, points=points)
    dimension = of.dimensions[0].model_copy(
        update={"groups": {"g": Group(mode=GroupMode.ADDITIVE, max=most)}}
    )
    return of.model_copy(update={"dimensions": (dimension,)})


def test_members_of_an_additive_group_add_up() -> None:
    group = additive(deduction("a", 5, group="g"), deduction("b", 20, group="g"), deduction("c", 1))
    result = score(group, a=FAIL, b=FAIL, c=FAIL)
    assert (result.low, result.high) == (74, 74)


def test_an_additive_group_stops_at_its_most_and_shows_who_took_what() -> None:
    members = [deduction(name, 4, group="g") for name in "abc"]
    result = score(additive(*members, deduction("d", 1), most=6), a=FAIL, b=FAIL, c=FAIL, d=FAIL)
    assert (result.low, result.high) == (93, 93)
    assert [(d.id, d.points) for d in result.dimensions[0].applied] == [
        ("a", 4),
        ("b", 2),
        ("c", 0),
        ("d", 1),
    ]


def test_an_unknown_member_of_an_additive_group_may_cost_what_the_certain_left_of_it() -> None:
    members = [deduction(name, 4, group="g") for name in "abc"]
    result = score(additive(*members, most=6), a=UNKNOWN, b=FAIL, c=UNKNOWN)
    (dimension,) = result.dimensions
    assert (dimension.low, dimension.high) == (94, 96)
    assert [(d.id, d.points) for d in dimension.applied] == [("b", 4)]
    assert [(d.id, d.points) for d in dimension.unknown] == [("a", 2)]


def test_a_dimension_stops_at_zero_and_shows_what_each_deduction_really_took() -> None:
    result = score(rubric(deduction("a", 70), deduction("b", 70), deduction("c", 5)), a=FAIL, b=FAIL, c=FAIL)
    assert (result.low, result.high) == (0, 0)
    assert [(d.id, d.points) for d in result.dimensions[0].applied] == [("a", 70), ("b", 30), ("c", 0)]


def test_the_unknown_takes_what_the_certain_left() -> None:
    result = score(rubric(deduction("a", 70), deduction("b", 70)), a=UNKNOWN, b=FAIL)
    (dimension,) = result.dimensions
    assert (dimension.low, dimension.high) == (0, 30)
    assert [(d.id, d.points) for d in dimension.applied] == [("b", 70)]
    assert [(d.id, d.points) for d in dimension.unknown] == [("a", 30)]


@pytest.mark.parametrize(
    ("outcome", "expected", "taken", "tier"),
    [(PASS, (90, 90), [], "A"), (FAIL, (59, 59), [31], "D"), (UNKNOWN, (59, 90), [31], None)],
)
def test_a_ceiling_caps_the_total_not_the_dimensions(
    outcome: Outcome, expected: tuple[float, float], taken: list[float], tier: str | None
) -> None:
    ceiling = Ceiling(id="boot", when=Condition(fail="x.boot"), max=59, because="does not start")
    result = score(rubric(deduction("a", 10), ceilings=(ceiling,)), a=FAIL, boot=outcome)
    assert (result.low, result.high) == expected
    assert [c.points for c in result.ceilings] == taken
    assert result.dimensions[0].high == 90
    assert result.tier == tier


def test_a_ceiling_above_the_sum_takes_nothing_but_is_named() -> None:
    ceiling = Ceiling(id="boot", when=Condition(fail="x.boot"), max=59, because="does not start")
    result = score(rubric(deduction("a", 50), ceilings=(ceiling,)), a=FAIL, boot=FAIL)
    assert (result.low, result.high) == (50, 50)
    assert [(c.id, c.points) for c in result.ceilings] == [("boot", 0)]


@pytest.mark.parametrize(
    ("points", "outcome", "tier"),
    [(20, FAIL, "A"), (20.5, FAIL, "B"), (20, UNKNOWN, "A"), (21, UNKNOWN, None), (100, FAIL, "D")],
)
def test_a_tier_is_named_only_when_the_whole_interval_lies_in_it(
    points: float, outcome: Outcome, tier: str | None
) -> None:
    assert score(rubric(deduction("a", points)), a=outcome).tier == tier


def test_decimal_points_leave_no_float_dust() -> None:
    result = score(rubric(deduction("a", 0.1), deduction("b", 0.2), points=1), a=FAIL, b=FAIL)
    assert result.high == 0.7
    assert [d.points for d in result.dimensions[0].applied] == [0.1, 0.2]


def test_the_record_names_run_rubric_and_evidence() -> None:
    one, two = evidence(finding("a", FAIL), probe="p"), evidence(finding("b", PASS), probe="q")
    grading = rubric(deduction("a", 1), deduction("b", 1))
    result = evaluate(grading, "run/1", [one, two])
    assert (result.run, result.rubric, result.rubric_digest) == ("run/1", "r@1", grading.digest())
    assert result == evaluate(grading, "run/1", [two, one])
    assert result.evidence_digest != evaluate(grading, "run/1", [one]).evidence_digest


def test_contradictory_evidence_is_refused() -> None:
    grading = rubric(deduction("a", 1))
    with pytest.raises(ShipworthyError, match=r"'x\.a' is reported twice"):
        evaluate(grading, "run/1", [evidence(finding("a", FAIL)), evidence(finding("a", PASS), probe="q")])
    with pytest.raises(ShipworthyError, match="several trees"):
        evaluate(grading, "run/1", [evidence(tree="t"), evidence(tree="u")])
