"""Showing runs as they go on: a living line each on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from runner.core.records import Usage
from runner.pipeline.events import Event, Listener
from runner.report.text import clean, duration, money, tokens


@dataclass
class _Line:
    """What is shown of one run."""

    title: str
    started: float = field(default_factory=time.monotonic)
    step: str = "opening the sandbox"
    turn: int = 0
    usage: Usage = field(default_factory=Usage)
    command: str = ""
    probes: set[str] = field(default_factory=set)

    def text(self) -> str:
        spent = f"turn {self.turn}, {tokens(self.usage)}, {money(self.usage.cost_usd)}" if self.turn else ""
        clock = duration(time.monotonic() - self.started)
        probing = f"probing: {', '.join(sorted(self.probes))}" if self.probes else ""
        said = f"$ {clean(telling(self.command), 120)}" if self.command and not probing else probing
        return "  ".join(filter(None, [self.title, clock, self.step, spent, said]))


def telling(command: str) -> str:
    """The first line of a command that says what it does."""
    lines = [line for line in command.splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith("set -")), command)


class Display:
    """Turns events into lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: dict[str, _Line] = {}

    def __rich__(self) -> Group:
        return Group(*(Text(line.text(), no_wrap=True, overflow="ellipsis") for line in self._lines.values()))

    def listen(self, event: Event) -> None:
        """Take note of one event; off a terminal, print what is worth a line."""
        line = self._lines.setdefault(event.run, _Line(event.run))
        said = self._noted(line, event)
        if said and not self._console.is_terminal:
            self._console.print(f"{line.title}: {said}", markup=False, highlight=False, soft_wrap=True)
        if event.kind in ("scored", "resumed", "retry"):
            del self._lines[event.run]
        if event.kind in ("run", "resumed"):
            self._lines.pop(event.run.rpartition("/")[0], None)  # it waited under its trial's name

    def _noted(self, line: _Line, event: Event) -> str:
        data = event.data
        match event.kind:
            case "phase":
                line.step, line.command = f"phase {data['phase']}", ""
                return line.step
            case "skipped":
                return f"phase {data['phase']} skipped: {data['why']}"
            case "turn":
                line.turn, line.command = data["turn"], data["command"] or line.command
                line.usage = Usage.model_validate(data["usage"])
                failed = f"  status {data['status']}: {clean(data['error'], 200)}" if data["error"] else ""
                return f"turn {line.turn}, {tokens(line.usage)}, {money(line.usage.cost_usd)}{failed}" + (
                    f"  $ {clean(telling(data['command']), 100)}" if data["command"] else ""
                )
            case "probe":
                line.step = "grading"
                (line.probes.discard if data["done"] else line.probes.add)(data["probe"])
                return "" if data["done"] else f"probing {data['probe']}"
            case "sealed":
                line.step, line.command = "sealed", ""
                return f"sealed as {data['status']}"
            case "retry":
                return f"failed by infrastructure, trying again: {clean(data['reason'], 300)}"
            case "warning":
                return f"warning: {data['message']}"
            case "waiting" if line.step != "waiting":
                line.step = "waiting"
                return "is being run by another runner; waiting for it"
            case "resumed":
                return "is already done; --again makes a new attempt"
        return ""


@contextmanager
def watching(console: Console) -> Iterator[Listener]:
    """A listener whose lines are shown while the context is open."""
    display = Display(console)
    if not console.is_terminal:
        yield display.listen
        return
    with Live(display, console=console, refresh_per_second=4, transient=True):
        yield display.listen
