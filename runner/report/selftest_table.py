"""The table of a rubric's self-test: what each change took, and what nothing takes yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from runner.core.selftest import ChangeOutcome, SelfTestResult
from runner.report.text import duration, printable

GOOD = ("killed", "harmless")


def render(result: SelfTestResult, console: Console) -> None:
    """Print every change, the surprises with what was found, and the figures."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("change", "verdict", "takes"):
        table.add_column(name, overflow="fold")
    for outcome in result.outcomes:
        style = "" if outcome.verdict in GOOD else "bold"
        taken = ", ".join(outcome.charged) or "nothing"
        cells = (outcome.change.id, outcome.verdict, taken)
        table.add_row(*(printable(cell, console, style) for cell in cells))
    console.print(table)
    for line in _explanations(result.outcomes):
        console.print(printable(line, console, limit=2000), soft_wrap=True)
    for line in summary(result):
        console.print(printable(line, console, "bold", limit=4000), soft_wrap=True)


def _explanations(outcomes: Iterable[ChangeOutcome]) -> Iterable[str]:
    for outcome in outcomes:
        change = outcome.change
        if outcome.verdict == "known gap":
            yield f"known gap {change.id}: {change.known_gap}"
        elif outcome.surprising:
            wanted = ", ".join(outcome.expected) or "nothing"
            yield f"{outcome.verdict}: {change.id} ({change.does}) should take {wanted}"
            for id in outcome.charged:
                yield f"  {id}: {outcome.because.get(id.removesuffix('?'), '')}"


def summary(result: SelfTestResult) -> list[str]:
    """The figures in a few lines."""
    verdicts = figures(result)
    known = len(result.exercised) + len(result.unexercised) + len(result.needs_lab)
    lines = [
        f"{verdicts['mutations']} mutations: {verdicts['killed']} killed, {verdicts['survived']} survived, "
        f"{verdicts['wrong']} with wrong deductions, {verdicts['gaps']} known gaps",
        f"{verdicts['refactorings']} refactorings: {verdicts['false_alarms']} false alarms",
        f"{len(result.exercised)} of {known} deductions and ceilings exercised, in {duration(result.wall_s)}",
    ]
    if result.needs_lab:
        lines.append(f"tried with --lab only: {', '.join(result.needs_lab)}")
    if result.unexercised and not result.partial:
        lines.append(f"not exercised: {', '.join(result.unexercised)}")
    return [*lines, f"{result.rubric}: {'passed' if result.passed else 'failed'}"]


def figures(result: SelfTestResult) -> dict[str, int]:
    """How many changes of each kind came out how."""
    counted = Counter((o.kind, o.verdict) for o in result.outcomes)
    kinds = Counter(o.kind for o in result.outcomes)
    return {
        "mutations": kinds["mutation"],
        "refactorings": kinds["refactoring"],
        "killed": counted["mutation", "killed"],
        "survived": counted["mutation", "survived"],
        "wrong": counted["mutation", "wrong deductions"],
        "false_alarms": sum(n for (_, verdict), n in counted.items() if verdict == "false alarm"),
        "gaps": sum(n for (_, verdict), n in counted.items() if verdict in ("known gap", "gap closed")),
    }


def selftest_json(result: SelfTestResult) -> dict[str, Any]:
    """What `--json` prints."""
    changes = [
        {
            "id": o.change.id,
            "kind": o.kind,
            "verdict": o.verdict,
            "expected": sorted(o.expected),
            "charged": sorted(o.charged),
            "score": [o.low, o.high],
            "because": o.because,
        }
        for o in result.outcomes
    ]
    whole = result.model_dump(mode="json", exclude={"outcomes"})
    return {**whole, "passed": result.passed, "figures": figures(result), "changes": changes}
