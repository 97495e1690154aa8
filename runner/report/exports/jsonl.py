"""JSON lines: one object a run, with the columns of the CSV; null where something is unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from runner.report.exports.kit.entry import Document, Entry, Format
from runner.report.exports.kit.rows import table


def _documents(entries: Sequence[Entry]) -> Iterator[Document]:
    _, rows = table(entries)
    yield "runs.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows).encode()


FORMAT = Format(_documents)
