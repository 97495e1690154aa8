"""What a sealed transcript says of requests and turns, read once: a transcript never changes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from runner.archive.archive import Archive
from runner.archive.traffic import request_seconds
from runner.core.records import Run
from runner.stats.samples import Traffic

FOLDER, TRANSCRIPT = "traffic", "transcript.jsonl"
_FORM = 1  # of what is kept; raise it when it is reckoned otherwise


def traffic_of(archive: Archive, run: Run, cache: Path) -> Traffic | None:
    """None of a run that asked nothing. What is kept below `cache` is named by the transcript's digest."""
    digest = run.files.get(TRANSCRIPT)
    kept = cache / FOLDER / f"{digest}.{_FORM}.json" if digest else None
    if kept is not None and (known := _known(kept)) is not None:
        return known if known.request_s else None
    requests, turns, calls = request_seconds(archive.folder(run) / TRANSCRIPT)
    found = Traffic(request_s=tuple(requests), turn_s=tuple(turns), tool_calls=calls)
    if kept is not None:
        _keep(kept, found)
    return found if requests else None


def _known(kept: Path) -> Traffic | None:
    try:
        return Traffic.model_validate_json(kept.read_bytes())
    except (OSError, ValidationError):
        return None


def _keep(kept: Path, found: Traffic) -> None:
    """A cache that cannot be written only costs time."""
    beside = kept.with_suffix(f".{os.getpid()}.new")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(found.model_dump_json())
        beside.replace(kept)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
