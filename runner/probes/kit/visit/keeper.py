"""What people may want to see of a visit: pictures, the wire, what happened when, the app's log."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from runner.probes.kit.lab.browser import BrowserError, Report, Visitor
from runner.probes.kit.lab.lab import Lab
from runner.probes.kit.lab.stub import Request

_KEPT_EVENTS = 2000
_MAX_LINE, _MAX_FILE = 20_000, 900_000


class Keeper:
    """A folder of one visit among the artifacts of a tree: `<probe>-<version>/<try>`; nowhere for None."""

    def __init__(self, artifacts: Path | None, name: str) -> None:
        self._folder = artifacts / name if artifacts else None

    async def picture(self, visitor: Visitor, name: str, narrow: bool = False) -> None:
        """A PNG of a visitor's screen; one that cannot be taken is no news."""
        if self._folder is None:
            return
        with suppress(BrowserError):
            png = await visitor.shot(narrow)
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{name}.png").write_bytes(png)

    def timeline(self, reports: dict[str, Report], requests: Sequence[Request]) -> None:
        """What each visitor did and saw, and what the provider was asked, in the order of time."""
        seen = [{"who": name, **_short(event)} for name, report in reports.items() for event in report.events]
        asked = [
            {"who": "app", "at": asks.at, "what": "asks", "host": asks.host, "path": asks.path}
            for asks in requests
        ]
        events = sorted([*seen, *asked], key=lambda event: float(event["at"]))
        keep_lines(self._folder, "timeline.jsonl", [json.dumps(event) for event in events[:_KEPT_EVENTS]])

    def log(self, lab: Lab) -> None:
        """The app's log, and every request that its provider got."""
        lab.log.keep(self._folder, "app.log")
        keep_lines(self._folder, "wire.jsonl", lab.provider.lines)


def keep_lines(folder: Path | None, name: str, lines: Sequence[str]) -> None:
    """JSON lines up to a bound; one that is too long keeps its beginning. Nowhere for None."""
    if folder is None:
        return
    short = [line if len(line) <= _MAX_LINE else json.dumps({"cut": line[:_MAX_LINE]}) for line in lines]
    sizes = itertools.accumulate(len(line) for line in short)
    kept = [line for line, size in zip(short, sizes, strict=True) if size <= _MAX_FILE]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _short(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value[:300] if isinstance(value, str) else value for name, value in event.items()}
