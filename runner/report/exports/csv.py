"""CSV (RFC 4180): one line a run, dimensions as columns, an empty cell where something is unknown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from runner.report.exports.kit.entry import Document, Entry, Format
from runner.report.exports.kit.rows import table

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _documents(entries: Sequence[Entry]) -> Iterator[Document]:
    columns, rows = table(entries)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    yield "runs.csv", text.getvalue().encode()


def _cell(value: Any) -> Any:
    """Models and providers wrote some of it: a spreadsheet must not take it for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


FORMAT = Format(_documents)
