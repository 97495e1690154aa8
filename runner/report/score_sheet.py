"""The score sheet of one run: its grade, and where each lost point was lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import ceil, floor

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from runner.core.records import (
    AppliedDeduction,
    Calibration,
    DimensionScore,
    Disagreement,
    Failure,
    Finding,
    Imported,
    Improvement,
    Location,
    Outcome,
    Run,
    Score,
)
from runner.report.phase_results import calibration_table, improvement_lines
from runner.report.text import count, duration, interval, money, printable, tokens

BAR_WIDTH = 25
MAX_LOCATIONS = 5
ORDINARY = ("done", "nothing_to_repair")


def render(
    run: Run,
    score: Score | None,
    console: Console,
    calibration: Calibration | None = None,
    improvements: Sequence[Improvement] = (),
) -> None:
    """Print it, in 80 columns or more; colour adds nothing that is not also written."""
    console.print(_header(run, score, console))
    if run.imported:
        console.print(printable(imported_words(run.imported), console, "yellow"))
    for phase in (p for p in run.phases if p.stopped_by not in ORDINARY):
        ended = f"Phase {phase.id} was ended by: {phase.stopped_by.replace('_', ' ')}."
        console.print(printable(ended, console, "yellow"))
    for disagreement in run.disagreements:
        console.print(_disagreement(disagreement, console))
    if run.failure:
        console.print(_failure(run.failure, console))
    if score is None:
        console.print(Text("This run has not been scored.", "bold"))
        return
    render_score(score, console)
    if calibration:
        console.print(calibration_table(calibration, console))
    if improvements:
        console.print(improvement_lines(improvements, console))
    for phase in (p for p in run.phases if p.stopped_by == "nothing_to_repair"):
        console.print(printable(f"Phase {phase.id} was skipped: nothing had failed.", console))


def render_score(score: Score, console: Console) -> None:
    """The grade alone, with every lost point."""
    console.print(_grade(score, console))
    console.print(_bars(score.dimensions, console))
    for dimension in score.dimensions:
        if dimension.applied or dimension.unknown:
            console.print(_dimension(dimension, console))
    if score.ceilings:
        console.print(_ceilings(score.ceilings, console))


def imported_words(imported: Imported) -> str:
    """That nothing was metered, and what is claimed."""
    said = [f"status {imported.status}"] if imported.status else []
    said += [duration(imported.wall_s)] if imported.wall_s is not None else []
    if imported.usage:
        said += [tokens(imported.usage), f"cost {money(imported.usage.cost_usd)}"]
    claims = f" Claimed, not metered: {', '.join(said)}." if said else ""
    return f"Imported {imported.kind} from {imported.source}; made elsewhere, nothing was metered.{claims}"


def _header(run: Run, score: Score | None, console: Console) -> RenderableType:
    facts = [
        ("model", run.trial.model),
        ("status", run.status.value),
        ("agent", f"{run.trial.agent} {run.trial.agent_version}"),
        ("rubric", score.rubric if score else "none"),
        ("task", run.trial.task),
        ("cost", money(run.usage.cost_usd)),
        ("epoch", str(run.trial.epoch)),
        ("time", "unknown" if run.imported else duration(run.wall_s)),
    ]
    pairs = [(Text(name, "dim"), printable(value, console)) for name, value in facts]
    grid = Table.grid(padding=(0, 2), expand=True)
    for ratio in (None, 1, None, 1):
        grid.add_column(ratio=ratio)
    for left, right in zip(pairs[::2], pairs[1::2], strict=True):
        grid.add_row(*left, *right)
    origin = [printable(f"replay of {run.replay_of}", console)] if run.replay_of else []
    return Group(
        printable(run.id, console, "bold"),
        *origin,
        grid,
        Text.assemble(
            ("usage  ", "dim"),
            f"{count(None if run.imported else run.usage.requests)} requests, {tokens(run.usage)} tokens",
        ),
    )


def _disagreement(disagreement: Disagreement, console: Console) -> RenderableType:
    """Two figures for one meter; the ledger's counts."""
    show = money if disagreement.meter == "cost_usd" else _counted
    ledger, other = show(disagreement.ledger), show(disagreement.other)
    by = "our prices give" if disagreement.source == "provider" else "the agent's own log says"
    told = f"{disagreement.meter} of phase {disagreement.phase}: {ledger} in the ledger, {by} {other}"
    return printable(told, console, "yellow")


