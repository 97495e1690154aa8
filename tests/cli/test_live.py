"""What is printed of a run's events where there is no terminal."""

from __future__ import annotations

import io

from rich.console import Console

from runner.cli.live import Display
from runner.pipeline.events import Event


def said(*events: Event) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    display = Display(console)
    for event in events:
        display.listen(event)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_repair_that_is_probed_for_and_skipped() -> None:
    assert said(
        Event("probe", "r/1", {"probe": "secrets", "done": False}),
        Event("probe", "r/1", {"probe": "secrets", "done": True}),
        Event("failed_checks", "r/1", {"phase": "repair", "checks": []}),
        Event("skipped", "r/1", {"phase": "repair", "why": "nothing had failed"}),
    ) == ["r/1: probing secrets", "r/1: phase repair skipped: nothing had failed"]
