"""Two rubrics, and runs scored under both: what changed, who moved, and what moved them. Pure.

A score is the rubric's total less what deductions took, so a move comes apart into what each took before
and takes now: the shifts of `high` add up to its move exactly (with `total` for another sum of points).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from runner.core.records import (
    AppliedDeduction,
    Ceiling,
    Deduction,
    Dimension,
    DimensionScore,
    Outcome,
    Rubric,
    Score,
)
from runner.core.rubric_diff import (
    Cause,
    Change,
    DimensionMove,
    Move,
    Part,
    RankMove,
    RubricDiff,
    Weight,
    Why,
)

TOTAL = "total"
Pair = tuple[Score, Score]
K = TypeVar("K")


def diff_of(
    old: Rubric, new: Rubric, moves: Sequence[Move], contenders: Mapping[str, tuple[str, str]]
) -> RubricDiff:
    """The whole comparison. `moves` are those of all runs, also of those that stayed; `contenders` names
    model and agent of each run."""
    moved = sorted((m for m in moves if m.size > 0 or m.crossed), key=lambda m: (-m.size, m.run))
    return RubricDiff(
        old=old,
        new=new,
        changes=changes(old, new),
        moves=tuple(moved),
        still=len(moves) - len(moved),
        ranks=rank_moves([(move.old, move.new) for move in moves], contenders),
    )


# --- the rubrics


def changes(old: Rubric, new: Rubric) -> tuple[Change, ...]:
    """What was added, removed and changed, in the rubrics' order; wording that costs nothing is left out."""
    found: list[Change] = []
    dimensions = _by_id(old.dimensions), _by_id(new.dimensions)
    for id in _ids(*dimensions):
        before, after = dimensions[0].get(id), dimensions[1].get(id)
        found += _compare(Part.DIMENSION, id, None, _fields(before), _fields(after))
        rules = _rules(before), _rules(after)
        for rule in _ids(*rules):
            found += _compare(Part.DEDUCTION, rule, id, rules[0].get(rule), rules[1].get(rule))
    ceilings = {c.id: _ceiling(c) for c in old.ceilings}, {c.id: _ceiling(c) for c in new.ceilings}
    for id in _ids(*ceilings):
        found += _compare(Part.CEILING, id, None, ceilings[0].get(id), ceilings[1].get(id))
    tiers = (
        {t.id: {"at_least": t.at_least} for t in old.tiers},
        {t.id: {"at_least": t.at_least} for t in new.tiers},
    )
    for id in _ids(*tiers):
        found += _compare(Part.TIER, id, None, tiers[0].get(id), tiers[1].get(id))
    return tuple(found)


def _compare(
    part: Part, id: str, dimension: str | None, old: dict[str, Any] | None, new: dict[str, Any] | None
) -> list[Change]:
    if old is None or new is None:
        return [Change(part, id, dimension, None, old, new)]
    return [Change(part, id, dimension, f, old[f], new[f]) for f in old if old[f] != new[f]]


def _fields(dimension: Dimension | None) -> dict[str, Any] | None:
    return {"points": dimension.points} if dimension else None


def _rules(dimension: Dimension | None) -> dict[str, dict[str, Any]]:
    return {d.id: _rule(dimension, d) for d in dimension.deductions} if dimension else {}


def _rule(dimension: Dimension, deduction: Deduction) -> dict[str, Any]:
    group = dimension.group(deduction) if deduction.group else None
    return {
        "points": deduction.points,
        "when": deduction.when,
        "group": (deduction.group, group.mode.value, group.max) if group else None,
    }


def _ceiling(ceiling: Ceiling) -> dict[str, Any]:
    return {"max": ceiling.max, "when": ceiling.when}


def _by_id(dimensions: Iterable[Dimension]) -> dict[str, Dimension]:
    return {dimension.id: dimension for dimension in dimensions}


def _ids(old: Mapping[K, Any], new: Mapping[K, Any]) -> list[K]:
    """The new order, then what is gone."""
    return [*new, *(id for id in old if id not in new)]


# --- the scores


def move(old: Rubric, new: Rubric, pair: Pair) -> Move:
    """One run under both."""
    return Mover(old, new).move(pair)


@dataclass(frozen=True)
class Mover:
    """Two rubrics, whose rules are looked up once for many runs."""

    old: Rubric
    new: Rubric

    def move(self, pair: Pair) -> Move:
        """One run under both."""
        before, after = pair
        ids = _ids({d.id: d for d in before.dimensions}, {d.id: d for d in after.dimensions})
        dimensions = tuple(DimensionMove(id, _kept(before, id), _kept(after, id)) for id in ids)
        return Move(after.run, before, after, dimensions, _causes(self.rules, pair), _weights(dimensions))

    @cached_property
    def rules(self) -> _Rules:
        """Of both."""
        more = _tidy(sum(d.points for d in self.new.dimensions) - sum(d.points for d in self.old.dimensions))
        return _Rules(_all_rules(self.old), _all_rules(self.new), more)