def _counted(number: float) -> str:
    return count(round(number))


def _failure(failure: Failure, console: Console) -> RenderableType:
    text = f"The run failed. Cause: {failure.kind.value} ({failure.code}). {failure.message}"
    return Padding(printable(text, console, "bold red"), (1, 0, 0, 0))


def _grade(score: Score, console: Console) -> RenderableType:
    whole = sum(d.points for d in score.dimensions)
    grade = printable(f"TIER {score.tier or 'UNDECIDED'}", console, "bold")
    points = f"{interval(score.low, score.high)} of {whole:g} points"
    return Panel(Text.assemble(grade, "   ", (points, "bold")), expand=False, padding=(1, 6))


def _bars(dimensions: Iterable[DimensionScore], console: Console) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for dimension in dimensions:
        points = f"{interval(dimension.low, dimension.high)} / {dimension.points:g}"
        grid.add_row(printable(dimension.title, console), _bar(dimension, console), Text(points))
    return grid


def _bar(dimension: DimensionScore, console: Console) -> Text:
    """Kept, undecided and lost points; a point lost or undecided shows, however small its share."""
    kept, undecided, lost = "#?." if console.options.ascii_only else "█▒░"
    low = floor(dimension.low * BAR_WIDTH / dimension.points)
    high = max(low, BAR_WIDTH - ceil((dimension.points - dimension.high) * BAR_WIDTH / dimension.points))
    if dimension.low < dimension.high and low == high:
        low = max(0, low - 1)
        high = low + 1
    return Text.assemble(
        (kept * low, "green"), (undecided * (high - low), "yellow"), (lost * (BAR_WIDTH - high), "dim")
    )


def _dimension(dimension: DimensionScore, console: Console) -> RenderableType:
    heading = printable(dimension.title, console, "bold")
    heading.append(f"  {interval(dimension.low, dimension.high)} / {dimension.points:g}", "bold")
    certain = [_entry(d, console) for d in dimension.applied]
    possible = [_entry(d, console, "?") for d in dimension.unknown]
    undecided = [Text("could not be decided:", "yellow"), *possible] if possible else []
    return Padding(Group(heading, *certain, *undecided), (1, 0, 0, 0))


def _ceilings(ceilings: Iterable[AppliedDeduction], console: Console) -> RenderableType:
    entries = [
        _entry(c, console, "?" if any(f.outcome is Outcome.UNKNOWN for f in c.findings) else "")
        for c in ceilings
    ]
    heading = Text("Ceilings of the total (? could not be decided)", "bold")
    return Padding(Group(heading, *entries), (1, 0, 0, 0))


def _entry(deduction: AppliedDeduction, console: Console, doubt: str = "") -> RenderableType:
    """The points on the left; reason, findings and places on the right."""
    mark = f"-{deduction.points:g}{doubt}" if deduction.points else f"0{doubt}"
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", min_width=6, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(mark, "bold"), printable(deduction.because, console))
    for finding in deduction.findings:
        for line in _finding(finding, console):
            grid.add_row("", line)
    return grid


def _finding(finding: Finding, console: Console) -> Iterator[RenderableType]:
    message = printable(finding.message, console)
    yield Text.assemble(message, " ", printable(f"[{finding.check}]", console, "dim"))
    for location in finding.locations[:MAX_LOCATIONS]:
        yield _place(location, console)
        if location.text and location.text.strip():
            yield Padding(_source_line(location.text, console), (0, 0, 0, 2))
    if (more := len(finding.locations) - MAX_LOCATIONS) > 0:
        yield Text(f"and {more} more places", "dim")


def _place(location: Location, console: Console) -> Text:
    return printable(location.path + (f":{location.line}" if location.line else ""), console, "cyan")


def _source_line(text: str, console: Console) -> Text:
    line = printable(text, console, "dim")
    line.no_wrap = True
    line.overflow = "crop" if console.options.ascii_only else "ellipsis"
    return line
