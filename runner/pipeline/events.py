"""What happens while a run goes on: written beside the run, and told to whoever watches."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REPLAYED = "replayed"  # carries a `Replayed`


@dataclass(frozen=True)
class Event:
    """`kind` is one of: waiting, resumed, run, warning, phase, skipped, turn, snapshot, review_changed,
    failed_checks, downloads, packages, retry, replayed, sealed, probe, scored."""

    kind: str
    run: str
    data: dict[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]


class EventLog:
    """Tells a listener and appends to a file, one JSON line an event."""

    def __init__(self, path: Path, run: str, listen: Listener) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._run = run
        self._listen = listen

    def emit(self, kind: str, **data: Any) -> None:
        """One event, now."""
        line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "kind": kind, **data}
        self._file.write(json.dumps(line, default=str) + "\n")
        self._file.flush()
        self._listen(Event(kind, self._run, data))

    def close(self) -> None:
        """Write no more."""
        self._file.close()