@dataclass(frozen=True)
class _Rules:
    """The rules of both rubrics, and how many points more the new one has in all."""

    old: Mapping[tuple[str | None, str], Any]
    new: Mapping[tuple[str | None, str], Any]
    more: float


def _weights(dimensions: Sequence[DimensionMove]) -> tuple[Weight, ...]:
    """Of the dimensions that both rubrics have, the largest shift first; of an interval its middle counts."""
    found = [
        Weight(d.id, d.old[0], d.new[0], (d.old[1] + d.old[2]) / 2 / d.old[0])
        for d in dimensions
        if d.old is not None and d.new is not None and d.old[0] != d.new[0]
    ]
    return tuple(sorted(found, key=lambda weight: (-abs(weight.shift), weight.dimension)))


def _kept(score: Score, id: str) -> tuple[float, float, float] | None:
    return next(((d.points, d.low, d.high) for d in score.dimensions if d.id == id), None)


@dataclass(frozen=True)
class _Taken:
    """What a rule takes for certain and perhaps, of one score."""

    certain: float = 0
    possible: float = 0
    because: str = ""
    outcomes: frozenset[tuple[str, Outcome]] = frozenset()


def _causes(rules: _Rules, pair: Pair) -> tuple[Cause, ...]:
    before, after = _taken(pair[0]), _taken(pair[1])
    found = [
        _cause(
            key, (rules.old.get(key), rules.new.get(key)), before.get(key, _Taken()), after.get(key, _Taken())
        )
        for key in _ids(before, after)
    ]
    if rules.more:
        said = "the rubric is worth another sum of points"
        found.append(Cause(TOTAL, None, Why.TOTAL, 0, 0, rules.more, rules.more, said))
    return tuple(sorted((c for c in found if c.size > 0), key=lambda c: (-c.size, c.dimension or "", c.id)))


def _cause(key: Any, rules: tuple[Any, Any], before: _Taken, after: _Taken) -> Cause:
    dimension, id = key
    return Cause(
        id=id,
        dimension=dimension,
        why=_why(rules, before, after),
        took=before.certain,
        takes=after.certain,
        shift_low=_tidy(before.certain + before.possible - after.certain - after.possible),
        shift_high=_tidy(before.certain - after.certain),
        because=after.because or before.because,
    )


def _why(rules: tuple[Any, Any], before: _Taken, after: _Taken) -> Why:
    if rules[0] is None:
        return Why.ADDED
    if rules[1] is None:
        return Why.REMOVED
    if rules[0] != rules[1]:
        return Why.EDITED
    return Why.FOUND if before.outcomes != after.outcomes else Why.BESIDE


def _all_rules(rubric: Rubric) -> dict[tuple[str | None, str], Any]:
    rules: dict[tuple[str | None, str], Any] = {
        (d.id, rule): fields for d in rubric.dimensions for rule, fields in _rules(d).items()
    }
    return rules | {(None, c.id): _ceiling(c) for c in rubric.ceilings}


def _taken(score: Score) -> dict[tuple[str | None, str], _Taken]:
    found: dict[tuple[str | None, str], _Taken] = {}
    for dimension in score.dimensions:
        found |= {(dimension.id, id): taken for id, taken in _of_dimension(dimension).items()}
    for ceiling in score.ceilings:
        unknown = any(f.outcome is Outcome.UNKNOWN for f in ceiling.findings)
        points = (0.0, ceiling.points) if unknown else (ceiling.points, 0.0)
        found[None, ceiling.id] = _Taken(*points, ceiling.because, _outcomes(ceiling))
    return found


def _of_dimension(dimension: DimensionScore) -> dict[str, _Taken]:
    certain = {a.id: _Taken(a.points, 0, a.because, _outcomes(a)) for a in dimension.applied}
    return certain | {u.id: _Taken(0, u.points, u.because, _outcomes(u)) for u in dimension.unknown}


def _outcomes(applied: AppliedDeduction) -> frozenset[tuple[str, Outcome]]:
    return frozenset((finding.check, finding.outcome) for finding in applied.findings)


# --- the ranks


def rank_moves(pairs: Sequence[Pair], contenders: Mapping[str, tuple[str, str]]) -> tuple[RankMove, ...]:
    """Every contender's rank before and after, those that moved farthest first."""
    middles: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for old, new in pairs:
        middles[contenders[new.run]].append(((old.low + old.high) / 2, (new.low + new.high) / 2))
    olds = {who: _tidy(sum(o for o, _ in each) / len(each)) for who, each in middles.items()}
    news = {who: _tidy(sum(n for _, n in each) / len(each)) for who, each in middles.items()}
    found = [
        RankMove(who, len(each), olds[who], news[who], _rank(olds, who), _rank(news, who))
        for who, each in middles.items()
    ]
    return tuple(sorted(found, key=lambda r: (-abs(r.new_rank - r.old_rank), r.new_rank, r.contender)))


def _rank(means: Mapping[tuple[str, str], float], who: tuple[str, str]) -> int:
    return 1 + sum(mean > means[who] for mean in means.values())


def _tidy(points: float) -> float:
    return round(points, 6)
