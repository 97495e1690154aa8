"""What a format gets, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.core.records import Run, Score


@dataclass(frozen=True)
class Entry:
    """A run with its latest score, or why it has none; `folder` holds its sealed files."""

    run: Run
    score: Score | None
    why_not: str | None
    folder: Path


Document = tuple[str, bytes]
"""A file's name and content."""


@dataclass(frozen=True)
class Format:
    """`documents` makes one file of all runs or, if `many`, a folder of files whose names are its own.

    `binary`: nothing to print in a terminal.
    """

    documents: Callable[[Sequence[Entry]], Iterable[Document]]
    many: bool = False
    binary: bool = False
