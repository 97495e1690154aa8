"""Append-only JSON lines: the transcript and the log of downloads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runner.gateway.metering.ledger import Exchange
from runner.gateway.recording.redaction import Redactor
from runner.gateway.wire import Reply


class JsonLines:
    """One line a record, each written at once, so that a killed runner leaves only whole lines.

    The redactor passes over every line. Writing raises OSError when the disk is full.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._file = path.open("ab", buffering=0)
        self._redactor = redactor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, record: dict[str, Any], **bodies: bytes) -> None:
        """`bodies` are further fields, already JSON, spliced in as they are if they fit on one line."""
        parts = [_dumps(record)[:-1]]
        for name, body in bodies.items():
            parts += [b',"%s":' % name.encode(), _on_one_line(body)]
        self._file.write(self._redactor.clean(b"".join([*parts, b"}\n"])))


def exchange_record(exchange: Exchange, reply: Reply | None) -> dict[str, Any]:
    """A transcript line but for the request body. Headers are never part of it."""
    record = asdict(exchange) | {"at": exchange.at.isoformat()}
    usage = exchange.usage.model_dump()
    record["cost_usd"] = usage.pop("cost_usd")
    record["usage"] = usage
    record["reply"] = asdict(reply) if reply else None
    return record


def _on_one_line(body: bytes) -> bytes:
    return body if b"\n" not in body and b"\r" not in body else _dumps(json.loads(body))


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
