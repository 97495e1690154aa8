"""Standings in the terminal: two lines a contestant, so that it fits in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.report.site.entries import Standing
from runner.report.text import duration, money, printable

COLUMNS = (
    ("rank", ""),
    ("model", "agent, trials"),
    ("mean", "95 %"),
    ("tier", "odds in %"),
    ("cost", "time"),
)
NOTES = (
    "Ranks that overlap are ties: the difference is not more than chance. A mean counts every task the same; "
    "its interval resamples tasks, then trials; of fewer than five it is too narrow. A model's own failure "
    "that left nothing is 0 points; failures of infrastructure never count. Cost and time are of one run on "
    "average. More: --by work, --by dimension, --details."
)


def render(standings: Sequence[Standing], console: Console, details: bool = False) -> None:
    """Print each scope's table, best first, and with `details` what else is known of each."""
    if not standings:
        console.print("There are no runs. Make some: shipworthy run --model demo/a --epochs 3", markup=False)
        return
    for scope, members in groupby(standings, key=lambda s: s.scope):
        group = list(members)
        console.print(printable(scope or "all tasks", console, "bold"))
        console.print(_table(group, console))
        for standing in group if details else ():
            _print_details(standing, console)
        console.print()
    console.print(NOTES, style="dim", markup=False, highlight=False)


def _table(group: Sequence[Standing], console: Console) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for n, (upper, lower) in enumerate(COLUMNS):
        table.add_column(f"{upper}\n{lower}", justify="right" if n == 4 else "left", no_wrap=n != 1)
    for standing in group:
        table.add_row(*(_two_lines(upper, lower, console) for upper, lower in _cells(standing)))
    return table


def _two_lines(upper: str, lower: str, console: Console) -> Text:
    return Text("\n", overflow="fold").join([printable(upper, console, "bold"), printable(lower, console)])


def _cells(standing: Standing) -> Iterator[tuple[str, str]]:
    yield _rank(standing), ""
    yield standing.model, f"{standing.agent}, {standing.coverage}"
    yield "no score" if standing.mean is None else f"{standing.mean:.1f}", _interval(standing)
    odds = " ".join(f"{tier}{odd * 100:.0f}" for tier, odd in standing.tier_odds.items() if odd > 0)
    yield standing.tier or "-", odds
    yield money(standing.cost_usd), "unknown" if standing.wall_s is None else duration(standing.wall_s)


def _rank(standing: Standing) -> str:
    if standing.rank_low is None or standing.rank_high is None:
        return "-"
    same = standing.rank_low == standing.rank_high
    return f"{standing.rank_low}" if same else f"{standing.rank_low}-{standing.rank_high}"


def _interval(standing: Standing) -> str:
    if standing.scored < 2:
        return "one trial" if standing.scored else ""
    return "" if standing.low is None else f"[{standing.low:.1f}, {standing.high:.1f}]"


def _print_details(standing: Standing, console: Console) -> None:
    console.print()
    console.print(printable(f"{standing.model} with {standing.agent}", console, "bold"))
    facts = {"No tier": standing.why_not} if standing.why_not and not standing.tier else {}
    for name, text in (facts | dict(standing.more)).items():
        table = Table.grid(padding=(0, 2))
        table.add_column(width=40)
        table.add_row(name, printable(text, console))
        console.print(table)
