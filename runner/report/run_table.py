"""The table of all runs: two lines a run, so that it fits in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.core.records import Run, Score
from runner.report.text import count, duration, interval, money, printable

COLUMNS = (
    ("run", "model, agent, task, epoch"),
    ("tier, score", "status"),
    ("cost", "time"),
    ("requests", "tokens"),
)


def render(rows: Iterable[tuple[Run, Score | None]], console: Console) -> None:
    """Print it, in the order given."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for n, (upper, lower) in enumerate(COLUMNS):
        table.add_column(f"{upper}\n{lower}", justify="left" if n < 2 else "right", no_wrap=n > 0)
    for run, score in rows:
        cells = (_what(run), _grade(run, score), _price(run), _traffic(run))
        table.add_row(*(_two_lines(upper, lower, console) for upper, lower in cells))
    console.print(table if table.row_count else Text("There are no runs."))


def _two_lines(upper: str, lower: str, console: Console) -> Text:
    return Text("\n", overflow="fold").join([printable(upper, console, "bold"), printable(lower, console)])


def _what(run: Run) -> tuple[str, str]:
    trial = run.trial
    if run.replay_of is not None:
        return run.id, f"replay of {run.replay_of}"
    imported = f" (imported {run.imported.kind})" if run.imported else ""
    return run.id, f"{trial.model}, {trial.agent}, {trial.task}, {trial.epoch}{imported}"


def _grade(run: Run, score: Score | None) -> tuple[str, str]:
    grade = f"{score.tier or '?'} {interval(score.low, score.high)}" if score else "not scored"
    blame = f" ({run.failure.kind.value})" if run.failure else ""
    return grade, f"{run.status.value}{blame}"


def _price(run: Run) -> tuple[str, str]:
    return money(run.usage.cost_usd), "unknown" if run.imported else duration(run.wall_s)


def _traffic(run: Run) -> tuple[str, str]:
    usage = run.usage
    known = usage.input_tokens is not None and usage.output_tokens is not None
    total = (usage.input_tokens or 0) + (usage.output_tokens or 0) if known else None
    return count(None if run.imported else usage.requests), count(total)
