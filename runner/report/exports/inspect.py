"""EvalLog JSON of Inspect (inspect_ai): a log for each task, variant, model and agent, a sample a run.

A score's value holds `low` and `high`, the same unless something is undecided; `answer` is the tier. A run
that was not the model's to answer for is a sample with an error and without a score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from statistics import fmean
from typing import Any

from runner import __version__
from runner.core.records import Blame, DimensionScore, Run, Score, Usage
from runner.report.exports.kit.entry import Document, Entry, Format, json_document
from runner.report.exports.kit.steps import Step, read_steps

VERSION = 2
POINTS = "points"
NAME = 150  # characters of a file's name, before a digest makes it its own


def _documents(entries: Sequence[Entry]) -> Iterator[Document]:
    ordered = sorted(entries, key=_cell)
    for cell, members in groupby(ordered, key=_cell):
        told = "".join(c if c.isalnum() or c in "-_." else "-" for c in "_".join(filter(None, cell)))
        name = f"{told[:NAME]}.{sha256(repr(cell).encode()).hexdigest()[:8]}.json"
        yield name, json_document(log(list(members)))


def _cell(entry: Entry) -> tuple[str, str, str, str]:
    trial = entry.run.trial
    return trial.task, trial.variant or "", trial.model, trial.agent


def log(entries: Sequence[Entry]) -> dict[str, Any]:
    """The log of runs that differ in epoch and attempt only."""
    trial, runs = entries[0].run.trial, [entry.run for entry in entries]
    scored = [entry.score for entry in entries if entry.score]
    task = trial.task if trial.variant is None else f"{trial.task}~{trial.variant}"
    identity = sha256(" ".join(run.id for run in runs).encode()).hexdigest()[:22]
    samples = [_sample(entry, number) for number, entry in enumerate(entries, 1)]
    return {
        "version": VERSION,
        "status": "success",
        "eval": {
            "eval_id": identity,
            "run_id": identity,
            "created": min(run.started for run in runs).isoformat(),
            "task": task,
            "task_id": trial.task_digest[:22],
            "task_version": 0,
            "solver": trial.agent,
            "dataset": {"name": task, "samples": 1, "sample_ids": [task], "shuffled": False},
            "model": trial.model,
            "config": {"epochs": len(entries)},
            "packages": {"shipworthy": __version__},
            "metadata": {
                "agent": trial.agent,
                "agent_version": trial.agent_version,
                "variant": trial.variant,
            },
        },
        "plan": {"name": trial.agent, "steps": []},
        "results": {
            "total_samples": len(entries),
            "completed_samples": len(scored),
            "scores": [_summary(scored)] if scored else [],
        },
        "stats": {
            "started_at": min(run.started for run in runs).isoformat(),
            "completed_at": max(run.finished for run in runs).isoformat(),
            "model_usage": _usage_by_model(runs),
        },
        "samples": samples,
    }


def _summary(scores: Sequence[Score]) -> dict[str, Any]:
    means = {"mean_low": fmean(s.low for s in scores), "mean_high": fmean(s.high for s in scores)}
    metrics = {name: {"name": name, "value": value} for name, value in means.items()}
    return {"name": POINTS, "scorer": scores[-1].rubric, "scored_samples": len(scores), "metrics": metrics}


def _sample(entry: Entry, number: int) -> dict[str, Any]:
    """Inspect tells samples by id and epoch; several attempts at an epoch are further epochs there."""
    run, trial = entry.run, entry.run.trial
    steps = read_steps(entry.folder / "transcript.jsonl")
    prompt = next((step.text for step in steps if step.source == "user"), "")
    sample: dict[str, Any] = {
        "id": trial.task,
        "epoch": number,
        "input": prompt,
        "target": "",
        "messages": [message for step in steps for message in _messages(step)],
        "output": _output(run, steps),
        "scores": _scores(entry.score) if entry.score else {},
        "metadata": _metadata(entry),
        "model_usage": _usage_by_model([run]),
        "started_at": run.started.isoformat(),
        "completed_at": run.finished.isoformat(),
        "total_time": None if run.imported else run.wall_s,
    }
    if run.failure is not None and run.failure.kind is not Blame.MODEL:
        message = f"{run.failure.kind.value}: {run.failure.code}: {run.failure.message}"
        sample["error"] = {"message": message, "traceback": "", "traceback_ansi": ""}
    return sample


def _metadata(entry: Entry) -> dict[str, Any]:
    run = entry.run
    told = run.model_dump(mode="json", include={"attempt", "status", "failure", "tree", "replay_of"})
    return told | {
        "run": run.id,
        "epoch": run.trial.epoch,
        "cost_usd": run.usage.cost_usd,
        "stopped_by": {phase.id: phase.stopped_by for phase in run.phases},
        "why_not_scored": None if entry.score else entry.why_not,
    }


def _messages(step: Step) -> Iterator[dict[str, Any]]:
    if step.source != "agent":
        yield {"role": step.source, "content": step.text}
        return
    content: str | list[dict[str, str]] = step.text
    if step.reasoning:
        content = [{"type": "reasoning", "reasoning": step.reasoning}, {"type": "text", "text": step.text}]
    calls = [{"id": c.id, "function": c.name, "arguments": c.arguments} for c in step.calls]
    yield {"role": "assistant", "content": content, **({"tool_calls": calls} if calls else {})}
    names = {call.id: call.name for call in step.calls}
    for call, text in step.results:
        known = {"tool_call_id": call, "function": names[call]} if call else {}
        yield {"role": "tool", "content": text, **known}


def _output(run: Run, steps: Sequence[Step]) -> dict[str, Any]:
    last = next((step for step in reversed(steps) if step.source == "agent"), None)
    if last is None:
        return {"model": run.trial.model, "choices": []}
    message = next(_messages(last))
    choice = {"message": message, "stop_reason": "tool_calls" if last.calls else "stop"}
    return {"model": run.trial.model, "choices": [choice]}


def _scores(score: Score) -> dict[str, Any]:
    whole = {
        "value": {"low": score.low, "high": score.high},
        "answer": score.tier,
        "explanation": "\n".join(f"capped: {c.because}" for c in score.ceilings) or None,
        "metadata": {"rubric": score.rubric, "rubric_digest": score.rubric_digest},
    }
    return {POINTS: whole} | {dimension.id: _dimension(dimension) for dimension in score.dimensions}


def _dimension(dimension: DimensionScore) -> dict[str, Any]:
    lost = [f"-{each.points:g} {each.id}: {each.because}" for each in dimension.applied]
    lost += [f"undecided, {each.points:g} {each.id}: {each.because}" for each in dimension.unknown]
    return {
        "value": {"low": dimension.low, "high": dimension.high},
        "explanation": "\n".join(lost) or None,
        "metadata": {"title": dimension.title, "points": dimension.points},
    }


def _usage_by_model(runs: Sequence[Run]) -> dict[str, Any]:
    """Empty where tokens are unknown: Inspect has no way to say so."""
    metered = [run.usage for run in runs if run.imported is None]
    total = sum(metered, Usage())
    if not metered or total.input_tokens is None or total.output_tokens is None:
        return {}
    told = {
        "input_tokens": total.input_tokens,
        "output_tokens": total.output_tokens,
        "total_tokens": total.input_tokens + total.output_tokens,
        "input_tokens_cache_read": total.cached_input_tokens,
        "input_tokens_cache_write": total.cache_write_tokens,
        "reasoning_tokens": total.reasoning_tokens,
        "total_cost": total.cost_usd,
    }
    return {runs[0].trial.model: told}


FORMAT = Format(_documents, many=True)
