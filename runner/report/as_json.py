"""One run and its score as plain data, under names that stay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from runner.core.records import (
    AppliedDeduction,
    Calibration,
    DimensionScore,
    Improvement,
    Run,
    Score,
)
from runner.core.replay import METERS, Replay


def run_json(
    run: Run,
    score: Score | None,
    calibration: Calibration | None = None,
    improvements: Iterable[Improvement] = (),
) -> dict[str, Any]:
    """What `--json` prints of a run. None is unknown or, of an unscored run, not there yet; never 0."""
    return {
        "run": run.id,
        "model": run.trial.model,
        "agent": run.trial.agent,
        "task": run.trial.task,
        "epoch": run.trial.epoch,
        "variant": run.trial.variant,
        "status": run.status.value,
        "rubric": score.rubric if score else None,
        "low": score.low if score else None,
        "high": score.high if score else None,
        "tier": score.tier if score else None,
        "dimensions": [_dimension(d) for d in score.dimensions] if score else [],
        "ceilings": _deductions(score.ceilings) if score else [],
        "calibration": _calibration(calibration) if calibration else None,
        "improvements": [_improvement(each) for each in improvements],
        "cost_usd": run.usage.cost_usd,
        "wall_s": None if run.imported else run.wall_s,
        "requests": None if run.imported else run.usage.requests,
        "tokens": {
            "input": run.usage.input_tokens,
            "cached_input": run.usage.cached_input_tokens,
            "cache_write": run.usage.cache_write_tokens,
            "output": run.usage.output_tokens,
            "reasoning": run.usage.reasoning_tokens,
        },
        "stopped_by": {phase.id: phase.stopped_by for phase in run.phases},
        "disagreements": [d.model_dump(mode="json") for d in run.disagreements],
        "replay_of": run.replay_of,
        "imported": run.imported.model_dump(mode="json") if run.imported else None,
        "failure": run.failure.model_dump(mode="json") if run.failure else None,
    }


def replay_json(replay: Replay) -> dict[str, Any]:
    """How a replay went beside its original; `replayed` is None if it did not get as far as to say."""
    then, now = replay.original.usage, replay.run.usage
    return {
        "totals_equal": not replay.differing_meters,
        "totals": {
            meter: {"recorded": getattr(then, meter), "replayed": getattr(now, meter)} for meter in METERS
        },
        "same_tree": replay.same_tree,
        "differing_files": list(replay.differing_files),
        "trees": {"recorded": replay.original.tree, "replayed": replay.run.tree},
        "replayed": replay.replayed.model_dump(mode="json") if replay.replayed else None,
    }


def _dimension(dimension: DimensionScore) -> dict[str, Any]:
    return {
        "id": dimension.id,
        "title": dimension.title,
        "points": dimension.points,
        "low": dimension.low,
        "high": dimension.high,
        "lost": _deductions(dimension.applied),
        "unknown": _deductions(dimension.unknown),
    }


def _calibration(calibration: Calibration) -> dict[str, Any]:
    return calibration.model_dump(mode="json", include={"file", "file_found", "counts", "goals", "changed"})


def _improvement(improvement: Improvement) -> dict[str, Any]:
    without = {"run", "rubric_digest", "evidence_digest", "before_tree", "after_tree"}
    return improvement.model_dump(mode="json", exclude=without)


def _deductions(deductions: Iterable[AppliedDeduction]) -> list[dict[str, Any]]:
    return [d.model_dump(mode="json") for d in deductions]
