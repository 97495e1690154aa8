"""Scenarios at a terminal: what is typed, what came of it, and what is wrong with that."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.core.protocols import Sandbox
from runner.probes.kit.python.container import ask
from runner.probes.kit.verdicts import Verdict, bad, good

FOLDER = "/tmp/user"
_SHOWN = 200


class Fault(Exception):
    """A command did not do what its scenario expects; the message says what it did."""


@dataclass(frozen=True)
class Step:
    """A command, `sh -c SCRIPT` or `python3 -m MODULE ...`; a variable of None is unset.

    `{here}` in a word or a value stands for the scenario's own folder.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str | None] = field(default_factory=dict)

    def at(self, here: str) -> Step:
        """The same command in a folder."""
        env = {name: value and value.replace("{here}", here) for name, value in self.env.items()}
        return Step(tuple(word.replace("{here}", here) for word in self.argv), env)

    @property
    def typed(self) -> str:
        """As a user would type it."""
        return (self.argv[2] if self.argv[0] == "sh" else shlex.join(self.argv[2:]))[:_SHOWN]


@dataclass(frozen=True)
class Did:
    """What a command did. `code` None: it was killed, `why` says what for."""

    command: str
    code: int | None
    out: str
    err: str
    why: str

    def ok(self) -> str:
        """Its output. Raises Fault if it did not succeed."""
        if self.code != 0:
            raise Fault(f"`{self.command}` {self.ending()}")
        return self.out

    def refused(self, *codes: int) -> None:
        """Raises Fault unless it failed with one of these exit codes (any but 0), in words for people."""
        if self.code is None or self.code == 0 or (codes and self.code not in codes):
            wanted = " or ".join(map(str, codes)) or "another than 0"
            raise Fault(f"`{self.command}` {self.ending()}; the exit code should be {wanted}")
        if "Traceback (most recent call last)" in self.err + self.out:
            raise Fault(f"`{self.command}` ends in a traceback: {_last_line(self.err)}")
        if not self.err.strip():
            raise Fault(f"`{self.command}` says nothing on standard error")

    def ending(self) -> str:
        """How it ended, in words."""
        said = _last_line(self.err)
        return self.why or f"ends with exit code {self.code}{f': {said}' if said else ''}"


@dataclass(frozen=True)
class Scenario:
    """Commands in order, and a judge that raises Fault or returns what is good about them."""

    steps: tuple[Step, ...]
    judge: Callable[[list[Did]], str]

    def at(self, here: str) -> Scenario:
        """The same scenario in a folder."""
        return Scenario(tuple(step.at(here) for step in self.steps), self.judge)

    def verdict(self, results: list[dict[str, Any]]) -> Verdict:
        """By what the program inside reports of each command; it stops with one that had to be killed."""
        did = [Did(command=step.typed, **result) for step, result in zip(self.steps, results, strict=False)]
        killed = next((d for d in did if d.why), None)
        if killed is not None:
            return bad(f"`{killed.command}` {killed.why}")
        if len(did) < len(self.steps):
            return bad("the time for all commands was used up by those before")
        try:
            return good(self.judge(did))
        except Fault as fault:
            return bad(str(fault))


async def play(
    sandbox: Sandbox, scenarios: Mapping[str, Scenario], limit_s: float, budget_s: float
) -> dict[str, Verdict]:
    """Play all scenarios in one go, side by side; `limit_s` is for a command, `budget_s` for all of them."""
    placed = {name: scenario.at(f"{FOLDER}/{name}") for name, scenario in scenarios.items()}
    question = {
        "limit_s": limit_s,
        "budget_s": budget_s,
        "folder": FOLDER,
        "scenarios": {
            name: [{"argv": step.argv, "env": dict(step.env)} for step in scenario.steps]
            for name, scenario in placed.items()
        },
    }
    report = await ask(sandbox, "terminal", question, budget_s + 15)
    if report is None:
        return dict.fromkeys(scenarios, bad("the program kills or blocks whoever starts it"))
    return {name: scenario.verdict(report[name]) for name, scenario in placed.items()}


def json_of(did: Did) -> Any:
    """The JSON that a command printed. Raises Fault."""
    try:
        return json.loads(did.ok())
    except (ValueError, RecursionError):
        raise Fault(f"`{did.command}` does not print JSON, but: {did.out.strip()[:_SHOWN]!r}") from None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_SHOWN] if lines else ""
