"""A run as one flat row, for tables: the same columns in CSV, JSON lines and Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runner.core.records import Run, Score
from runner.report.exports.kit.entry import Entry

COLUMNS: dict[str, type] = {
    "run": str,
    "task": str,
    "variant": str,
    "model": str,
    "agent": str,
    "agent_version": str,
    "epoch": int,
    "attempt": int,
    "status": str,
    "blame": str,
    "failure": str,
    "failure_message": str,
    "stopped_by": str,
    "started": str,
    "finished": str,
    "wall_s": float,
    "rubric": str,
    "rubric_digest": str,
    "evidence_digest": str,
    "low": float,
    "high": float,
    "total": float,
    "tier": str,
    "why_not_scored": str,
    "requests": int,
    "input_tokens": int,
    "cached_input_tokens": int,
    "cache_write_tokens": int,
    "output_tokens": int,
    "reasoning_tokens": int,
    "cost_usd": float,
    "tree": str,
    "image": str,
    "replay_of": str,
    "imported_from": str,
}
"""Every table's first columns and their types; each may be empty, which is unknown or none, never 0."""


def table(entries: Sequence[Entry]) -> tuple[dict[str, type], list[dict[str, Any]]]:
    """The columns, with three for every dimension that any run was scored in, and the rows."""
    dimensions = dict.fromkeys(d.id for e in entries if e.score for d in e.score.dimensions)
    columns = COLUMNS | {name: float for each in dimensions for name in _names(each)}
    return columns, [dict.fromkeys(columns) | _row(entry) for entry in entries]


def _names(dimension: str) -> tuple[str, str, str]:
    return f"{dimension}_low", f"{dimension}_high", f"{dimension}_points"


def _row(entry: Entry) -> dict[str, Any]:
    run, trial = entry.run, entry.run.trial
    return {
        "run": run.id,
        **trial.model_dump(include={"task", "model", "agent", "agent_version", "epoch"}),
        "variant": trial.variant,
        "attempt": run.attempt,
        "status": run.status.value,
        "blame": run.failure.kind.value if run.failure else None,
        "failure": run.failure.code if run.failure else None,
        "failure_message": run.failure.message if run.failure else None,
        "stopped_by": run.phases[-1].stopped_by if run.phases else None,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat(),
        "why_not_scored": None if entry.score else entry.why_not,
        "tree": run.tree,
        "image": run.image,
        "replay_of": run.replay_of,
        "imported_from": run.imported.source if run.imported else None,
        **_metered(run),
        **(_scored(entry.score) if entry.score else {}),
    }


def _metered(run: Run) -> dict[str, Any]:
    """What the gateway metered: nothing of an imported run."""
    return {} if run.imported else {"wall_s": run.wall_s, **run.usage.model_dump()}


def _scored(score: Score) -> dict[str, Any]:
    kept: Iterable[tuple[tuple[str, str, str], tuple[float, float, float]]] = (
        (_names(d.id), (d.low, d.high, d.points)) for d in score.dimensions
    )
    return {
        "rubric": score.rubric,
        "rubric_digest": score.rubric_digest,
        "evidence_digest": score.evidence_digest,
        "low": score.low,
        "high": score.high,
        "total": sum(d.points for d in score.dimensions),
        "tier": score.tier,
        **{name: value for names, values in kept for name, value in zip(names, values, strict=True)},
    }
