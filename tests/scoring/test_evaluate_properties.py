"""What holds for every rubric and every evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.core.records import (
    Ceiling,
    Condition,
    Deduction,
    Dimension,
    Evidence,
    Finding,
    Group,
    GroupMode,
    Outcome,
    Rubric,
    Score,
    Tier,
)
from runner.scoring.evaluate import evaluate

CHECKS = [f"x.c{n}" for n in range(8)]
Outcomes = Mapping[str, Outcome]

# The same examples each time, however busy the machine is.
steady = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Points as people write them: at most two decimals.
some_points = st.integers(1, 4000).map(lambda n: n / 100)
leaves = st.sampled_from(CHECKS).map(lambda check: Condition(fail=check))
conditions = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(lambda p: Condition(all=tuple(p))),
        st.lists(parts, min_size=1, max_size=3).map(lambda p: Condition(any=tuple(p))),
    ),
    max_leaves=4,
)
groupings = st.builds(Group, mode=st.sampled_from(GroupMode), max=st.one_of(st.none(), some_points))
outcomes = st.fixed_dictionaries({}, optional={check: st.sampled_from(Outcome) for check in CHECKS})


@st.composite
def dimensions(draw: st.DrawFn, id: str) -> Dimension:
    drawn = draw(
        st.lists(st.tuples(conditions, some_points, st.sampled_from([None, None, "g", "h"])), max_size=6)
    )
    deductions = tuple(
        Deduction(id=f"d{n}", when=when, points=points, because="why", group=group)
        for n, (when, points, group) in enumerate(drawn)
    )
    groups = draw(st.dictionaries(st.sampled_from(["g", "h"]), groupings))
    return Dimension(id=id, title=id, points=draw(some_points), groups=groups, deductions=deductions)


@st.composite
def rubrics(draw: st.DrawFn) -> Rubric:
    ceilings = draw(st.lists(st.tuples(conditions, some_points), max_size=3))
    return Rubric(
        id="r",
        version=1,
        title="R",
        dimensions=tuple(draw(dimensions(f"dim{n}")) for n in range(draw(st.integers(1, 4)))),
        ceilings=tuple(
            Ceiling(id=f"c{n}", when=when, max=points, because="why")
            for n, (when, points) in enumerate(ceilings)
        ),
        tiers=(Tier(id="A", at_least=50, meaning="good"), Tier(id="D", at_least=0, meaning="bad")),
    )


def score(rubric: Rubric, found: Outcomes) -> Score:
    findings = tuple(Finding(check=c, outcome=o, message="seen") for c, o in found.items())
    return evaluate(
        rubric, "run/1", [Evidence(tree="t", probe="p", version=1, environment="e", findings=findings)]
    )


def exact(points: Iterable[float]) -> Decimal:
    return sum((Decimal(str(p)) for p in points), Decimal(0))


@given(rubrics(), outcomes)
@steady
def test_points_stay_within_bounds(rubric: Rubric, found: Outcomes) -> None:
    result = score(rubric, found)
    assert 0 <= result.low <= result.high
    for of, dimension in zip(rubric.dimensions, result.dimensions, strict=True):
        assert 0 <= dimension.low <= dimension.high <= of.points
        assert all(d.points >= 0 for d in (*dimension.applied, *dimension.unknown))


@given(rubrics(), outcomes)
@steady
def test_shown_points_add_up_exactly(rubric: Rubric, found: Outcomes) -> None:
    result = score(rubric, found)
    for d in result.dimensions:
        assert exact([d.points]) - exact(a.points for a in d.applied) == exact([d.high])
        assert exact([d.high]) - exact(a.points for a in d.unknown) == exact([d.low])
    certain = [c for c in result.ceilings if c.findings[0].outcome is Outcome.FAIL]
    total = exact(d.high for d in result.dimensions)
    assert total - exact(c.points for c in certain) == exact([result.high])


@given(rubrics(), outcomes)
@steady
def test_without_unknown_outcomes_there_is_one_score(rubric: Rubric, found: Outcomes) -> None:
    decided = {c: found.get(c, Outcome.PASS) for c in CHECKS}
    decided = {c: Outcome.FAIL if o is Outcome.UNKNOWN else o for c, o in decided.items()}
    result = score(rubric, decided)
    assert result.low == result.high
    assert result.tier is not None
    assert not any(d.unknown for d in result.dimensions)


@given(rubrics(), outcomes, st.sampled_from(CHECKS))
@steady
def test_failing_never_raises_and_not_knowing_contains_both(
    rubric: Rubric, found: Outcomes, check: str
) -> None:
    passed = score(rubric, {**found, check: Outcome.PASS})
    failed = score(rubric, {**found, check: Outcome.FAIL})
    unknown = score(rubric, {**found, check: Outcome.UNKNOWN})
    assert failed.low <= passed.low
    assert failed.high <= passed.high
    assert unknown.low <= failed.low
    assert passed.high <= unknown.high


@given(rubrics(), outcomes, st.sampled_from(CHECKS))
@steady
def test_not_applicable_is_worth_as_much_as_pass(rubric: Rubric, found: Outcomes, check: str) -> None:
    passed = score(rubric, {**found, check: Outcome.PASS})
    spared = score(rubric, {**found, check: Outcome.NOT_APPLICABLE})
    assert (passed.low, passed.high, passed.tier) == (spared.low, spared.high, spared.tier)


@given(rubrics(), outcomes, st.randoms(use_true_random=False))
@steady
def test_order_does_not_matter(rubric: Rubric, found: Outcomes, random: Random) -> None:
    shuffled = list(found.items())
    random.shuffle(shuffled)
    one = score(rubric, found)
    other = score(rubric, dict(shuffled))
    assert one.model_copy(update={"evidence_digest": other.evidence_digest}) == other


def most(group: Group, points: list[Decimal]) -> Decimal:
    """What members with these points cost together, if the dimension has enough to lose."""
    if group.mode is GroupMode.EXCLUSIVE:
        return max(points, default=Decimal(0))
    return min(sum(points, Decimal(0)), Decimal("inf") if group.max is None else exact([group.max]))


@given(rubrics(), outcomes)
@steady
def test_a_group_takes_no_more_than_it_may(rubric: Rubric, found: Outcomes) -> None:
    result = score(rubric, found)
    for of, dimension in zip(rubric.dimensions, result.dimensions, strict=True):
        groups = {d.id: d.group for d in of.deductions}
        for name in {g for g in groups.values() if g is not None}:
            taken = exact(a.points for a in (*dimension.applied, *dimension.unknown) if groups[a.id] == name)
            members = [exact([d.points]) for d in of.deductions if d.group == name]
            assert taken <= most(of.groups.get(name, Group()), members)


def holds(condition: Condition, found: Outcomes, unknown: bool) -> bool:
    """Whether it holds if whatever is unknown does (`unknown`) or does not."""
    if condition.fail is not None:
        outcome = found.get(condition.fail, Outcome.UNKNOWN)
        return outcome is Outcome.FAIL or (unknown and outcome is Outcome.UNKNOWN)
    parts = [holds(part, found, unknown) for part in condition.all or condition.any or ()]
    return all(parts) if condition.all is not None else any(parts)


def left(dimension: Dimension, found: Outcomes, unknown: bool) -> Decimal:
    """What a dimension keeps, reckoned in one go: the sum over its groups."""
    firing: dict[str, list[Decimal]] = {}
    for d in dimension.deductions:
        if holds(d.when, found, unknown):
            firing.setdefault(d.group or f"alone {d.id}", []).append(exact([d.points]))
    lost = sum((most(dimension.groups.get(g, Group()), p) for g, p in firing.items()), Decimal(0))
    return max(Decimal(0), exact([dimension.points]) - lost)


@given(rubrics(), outcomes)
@steady
def test_it_is_the_sum_over_the_groups(rubric: Rubric, found: Outcomes) -> None:
    for of, dimension in zip(rubric.dimensions, score(rubric, found).dimensions, strict=True):
        assert exact([dimension.high]) == left(of, found, unknown=False)
        assert exact([dimension.low]) == left(of, found, unknown=True)


@given(rubrics(), outcomes)
@steady
def test_naming_a_group_exclusive_changes_nothing(rubric: Rubric, found: Outcomes) -> None:
    bare = rubric.model_copy(
        update={"dimensions": tuple(d.model_copy(update={"groups": {}}) for d in rubric.dimensions)}
    )
    named = rubric.model_copy(
        update={
            "dimensions": tuple(
                d.model_copy(update={"groups": {"g": Group(), "h": Group()}}) for d in rubric.dimensions
            )
        }
    )
    assert score(bare, found).dimensions == score(named, found).dimensions


@given(rubrics(), outcomes)
@steady
def test_a_certain_ceiling_holds(rubric: Rubric, found: Outcomes) -> None:
    result = score(rubric, found)
    limits = {c.id: c.max for c in rubric.ceilings}
    for ceiling in result.ceilings:
        assert result.low <= limits[ceiling.id]
        if ceiling.findings[0].outcome is Outcome.FAIL:
            assert result.high <= limits[ceiling.id]


@given(rubrics(), outcomes)
@steady
def test_a_named_tier_holds_at_both_ends(rubric: Rubric, found: Outcomes) -> None:
    result = score(rubric, found)
    floors = {tier.id: tier.at_least for tier in rubric.tiers}
    reached = [max(t.at_least for t in rubric.tiers if p >= t.at_least) for p in (result.low, result.high)]
    assert (result.tier is None) == (reached[0] != reached[1])
    assert result.tier is None or floors[result.tier] == reached[0]
