"""What probes kept of a tree for people: pictures of its pages, logs, requests, timelines."""

from __future__ import annotations

from pathlib import Path

from runner.archive.archive import Archive
from runner.core.records import Run

FOLDER = "artifacts"


def artifacts_of(archive: Archive, run: Run) -> list[Path]:
    """The files kept of a run's tree, in the order of their names; none for a run without a tree."""
    folder = archive.root / FOLDER / run.tree if run.tree else None
    return sorted(p for p in folder.rglob("*") if p.is_file()) if folder and folder.is_dir() else []
