"""Findings that disagree, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding

from runner.core.records import Finding
from runner.report.text import printable

_HOW = {"pass": "holds", "fail": "fails"}


def render(found: Sequence[tuple[Finding, Finding]], console: Console) -> None:
    """Print both sides of each pair, what was read and what was measured."""
    if not found:
        return
    console.print(
        "Read in the files and measured in the running app, these disagree (what was measured counts)"
    )
    for pair in found:
        for how, finding in zip(("read", "measured"), pair, strict=True):
            told = f"{how}: {finding.check} {_HOW[finding.outcome]}: {finding.message}"
            console.print(Padding(printable(told, console), (0, 0, 0, 2)))


def contradictions_json(found: Sequence[tuple[Finding, Finding]]) -> list[dict[str, Any]]:
    """The same as data."""
    return [{"read": _finding(read), "measured": _finding(measured)} for read, measured in found]


def _finding(finding: Finding) -> dict[str, str]:
    return {"check": finding.check, "outcome": str(finding.outcome), "message": finding.message}
