"""A run's scores through time, with what moved each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.core.rubric_diff import Step
from runner.report.rubric_diff import cause_words
from runner.report.rubric_diff_json import move_json
from runner.report.text import interval

MOST_CAUSES = 8


def as_text(run: str, steps: Sequence[Step]) -> str:
    """A paragraph a score, oldest first."""
    out = [run]
    if not steps:
        out.append("  it was never scored; run: shipworthy score")
    for step in steps:
        score = step.score
        points = (
            f"{interval(score.low, score.high)} points, {f'tier {score.tier}' if score.tier else 'no tier'}"
        )
        digests = f"rubric {score.rubric_digest[:12]}, evidence {score.evidence_digest[:12]}"
        out += [f"  {step.at:%Y-%m-%d %H:%M:%S} UTC  {score.rubric}: {points}  ({digests})"]
        if step.reasons:
            out.append(f"      since the one before: {' and '.join(step.reasons)}")
        if step.move is not None:
            out += [f"      {cause_words(cause)}" for cause in step.move.causes[:MOST_CAUSES]]
            hidden = len(step.move.causes) - MOST_CAUSES
            out += [f"      and {hidden} smaller ones"] if hidden > 0 else []
            out += [] if step.move.causes else ["      no point moved"]
    return "\n".join(out)


def as_json(run: str, steps: Sequence[Step]) -> dict[str, Any]:
    """The same as data; `move` is None of the first score."""
    return {"run": run, "scores": [_step_json(step) for step in steps]}


def _step_json(step: Step) -> dict[str, Any]:
    score = step.score
    return {
        "at": step.at.isoformat(),
        "rubric": score.rubric,
        "rubric_digest": score.rubric_digest,
        "evidence_digest": score.evidence_digest,
        "low": score.low,
        "high": score.high,
        "tier": score.tier,
        "reasons": list(step.reasons),
        "move": move_json(step.move) if step.move else None,
    }
