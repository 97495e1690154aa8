"""A recommendation in words: what, why, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from runner.core.comparison import Recommendation
from runner.report.text import printable


def render(found: Recommendation, console: Console) -> None:
    """One line a reason."""
    for line, style in _lines(found):
        console.print(printable(line, console, style))
    for word, texts in (("because", found.reasons), ("but", found.doubts)):
        for text in texts:
            table = Table.grid(padding=(0, 1))
            table.add_column(width=9, justify="right")
            table.add_row(word, printable(text, console))
            console.print(table)


def _lines(found: Recommendation) -> Iterator[tuple[str, str]]:
    asked = ", ".join(f"{key}={value}" for key, value in found.shape.items())
    yield f"for tasks of {asked}, by evidence of {', '.join(found.tasks)}:", "dim"
    if found.model is None:
        yield "No recommendation.", "bold"
    else:
        how = "firmly" if found.firm else "tentatively"
        yield f"{found.model} with {found.agent} ({how})", "bold"
