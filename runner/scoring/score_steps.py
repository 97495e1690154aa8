"""One run's scores through time, with what moved each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from runner.core.records import Condition, Deduction, Dimension, Rubric, Score, Tier
from runner.core.rubric_diff import Move, Step
from runner.scoring.rubric_diff import Pair, move


def steps(
    dated: Sequence[tuple[datetime, Score]], rubrics: Mapping[tuple[str, str], Rubric]
) -> tuple[Step, ...]:
    """A run's scores, oldest first. `rubrics` by name and digest: of those that are still at hand.

    Of a rubric that is not, nobody knows whether a rule was edited: a shift is then told as what was found.
    """
    found: list[Step] = []
    for at, score in dated:
        last = found[-1].score if found else None
        if last is None:
            found.append(Step(at, score))
            continue
        found.append(Step(at, score, _reasons(last, score), _move_between(last, score, rubrics)))
    return tuple(found)


def _move_between(last: Score, score: Score, rubrics: Mapping[tuple[str, str], Rubric]) -> Move:
    pair = (last, score)
    old, new = (rubrics.get((s.rubric, s.rubric_digest)) or _as_scored(pair) for s in pair)
    return move(old, new, pair)


def _reasons(last: Score, score: Score) -> tuple[str, ...]:
    reasons = []
    if last.rubric != score.rubric:
        reasons.append(f"another rubric ({last.rubric} -> {score.rubric})")
    elif last.rubric_digest != score.rubric_digest:
        reasons.append(f"{score.rubric} was edited")
    if last.evidence_digest != score.evidence_digest:
        reasons.append("other evidence")
    return tuple(reasons)


def _as_scored(pair: Pair) -> Rubric:
    """As much of a lost rubric as scores tell: the rules that took something in either."""
    dimensions: dict[str, dict[str, Deduction]] = {}
    points: dict[str, float] = {}
    for dimension in (d for score in pair for d in score.dimensions):
        points[dimension.id] = dimension.points
        for rule in (*dimension.applied, *dimension.unknown):
            when = Condition(fail=rule.findings[0].check)
            known = Deduction(id=rule.id, when=when, points=max(rule.points, 0.1), because=rule.because)
            dimensions.setdefault(dimension.id, {}).setdefault(rule.id, known)
    return Rubric(
        id="lost",
        version=1,
        title="a rubric that is not at hand",
        dimensions=tuple(
            Dimension(id=id, title=id, points=worth, deductions=tuple(dimensions.get(id, {}).values()))
            for id, worth in points.items()
        ),
        tiers=(Tier(id="?", at_least=0, meaning="unknown"),),
    )
