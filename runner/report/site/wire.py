"""What the probed app sent to the stand-in provider, as the lab recorded it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.report.site.conversation import Block, blocks, history
from runner.report.site.visible import bounded

MAX_REQUESTS = 300
MAX_BYTES = 8_000_000
BODY_CHARACTERS = 12_000


@dataclass(frozen=True)
class Request:
    """One request on the wire. `at_s` counts from the start of the lab."""

    number: int
    at_s: float | None
    method: str
    host: str
    path: str
    model: str
    answer: str
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
    """Of every `*.wire.jsonl` among a tree's artifacts."""
    if artifacts is None or not artifacts.is_dir():
        return []
    files = [p for p in sorted(artifacts.rglob("*.wire.jsonl")) if p.is_file() and not p.is_symlink()]
    return [Timeline(path.name, tuple(_requests(path))) for path in files]


def _requests(path: Path) -> Iterator[Request]:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES)
    for number, line in enumerate(content.splitlines()[:MAX_REQUESTS], 1):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield _request(record, number)


def _request(record: dict[str, Any], number: int) -> Request:
    body = record.get("body")
    at_s = record.get("at_s")
    sent = [block for item in history(body) for block in blocks(item)]
    return Request(
        number=number,
        at_s=float(at_s) if isinstance(at_s, int | float) else None,
        method=str(record.get("method") or ""),
        host=str(record.get("host") or ""),
        path=str(record.get("path") or ""),
        model=str(body.get("model") or "") if isinstance(body, dict) else "",
        answer=_answer(record),
        messages=tuple(Block(b.kind, bounded(b.text, 2_000), b.name) for b in sent[:40]),
        body=bounded(json.dumps(body, indent=1, ensure_ascii=False), BODY_CHARACTERS),
    )


def _answer(record: dict[str, Any]) -> str:
    """What the stand-in answered, if the record says so: a status, a fault, or both."""
    known = [record.get(key) for key in ("status", "answer", "fault", "scenario")]
    return ", ".join(str(value) for value in known if isinstance(value, str | int) and value != "")
