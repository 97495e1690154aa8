"""What a format gets, and what it gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.core.records import Finding, Run, Score


@dataclass(frozen=True)
class Entry:
    """A run with its latest score, or why it has none; `folder` holds its sealed files.

    `findings` are of every check that the score's rubric names, where the format asks for them and the
    evidence of the score is at hand; else of none.
    """

    run: Run
    score: Score | None
    why_not: str | None
    folder: Path
    findings: tuple[Finding, ...] = ()


Document = tuple[str, bytes]
"""A file's name and content."""


def json_document(value: Any) -> bytes:
    """JSON for strict readers: halves of characters, which transcripts can hold, are replaced."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


@dataclass(frozen=True)
class Format:
    """`documents` makes one file of all runs or, if `many`, a folder of files whose names are its own.

    `binary`: nothing to print in a terminal. `by_check`: it tells every check's finding.
    """

    documents: Callable[[Sequence[Entry]], Iterable[Document]]
    many: bool = False
    binary: bool = False
    by_check: bool = False
