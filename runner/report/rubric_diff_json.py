"""The comparison of two rubrics as data, under names that stay."""

from __future__ import annotations

from typing import Any

from runner.core.records import Condition, Score
from runner.core.rubric_diff import Cause, Change, Move, RankMove, RubricDiff, Weight
from runner.report.rubric_diff import cause_words, change_words, reason_words, weight_words
from runner.report.rubric_sheet import condition_words


def as_json(diff: RubricDiff) -> dict[str, Any]:
    """Everything, under names that stay."""
    return {
        "old": {"name": diff.old.name, "digest": diff.old.digest()},
        "new": {"name": diff.new.name, "digest": diff.new.digest()},
        "changes": [_change_json(change) for change in diff.changes],
        "moves": [move_json(move) for move in diff.moves],
        "still": diff.still,
        "ranks": [_rank_json(rank) for rank in diff.ranks],
    }


def move_json(move: Move) -> dict[str, Any]:
    """One run's move."""
    return {
        "run": move.run,
        "old": _score_json(move.old),
        "new": _score_json(move.new),
        "crossed": move.crossed,
        "mainly": reason_words(move),
        "weights": [_weight_json(weight) for weight in move.weights],
        "dimensions": [
            {"id": d.id, "old": _dimension_json(d.old), "new": _dimension_json(d.new)}
            for d in move.dimensions
        ],
        "causes": [_cause_json(cause) for cause in move.causes],
    }


def _weight_json(weight: Weight) -> dict[str, Any]:
    return {
        "dimension": weight.dimension,
        "old": weight.old,
        "new": weight.new,
        "share": round(weight.share, 6),
        "shift": weight.shift,
        "words": weight_words(weight),
    }


def _cause_json(cause: Cause) -> dict[str, Any]:
    return {
        "id": cause.id,
        "dimension": cause.dimension,
        "why": cause.why.value,
        "took": cause.took,
        "takes": cause.takes,
        "shift_low": cause.shift_low,
        "shift_high": cause.shift_high,
        "because": cause.because,
        "words": cause_words(cause),
    }


def _dimension_json(kept: tuple[float, float, float] | None) -> dict[str, float] | None:
    return dict(zip(("points", "low", "high"), kept, strict=True)) if kept else None


def _score_json(score: Score) -> dict[str, Any]:
    return {"low": score.low, "high": score.high, "tier": score.tier, "evidence": score.evidence_digest}


def _rank_json(rank: RankMove) -> dict[str, Any]:
    model, agent = rank.contender
    return {
        "model": model,
        "agent": agent,
        "runs": rank.runs,
        "old": {"mean": rank.old_mean, "rank": rank.old_rank, "places": rank.old_places},
        "new": {"mean": rank.new_mean, "rank": rank.new_rank, "places": rank.new_places},
        "surely_moved": rank.surely,
    }


def _change_json(change: Change) -> dict[str, Any]:
    place = {"part": change.part.value, "id": change.id, "dimension": change.dimension, "field": change.field}
    return {**place, "old": _plain(change.old), "new": _plain(change.new), "words": change_words(change)}


def _plain(value: Any) -> Any:
    if isinstance(value, Condition):
        return condition_words(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
