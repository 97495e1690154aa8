"""A transcript as steps, whatever wire format it was in: what was asked, replied, called and observed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.report.site.conversation import MODEL_ROLES, blocks, history, identity

LINE_BYTES = 64_000_000


@dataclass(frozen=True)
class Call:
    """A tool call; `arguments` that are no JSON object stand under the name `input`."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass
class Step:
    """`source`: system, user or agent. `results`: what came back of an agent's calls, by the call's id.

    Token counts and cost are None where they are unknown, and of steps that are not the agent's.
    """

    source: str
    text: str
    phase: str
    at: str | None = None
    wall_s: float | None = None
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    results: list[tuple[str | None, str]] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    cost_usd: float | None = None


def read_steps(path: Path) -> list[Step]:
    """Of a transcript, in order. What a later request repeats is told once; failed tries are left out."""
    steps: list[Step] = []
    seen: dict[str, Counter[str]] = {}
    for record in _records(path):
        phase = str(record.get("phase"))
        for item in _new(history(record.get("request")), seen.setdefault(phase, Counter())):
            _add_sent(steps, item, phase, record.get("at"))
        reply = record.get("reply")
        if isinstance(reply, dict) and not reply.get("error") and (record.get("status") or 0) < 400:
            steps.append(_reply(record, reply, phase, len(steps)))
    return steps


def _records(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file() or path.is_symlink():
        return
    with path.open("rb") as file:
        while line := file.readline(LINE_BYTES):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def _new(items: list[Any], seen: Counter[str]) -> list[Any]:
    """Those that no earlier request of the phase had; a repeated text counts as often as it stands there."""
    here: Counter[str] = Counter()
    fresh = []
    for item in items:
        name = identity(item)
        here[name] += 1
        if here[name] > seen[name]:
            seen[name] = here[name]
            fresh.append(item)
    return fresh


def _add_sent(steps: list[Step], item: Any, phase: str, at: Any) -> None:
    """What the agent sent: results join the calls they answer, the model's own words are there already."""
    if isinstance(item, dict) and item.get("role") in MODEL_ROLES:
        return
    results = list(_results(item))
    for call, text in results:
        _observed(steps, call, text, phase)
    shown = [block for block in blocks(item) if block.kind in ("system", "user")]
    if shown:
        text = "\n".join(block.text for block in shown)
        steps.append(Step(shown[0].kind, text, phase, at if isinstance(at, str) else None))


def _observed(steps: list[Step], call: str | None, text: str, phase: str) -> None:
    agents = [step for step in reversed(steps) if step.source == "agent" and step.phase == phase]
    for step in agents:
        answered = {known for known, _ in step.results}
        for each in step.calls:
            if call in (each.id, each.name) and each.id not in answered:
                step.results.append((each.id, text))
                return
    if agents:
        agents[0].results.append((None, text))
    else:
        steps.append(Step("user", text, phase))


def _results(item: Any) -> Iterator[tuple[str | None, str]]:
    """(call's id or, in Gemini's format, the function's name; text) of every tool result in an item."""
    if not isinstance(item, dict):
        return
    if item.get("type") == "function_call_output" or item.get("role") == "tool":
        yield _id(item.get("call_id") or item.get("tool_call_id")), _told(item)
        return
    parts = item.get("content", item.get("parts"))
    for part in parts if isinstance(parts, list) else []:
        if not isinstance(part, dict):
            continue
        answered = part.get("functionResponse")
        if part.get("type") == "tool_result":
            yield _id(part.get("tool_use_id")), _told({"content": [part]})
        elif isinstance(answered, dict):
            yield _id(answered.get("id") or answered.get("name")), _told({"parts": [part]})


def _told(item: dict[str, Any]) -> str:
    return "\n".join(block.text for block in blocks(item) if block.kind == "result")


def _id(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _reply(record: dict[str, Any], reply: dict[str, Any], phase: str, number: int) -> Step:
    listed = [each for each in reply.get("tool_calls") or [] if isinstance(each, dict)]
    usage, cost, wall_s = record.get("usage"), record.get("cost_usd"), record.get("wall_s")
    at = record.get("at")
    return Step(
        "agent",
        str(reply.get("text") or ""),
        phase,
        at if isinstance(at, str) else None,
        float(wall_s) if isinstance(wall_s, int | float) else None,
        reasoning=str(reply.get("reasoning") or ""),
        calls=tuple(_call(each, f"step_{number}_call_{n}") for n, each in enumerate(listed, 1)),
        usage=usage if isinstance(usage, dict) else {},
        cost_usd=float(cost) if isinstance(cost, int | float) else None,
    )


def _call(call: dict[str, Any], otherwise: str) -> Call:
    arguments = call.get("arguments")
    try:
        values = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        values = arguments
    given = values if isinstance(values, dict) else {} if values in (None, "") else {"input": values}
    return Call(_id(call.get("id")) or otherwise, str(call.get("name") or "unknown"), given)
