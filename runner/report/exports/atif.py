"""ATIF, Harbor's Agent Trajectory Interchange Format: a file for each run that has a transcript.

Written to https://github.com/laude-institute/harbor/blob/main/docs/rfcs/0001-trajectory-format.md, version
1.7. What ATIF has no field for (phases, score, where a run came from) stands in `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from runner.core.records import Run
from runner.report.exports.kit.entry import Document, Entry, Format, json_document
from runner.report.exports.kit.steps import Step, read_steps

VERSION = "ATIF-v1.7"


def _documents(entries: Sequence[Entry]) -> Iterator[Document]:
    for entry in entries:
        steps = read_steps(entry.folder / "transcript.jsonl")
        if steps:
            name = f"{entry.run.id.replace('/', '.')}.json"
            yield name, json_document(trajectory(entry, steps))


def trajectory(entry: Entry, steps: Sequence[Step]) -> dict[str, Any]:
    """A run as ATIF has it; fields that are unknown are left out."""
    run, score = entry.run, entry.score
    agent = {"name": run.trial.agent, "version": run.trial.agent_version, "model_name": run.trial.model}
    extra = {
        "task": run.trial.task,
        "variant": run.trial.variant,
        "epoch": run.trial.epoch,
        "status": run.status.value,
        "failure": run.failure.model_dump(mode="json") if run.failure else None,
        "score": score.model_dump(mode="json", include={"rubric", "low", "high", "tier"}) if score else None,
        "stopped_by": {phase.id: phase.stopped_by for phase in run.phases},
    }
    return {
        "schema_version": VERSION,
        "session_id": run.id,
        "trajectory_id": run.id,
        "agent": agent,
        "steps": [_step(step, number) for number, step in enumerate(steps, 1)],
        "final_metrics": _totals(run, len(steps)),
        "extra": _known(extra),
    }


def _step(step: Step, number: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "step_id": number,
        "timestamp": step.at,
        "source": step.source,
        "message": step.text,
        "extra": _known({"phase": step.phase, "wall_s": step.wall_s}),
    }
    if step.source == "agent":
        calls = [
            {"tool_call_id": c.id, "function_name": c.name, "arguments": c.arguments} for c in step.calls
        ]
        results = [_known({"source_call_id": call, "content": text}) for call, text in step.results]
        told |= {
            "reasoning_content": step.reasoning or None,
            "tool_calls": calls or None,
            "observation": {"results": results} if results else None,
            "metrics": _metrics(step) or None,
            "llm_call_count": 1,
        }
    return _known(told)


def _metrics(step: Step) -> dict[str, Any]:
    return _known(
        {
            "prompt_tokens": step.usage.get("input_tokens"),
            "completion_tokens": step.usage.get("output_tokens"),
            "cached_tokens": step.usage.get("cached_input_tokens"),
            "cost_usd": step.cost_usd,
        }
    )


def _totals(run: Run, steps: int) -> dict[str, Any]:
    """Of the whole run as it was metered, tries that failed included."""
    return _known(
        {
            "total_prompt_tokens": run.usage.input_tokens,
            "total_completion_tokens": run.usage.output_tokens,
            "total_cached_tokens": run.usage.cached_input_tokens,
            "total_cost_usd": run.usage.cost_usd,
            "total_steps": steps,
        }
    )


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


FORMAT = Format(_documents, many=True)
