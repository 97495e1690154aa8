"""A replay beside the run that it replays: totals, the first divergence, the produced files."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.core.records import Run
from runner.core.replay import METERS, Divergence, Replay
from runner.report.text import count, money, printable

MOST_FILES = 5


def render(replay: Replay, console: Console) -> None:
    """Print it, in 80 columns or more."""
    console.print(printable(f"replay of {replay.original.id}", console, "bold"))
    console.print(_totals(replay))
    for name, value in _verdicts(replay):
        console.print(Text.assemble((f"{name:<11} ", "dim"), printable(value, console)), soft_wrap=True)


def _totals(replay: Replay) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for n, title in enumerate(("", "recorded", "replayed", "")):
        table.add_column(title, justify="right" if n in (1, 2) else "left", no_wrap=True)
    for meter in METERS:
        mark = "differs" if meter in replay.differing_meters else ""
        name = meter.removesuffix("_usd").replace("_", " ")
        table.add_row(name, _total(replay.original, meter), _total(replay.run, meter), mark)
    return table


def _total(run: Run, meter: str) -> str:
    value = getattr(run.usage, meter)
    return money(value) if meter == "cost_usd" else count(value)


def _verdicts(replay: Replay) -> Iterator[tuple[str, str]]:
    yield "totals", "equal" if not replay.differing_meters else "not equal"
    yield (
        "files",
        f"the same (tree {replay.run.tree})" if replay.same_tree else _changed(replay.differing_files),
    )
    if replay.replayed is None:
        yield "divergence", "unknown: the replay did not get as far as to say"
        return
    replayed = replay.replayed
    yield "replies", f"{replayed.as_recorded} of {replayed.requests} to just the recorded request"
    yield from _divergence(replayed.divergence)


def _changed(paths: tuple[str, ...]) -> str:
    listed = ", ".join(paths[:MOST_FILES])
    more = f" and {len(paths) - MOST_FILES} more" if len(paths) > MOST_FILES else ""
    return f"{len(paths)} not the same: {listed}{more}"


def _divergence(divergence: Divergence | None) -> Iterator[tuple[str, str]]:
    if divergence is None:
        yield "divergence", "none"
        return
    yield "divergence", divergence.message
    if divergence.where is not None:
        yield "recorded", divergence.was or ""
        yield "replayed", divergence.now or ""
