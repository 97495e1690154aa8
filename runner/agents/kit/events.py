"""Reading an agent's own log: JSON of which nothing is certain, for the model writes into it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runner.core.protocols import Step

KEPT_TEXT = 100_000
COMMAND_NAMES = ("command", "cmd", "script")


def json_lines(log: bytes) -> Iterator[dict[str, Any]]:
    """Every line that is a JSON object; others are skipped."""
    for line in log.splitlines():
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            yield event


def at(value: Any, *path: str) -> Any:
    """What lies at a path of names in nested objects; None if there is nothing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in an array; none if it is no array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def number(value: Any) -> int | None:
    """A whole number from 0 on, None for anything else."""
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53
    return value if whole else None


def total(*counts: int | None) -> int | None:
    """Their sum; None, unknown, as soon as one is."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def words(value: Any) -> str:
    """A text as it is; the texts of a list of content blocks; anything else as JSON; "" for nothing."""
    if isinstance(value, str):
        return value[:KEPT_TEXT]
    if isinstance(value, list) and all(isinstance(at(block, "text"), str) for block in value):
        return "\n".join(block["text"] for block in value)[:KEPT_TEXT]
    return "" if value is None else json.dumps(value)[:KEPT_TEXT]


def called(tool: Any, arguments: Any) -> Step:
    """A tool call: the command if it is one, else the arguments."""
    given: Mapping[str, Any] = arguments if isinstance(arguments, dict) else {}
    command = next((given[name] for name in COMMAND_NAMES if name in given), arguments)
    shown = " ".join(map(str, command)) if isinstance(command, list) else command
    return Step("called", words(shown), words(tool))
