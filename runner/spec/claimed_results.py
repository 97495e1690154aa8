"""`result.json` of the public benchmark this one follows: what it says of a run, read as claims.

Three forms are known: one of opencode (`model.id`, `tokens`, phases), one of Claude Code (`main_model`,
`usage_total`), and one with totals over phases (`slug`, `harness`, `cost_usd_total`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.core.errors import SpecError
from runner.core.records import UNKNOWN_USAGE, Usage

NAME = "result.json"
MAX_BYTES = 20_000_000


@dataclass(frozen=True)
class ClaimedResult:
    """What such a file claims; nobody measured it here. None is what it does not say."""

    model: str
    agent: str | None
    status: str
    started: datetime | None
    finished: datetime | None
    wall_s: float | None
    usage: Usage


def read_result(path: Path) -> ClaimedResult:
    """Raises SpecError naming file and field if it is none of the known forms."""
    try:
        data = json.loads(path.read_bytes()[: MAX_BYTES + 1])
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(data, dict):
        raise SpecError(f"{path}: is not an object")
    model = _text(_of(data, "model", "id")) or _text(data.get("main_model")) or _text(data.get("slug"))
    if model is None:
        raise SpecError(f"{path}: names no model: none of model.id, main_model and slug is a text")
    command = data.get("command")
    first = command[0] if isinstance(command, list) and command else None
    try:
        return ClaimedResult(
            model=model,
            agent=_text(data.get("harness")) or _text(first),
            status=_status(data),
            started=_time(path, data, "started_at") or _time(path, _phases(data, 0), "started_at"),
            finished=_time(path, data, "ended_at"),
            wall_s=_number(data, "elapsed_seconds_total", "elapsed_seconds"),
            usage=_usage(data),
        )
    except ValueError as error:
        raise SpecError(f"{path}: {error}") from error


def _status(data: Mapping[str, Any]) -> str:
    if said := _text(data.get("status")):
        return said
    phases = [phase for phase in data.get("phases") or () if isinstance(phase, dict)]
    ok = phases and all(phase.get("exit_code") == 0 and not phase.get("timed_out") for phase in phases)
    return "completed" if ok else "unknown"


def _usage(data: Mapping[str, Any]) -> Usage:
    """Input tokens include those read from and written to the cache, as they do everywhere here."""
    if isinstance(total := data.get("usage_total"), dict):
        cache = _count(total, "cache_read_input_tokens"), _count(total, "cache_creation_input_tokens")
        return _added(_count(total, "input_tokens"), cache, _count(total, "output_tokens"), None, data)
    tokens = data.get("tokens")
    # Its top level has the last phase's tokens only.
    each = [
        p["tokens"] for p in data.get("phases") or () if isinstance(p, dict) and _is_tokens(p.get("tokens"))
    ]
    each = each or ([tokens] if _is_tokens(tokens) else [])
    usage = Usage(requests=0) if each else UNKNOWN_USAGE.model_copy(update={"requests": 0})
    for part in each:
        cache = part.get("cache") if isinstance(part.get("cache"), dict) else {}
        caches = _count(cache, "read"), _count(cache, "write")
        reasoning = _count(part, "reasoning")
        usage += _added(_count(part, "input"), caches, _count(part, "output"), reasoning, {})
    return usage.model_copy(update={"cost_usd": _number(data, "total_cost_usd", "cost_usd_total")})


def _is_tokens(value: Any) -> bool:
    return isinstance(value, dict)


def _added(
    read: int | None,
    cache: tuple[int | None, int | None],
    out: int | None,
    reasoning: int | None,
    data: Mapping[str, Any],
) -> Usage:
    known = [n for n in (read, *cache) if n is not None]
    return Usage(
        requests=0,
        input_tokens=sum(known) if read is not None else None,
        cached_input_tokens=cache[0],
        cache_write_tokens=cache[1],
        output_tokens=out,
        reasoning_tokens=reasoning,
        cost_usd=_number(data, "total_cost_usd", "cost_usd_total"),
    )


def _phases(data: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    phases = data.get("phases")
    found = phases[number] if isinstance(phases, list) and len(phases) > number else {}
    return found if isinstance(found, dict) else {}


def _of(data: Mapping[str, Any], *path: str) -> Any:
    value: Any = data
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _number(data: Mapping[str, Any], *names: str) -> float | None:
    for name in names:
        value = data.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12:
            return float(value)
    return None


def _count(data: Mapping[str, Any], name: str) -> int | None:
    value = data.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _time(path: Path, data: Mapping[str, Any], name: str) -> datetime | None:
    said = _text(data.get(name))
    if said is None:
        return None
    at = datetime.fromisoformat(said)
    if at.tzinfo is None:
        raise ValueError(f"{name}: {said!r} says no time zone")
    return at
