"""Times and tool calls from a run's transcript, without reading what was said.

A line's request comes last and is most of it; it is cut off before the line is parsed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

_REQUEST = b',"request":'
_NEEDED = {"n", "phase", "at", "wall_s", "usage", "reply"}


def exchanges(transcript: Path) -> Iterator[dict[str, Any]]:
    """Each line without its request; lines that are no exchange are left out, as is a missing file."""
    if not transcript.is_file():
        return
    with transcript.open("rb") as lines:
        for line in lines:
            found = _parsed(line)
            if found is not None:
                yield found


def request_seconds(transcript: Path) -> tuple[list[float], list[float], int]:
    """Seconds of each request (every try is one), of each turn (all its tries and the waits between), and
    the number of tool calls in replies. What the gateway refused unsent is no request."""
    requests: list[float] = []
    turns: dict[tuple[str, int], tuple[float, float]] = {}
    calls = 0
    for line in exchanges(transcript):
        if not isinstance(line["usage"], dict) or not line["usage"].get("requests", 1):
            continue
        try:
            begin, wall_s = datetime.fromisoformat(line["at"]).timestamp(), float(line["wall_s"])
            calls += len((line["reply"] or {}).get("tool_calls") or ())
        except (ValueError, TypeError, AttributeError):
            continue  # a damaged line, which `verify` names
        requests.append(wall_s)
        turn = line["phase"], line["n"]
        first, last = turns.get(turn, (begin, begin))
        turns[turn] = min(first, begin), max(last, begin + wall_s)
    return requests, [round(last - first, 6) for first, last in turns.values()], calls


def _parsed(line: bytes) -> dict[str, Any] | None:
    head, cut, _ = line.partition(_REQUEST)
    for text in (head + b"}" if cut else line, line):
        try:
            found = json.loads(text)
        except ValueError:
            continue
        if isinstance(found, dict) and found.keys() >= _NEEDED:
            return found
    return None
