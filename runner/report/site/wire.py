"""What the probed app sent to the stand-in provider, as the lab recorded it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.report.site.conversation import Block, blocks, history
from runner.report.site.visible import bounded

MAX_REQUESTS = 300
MAX_BYTES = 8_000_000
BODY_CHARACTERS = 12_000
_FIELD = re.compile(r'"(n|at|at_s|method|host|path|model)": ("(?:[^"\\]|\\.)*"|[\d.]+)')


@dataclass(frozen=True)
class Request:
    """One request on the wire. `at_s` counts from the start of the lab, or from the first request."""

    number: int
    at_s: float | None
    method: str
    host: str
    path: str
    model: str
    answer: str
    reply: str
    messages: tuple[Block, ...]
    body: str


@dataclass(frozen=True)
class Timeline:
    """All requests of one file; `name` is the file's, `end_s` the last one's time."""

    name: str
    requests: tuple[Request, ...]

    @property
    def end_s(self) -> float:
        """Seconds from the start to the last request, never 0."""
        return max((r.at_s or 0 for r in self.requests), default=0) or 1.0


def timelines(artifacts: Path | None) -> list[Timeline]:
    """Of every `*wire.jsonl` among a tree's artifacts that has a request."""
    if artifacts is None or not artifacts.is_dir():
        return []
    files = [p for p in sorted(artifacts.rglob("*wire.jsonl")) if p.is_file() and not p.is_symlink()]
    found = [Timeline(_title(path.relative_to(artifacts)), tuple(_requests(path))) for path in files]
    return [timeline for timeline in found if timeline.requests]


def _title(path: Path) -> str:
    """`visit, start 2` of visit-1/2/wire.jsonl, `failed turn` of failed_turn-1.wire.jsonl."""
    parts = [part.removesuffix("wire.jsonl").rstrip(".") for part in path.parts]
    probe, *starts = [part for part in parts if part] or ["wire"]
    name, _, number = probe.rpartition("-")
    start = starts[0] if starts else number if path.name != path.parts[0] else ""
    told = (name if name and number.isdigit() else probe).replace("_", " ")
    return f"{told}, start {start}" if start not in ("", "1") else told


def _requests(path: Path) -> Iterator[Request]:
    """Each request with what was answered; times count from the first of them."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES)
    records = [record for line in content.splitlines() if (record := _record(line)) is not None]
    answers = {record["answered"]: record for record in records if isinstance(record.get("answered"), int)}
    asked = [record for record in records if "answered" not in record][:MAX_REQUESTS]
    moments = [at for record in asked if (at := _seconds(record.get("at"))) is not None]
    for number, record in enumerate(asked, 1):
        yield _request(record, number, answers.get(record.get("n"), {}), min(moments, default=0.0))


def _record(line: bytes) -> dict[str, Any] | None:
    """A line as it was written, or of one that was cut off what its beginning still tells."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return _beginning(line.decode("utf-8", "replace"))
    if isinstance(found, dict) and isinstance(found.get("cut"), str):
        return _beginning(found["cut"])
    return found if isinstance(found, dict) else None


def _beginning(text: str) -> dict[str, Any] | None:
    known: dict[str, Any] = {}
    for name, value in _FIELD.findall(text):
        with suppress(ValueError):
            known.setdefault(name, json.loads(value))
    return {**known, "cut": True} if "method" in known else None


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _request(record: dict[str, Any], number: int, answer: dict[str, Any], began: float) -> Request:
    body, at = record.get("body"), _seconds(record.get("at"))
    at_s = _seconds(record.get("at_s"))
    sent = [block for item in history(body) for block in blocks(item)]
    model = body.get("model") if isinstance(body, dict) else record.get("model")
    shown = (
        json.dumps(body, indent=1, ensure_ascii=False)
        if "cut" not in record
        else "(cut off where it was kept)"
    )
    return Request(
        number=number,
        at_s=at_s if at_s is not None else None if at is None else at - began,
        method=str(record.get("method") or ""),
        host=str(record.get("host") or ""),
        path=str(record.get("path") or ""),
        model=str(model or ""),
        answer=_answer(record) or _answer(answer),
        reply=bounded(str(record.get("reply") or ""), 2_000),
        messages=tuple(Block(b.kind, bounded(b.text, 2_000), b.name) for b in sent[:40]),
        body=bounded(shown, BODY_CHARACTERS),
    )


def _answer(record: dict[str, Any]) -> str:
    """What the stand-in answered, if the record says so: a status, a fault, or both."""
    known = [record.get(key) for key in ("status", "kind", "answer", "fault", "scenario")]
    return ", ".join(str(value) for value in known if isinstance(value, str | int) and value != "")
