"""Showing what is going on: one living line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def shown(console: Console) -> Iterator[Callable[[str], None]]:
    """A callback for lines of progress; on a terminal the last one stays alive with its own clock."""
    if not console.is_terminal:
        yield lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True)
        return
    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as display:

        def show(line: str) -> None:
            for task in display.task_ids:
                display.remove_task(task)
            display.add_task(line, total=None)

        yield show


SILENT_S = 2.0


@contextmanager
def counted(console: Console, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A callback for how many more are done (of how many, if that is known); what is over within two seconds
    says nothing."""
    count, said = 0, time.monotonic()
    with shown(console) as progress:

        def add(more: int) -> None:
            nonlocal count, said
            count += more
            if time.monotonic() - said >= SILENT_S and (total is None or count < total):
                said = time.monotonic()
                progress(f"{what}: {count:,} {'' if total is None else f'of {total:,} '}runs")

        yield add
