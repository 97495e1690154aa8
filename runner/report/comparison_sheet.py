"""Two contestants side by side in the terminal, with what is noise said in words."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.core.comparison import CheckGap, Gap, HeadToHead, Regression, Verdict
from runner.report.figures import chance, points, signed
from runner.report.text import printable

MOST_CHECKS = 12
WORDS = {
    Verdict.AHEAD: "A ahead",
    Verdict.BEHIND: "B ahead",
    Verdict.NOISE: "noise",
    Verdict.UNDECIDED: "undecided",
    Verdict.TOO_FEW: "too few",
}


def render(duel: HeadToHead, by: str, console: Console) -> None:
    """The total, one breakdown (`dimension`, `task` or `check`), what only one got wrong, and the verdict."""
    total = duel.total
    console.print(printable(f"A: {duel.a}", console, "bold"))
    console.print(printable(f"B: {duel.b}", console, "bold"))
    for line in _coverage(duel):
        console.print(printable(line, console, "dim"))
    console.print()
    lines = {"dimension": duel.dimensions, "task": duel.tasks}.get(by, ())
    console.print(_gaps([total, *lines], console))
    checks = duel.checks if by == "check" else duel.checks[:MOST_CHECKS]
    if checks:
        console.print()
        console.print(_checks(checks, console))
        if len(checks) < len(duel.checks):
            more = f"and {len(duel.checks) - len(checks)} more: --by check"
            console.print(more, style="dim", markup=False)
    console.print()
    console.print(printable(verdict_words(duel), console, "bold"))


def render_regression(found: Regression, console: Console) -> None:
    """One line that a build's log should end with."""
    state = found.state.value.replace("_", " ")
    text = f"{state}: B less A is {signed((-found.drop[1], -found.drop[0]))}: {found.why}"
    console.print(printable(text, console, "bold"))


def verdict_words(duel: HeadToHead) -> str:
    """Whether the difference of the totals is more than noise."""
    gap = duel.total
    middle = sum(gap.difference) / 2
    by = f"{points((abs(middle),) * 2)} points"
    ahead = "A" if middle > 0 else "B"
    pairs = f"{gap.n} pair{'s' * (gap.n != 1)}"
    chance_of_it = "unknown" if gap.p is None else f"{gap.p:.3g}"
    leads = "There is no difference" if round(middle, 6) == 0 else f"{ahead} leads by {by}"
    if gap.verdict in (Verdict.AHEAD, Verdict.BEHIND):
        how = f"p = {chance_of_it}, {effect_words(gap)}, {pairs}"
        return f"{ahead} is better by {by}: more than noise ({how})."
    if gap.verdict is Verdict.TOO_FEW:
        return f"{leads}, but {pairs} cannot tell that from noise; run more epochs of both."
    if gap.verdict is Verdict.UNDECIDED:
        return f"Undecided: unknown checks could turn it either way ({signed(gap.difference)})."
    return f"{leads}, which noise explains ({pairs}, p = {chance_of_it})."


def effect_words(gap: Gap) -> str:
    """Cohen's dz and Cliff's delta."""
    dz = "without spread" if gap.dz is None else f"{gap.dz:.2f}"
    delta = "unknown" if gap.delta is None else f"{gap.delta:.2f}"
    return f"Cohen's dz {dz}, Cliff's delta {delta}"


def _coverage(duel: HeadToHead) -> list[str]:
    how = "task, epoch and agent" if duel.paired_by_agent else "task and epoch"
    lines = [f"paired by {how}: {duel.total.n} pair{'s' * (duel.total.n != 1)}"]
    for name, covered, left in zip("AB", duel.coverage, duel.left_out, strict=True):
        lines.append(f"{name}: {covered}" + (f", {left} without a partner" if left else ""))
    return lines


def _gaps(gaps: Sequence[Gap], console: Console) -> Table:
    """Two lines each, so that they fit in 80 columns."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("\nof", "A", "B", "A - B\n95 %", "noise?\np (Holm)"):
        table.add_column(name, justify="left" if name == "\nof" else "right", no_wrap=name != "\nof")
    for gap in gaps:
        task = gap.id.rpartition(".")[0]
        table.add_row(
            _two_lines(gap.title, f"{gap.points:g}" + (f", {task}" if task else ""), console),
            points(gap.a),
            points(gap.b),
            _two_lines(signed(gap.difference), chance(gap.interval), console),
            _two_lines(WORDS[gap.verdict], "" if gap.p_holm is None else f"{gap.p_holm:.3f}", console),
        )
    return table


def _two_lines(upper: str, lower: str, console: Console) -> Text:
    return Text("\n", overflow="fold").join([printable(upper, console, "bold"), printable(lower, console)])


def _checks(checks: Sequence[CheckGap], console: Console) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("got wrong", "A", "B", "only A", "only B", "p (Holm)"):
        table.add_column(
            name, justify="left" if name == "got wrong" else "right", no_wrap=name != "got wrong"
        )
    for gap in checks:
        table.add_row(
            printable(gap.check, console),
            f"{gap.a_fails}/{gap.n}",
            f"{gap.b_fails}/{gap.n}",
            f"{gap.only_a}",
            f"{gap.only_b}",
            f"{gap.p_holm:.2f}",
        )
    return table
