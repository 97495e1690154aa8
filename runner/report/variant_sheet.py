"""How much scores hang on the words of a task, in words."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from runner.core.variants import ORIGINAL, Reading, VariantSpread
from runner.report.text import printable

READINGS = {
    Reading.SUSPECT: "better in the original words than noise explains: it may have seen the task before",
    Reading.SENSITIVE: "the words matter more than noise explains",
    Reading.STEADY: "noise explains the differences",
    Reading.TOO_FEW: "too few trials to tell from noise",
}
NOTES = (
    "Trials asked in other words (variants of a task), each contender by itself. Tested by permutation of "
    "which trial had which words, corrected for the number of contenders (Holm)."
)


def render(spreads: Sequence[VariantSpread], console: Console) -> None:
    """A paragraph a contender and task; nothing if no task was asked in several wordings."""
    if not spreads:
        return
    console.print("Prompt variants", style="bold")
    for each in spreads:
        for line in words(each):
            console.print(printable(line, console), soft_wrap=False)
    console.print(NOTES, style="dim", markup=False, highlight=False)
    console.print()


def words(spread: VariantSpread) -> list[str]:
    """What was asked and what came of it; then what that says."""
    means = ", ".join(f"{each.variant} {each.mean:.1f} (n = {each.n})" for each in spread.variants)
    lines = [
        f"{spread.model} with {spread.agent}, {spread.task}: {means}",
        f"  spread {spread.spread:.1f} points{_p(spread.p_spread)}: {READINGS[spread.reading]}",
    ]
    if spread.original_lead is not None:
        low_high = spread.lead_interval
        within = "" if low_high is None else f" [{low_high[0]:+.1f}, {low_high[1]:+.1f}]"
        lead = f"{ORIGINAL} less the others {spread.original_lead:+.1f}{within}{_p(spread.p_lead)}"
        lines.insert(1, f"  {lead}")
    return lines


def _p(p: float | None) -> str:
    return "" if p is None else f", p = {p:.3g}"
