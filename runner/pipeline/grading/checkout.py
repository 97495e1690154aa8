"""A run's produced files: read for probing, or written out for people."""

from __future__ import annotations

from pathlib import Path

from runner.archive.archive import Archive
from runner.archive.repository import open_repository, write_out
from runner.core.errors import UserError
from runner.core.records import Run
from runner.core.tree import SourceTree


def read_tree(archive: Archive, run: Run) -> SourceTree:
    """The files of the tree a run is graded on. Raises UserError if it left none."""
    if run.tree is None:
        raise UserError(f"{run.id} left no repository")
    repository = open_repository(archive.folder(run) / "repo.git")
    try:
        return repository.read(run.tree)
    finally:
        repository.close()


def check_out(archive: Archive, run: Run, target: Path) -> list[str]:
    """Write them into a new or empty folder, as data; returns what was left out, with reasons."""
    return write_out(read_tree(archive, run), target)
