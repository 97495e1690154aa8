"""What came of review and repair phases: claims beside findings, and points won back."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from runner.core.records import Calibration, Comparison, GoalComparison, Improvement
from runner.report.text import interval, printable

MAX_CHANGED = 5
_WORDS = {
    Comparison.HOLDS: ("claim holds", "green"),
    Comparison.OVER_CLAIM: ("OVER-CLAIM", "bold red"),
    Comparison.HONEST_FAILURE: ("honest failure", "green"),
    Comparison.UNDER_CLAIM: ("under-claim", "yellow"),
    Comparison.UNDECIDED: ("undecided", "dim"),
    Comparison.MISSING: ("no claim", "yellow"),
}


def calibration_table(calibration: Calibration, console: Console) -> RenderableType:
    """A line a goal: what was claimed, what was found, and what to think of it."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for column in ("goal", "claimed", "found", "so"):
        table.add_column(column, overflow="fold")
    for number, each in enumerate(calibration.goals, 1):
        word, style = _WORDS[each.comparison]
        claimed = each.claimed.value.upper() if each.claimed else "-"
        goal = printable(f"{number}. {each.goal}", console)
        table.add_row(goal, claimed, each.found.value, Text(word, style))
    counted = ((calibration.counts.get(each, 0), word) for each, (word, _) in _WORDS.items())
    summary = ", ".join(f"{count} {word.lower()}" for count, word in counted if count)
    heading = printable(f"Claims of {calibration.file} beside what was found", console, "bold")
    parts: list[RenderableType] = [heading, table, Text(summary)]
    if not calibration.file_found:
        parts.append(printable(f"There is no {calibration.file}.", console, "yellow"))
    parts += [line for each in calibration.goals for line in _over_claim(each, console)]
    if calibration.changed:
        parts.append(_changed(calibration, console))
    return Padding(Group(*parts), (1, 0, 0, 0))


def improvement_lines(improvements: Iterable[Improvement], console: Console) -> RenderableType:
    """Points before and after each repair, and which checks turned."""
    parts: list[RenderableType] = []
    for each in improvements:
        before, after = interval(each.before_low, each.before_high), interval(each.after_low, each.after_high)
        parts.append(printable(f"Repair in phase {each.phase} ({each.rubric})", console, "bold"))
        parts.append(Text(f"{before} -> {after} points, gained {_gain(each)}"))
        lists = {"told of": each.asked, "fixed": each.fixed, "broken": each.broken}
        for name, checks in lists.items():
            parts.append(printable(f"{name}: {', '.join(checks) or 'none'}", console))
    return Padding(Group(*parts), (1, 0, 0, 0))


def _gain(improvement: Improvement) -> str:
    """`+12`, or `-3 to +4`: with signs a hyphen would not do."""
    signed = [f"{gain:+g}" if gain else "0" for gain in (improvement.gained_low, improvement.gained_high)]
    return " to ".join(dict.fromkeys(signed))


def _over_claim(each: GoalComparison, console: Console) -> list[RenderableType]:
    if each.comparison is not Comparison.OVER_CLAIM:
        return []
    said = [f"{finding.message} [{finding.check}]" for finding in each.findings]
    return [printable(f"{each.goal}: PASS was claimed, but: {line}", console) for line in said]


def _changed(calibration: Calibration, console: Console) -> RenderableType:
    files = calibration.changed
    more = f" and {len(files) - MAX_CHANGED} more" if len(files) > MAX_CHANGED else ""
    named = ", ".join(files[:MAX_CHANGED]) + more
    text = f"Phase {calibration.phase} should only review, but it changed {named}"
    return printable(text, console, "yellow")
