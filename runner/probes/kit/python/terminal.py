"""Scenarios at a terminal: what is typed, what came of it, and what is wrong with that."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
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

    def document(self) -> dict[str, Any]:
        """For the program inside."""
        return {"argv": self.argv, "env": dict(self.env)}

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

    @property
    def said(self) -> str:
        """The beginning of its output, quoted."""
        return repr(self.out.strip()[:_SHOWN])

    def ending(self) -> str:
        """How it ended, in words."""
        said = _last_line(self.err)
        return self.why or f"ends with exit code {self.code}{f': {said}' if said else ''}"


Session = list[Did]


@dataclass(frozen=True)
class Scenario:
    """Commands in order, and judges by check: each raises Fault or says what is good about the session."""

    user: str
    steps: tuple[Step, ...]
    judges: Mapping[str, Callable[[Session], str]]

    def verdicts(self, here: str, results: list[dict[str, Any]]) -> dict[str, Verdict]:
        """By what the program inside reports of each command; it stops with one that had to be killed."""
        typed = [step.at(here).typed for step in self.steps]
        did = [Did(command=command, **result) for command, result in zip(typed, results, strict=False)]
        return {check: _judged(judge, did) for check, judge in self.judges.items()}


def _judged(judge: Callable[[Session], str], did: Session) -> Verdict:
    try:
        return good(judge(did))
    except Fault as fault:
        return bad(str(fault))
    except IndexError:
        killed = f"`{did[-1].command}` {did[-1].why}" if did and did[-1].why else "the time is used up"
        return bad(f"it does not come to this: {killed}")


async def play(
    sandbox: Sandbox, scenarios: Sequence[Scenario], limit_s: float, budget_s: float
) -> dict[str, Verdict]:
    """Play all scenarios in one go, side by side; `limit_s` is for a command, `budget_s` for all of them."""
    places = [f"{FOLDER}/{number}" for number in range(len(scenarios))]
    question = {
        "limit_s": limit_s,
        "budget_s": budget_s,
        "scenarios": {
            here: [step.at(here).document() for step in scenario.steps]
            for here, scenario in zip(places, scenarios, strict=True)
        },
    }
    report = await ask(sandbox, "terminal", question, budget_s + 15) or {}
    verdicts: dict[str, Verdict] = {}
    for here, scenario in zip(places, scenarios, strict=True):
        if report:
            verdicts |= scenario.verdicts(here, report[here])
        else:
            silent = bad("the program kills or blocks whoever starts it")
            verdicts |= dict.fromkeys(scenario.judges, silent)
    return verdicts


def json_of(did: Did) -> Any:
    """The JSON that a command printed. Raises Fault."""
    try:
        return json.loads(did.ok())
    except (ValueError, RecursionError):
        raise Fault(f"`{did.command}` does not print JSON, but: {did.said}") from None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_SHOWN] if lines else ""
