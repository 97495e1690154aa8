"""Verdicts on checks, and places in a tree with their source text; no secret passes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from runner.core.records import Finding, Location, Outcome, Values
from runner.core.tree import SourceTree
from runner.probes.kit.files.secret_patterns import redacted

_TEXT = 200
_MESSAGE = 2_000
_PLACES = 10


@dataclass(frozen=True)
class Verdict:
    """A finding that does not yet know which check it answers."""

    outcome: Outcome
    message: str
    locations: tuple[Location, ...] = ()
    values: Values = field(default_factory=dict)

    def of(self, check: str) -> Finding:
        """The finding for a check id, with at most ten different places."""
        places = list(dict.fromkeys((place.path, place.line, place.text) for place in self.locations))
        return Finding(
            check=check,
            outcome=self.outcome,
            message=self.message[:_MESSAGE],
            locations=tuple(_shown(*place) for place in places[:_PLACES]),
            values=self.values,
        )


def good(message: str, places: Iterable[Location] = (), **values: str | int | bool | list[str]) -> Verdict:
    """The statement holds."""
    return Verdict(Outcome.PASS, message, tuple(places), dict(values))


def bad(message: str, places: Iterable[Location] = (), **values: str | int | bool | list[str]) -> Verdict:
    """The statement does not hold."""
    return Verdict(Outcome.FAIL, message, tuple(places), dict(values))


def moot(message: str) -> Verdict:
    """The statement is about something the repository does not have."""
    return Verdict(Outcome.NOT_APPLICABLE, message)


def unclear(message: str, places: Iterable[Location] = ()) -> Verdict:
    """Reading files cannot decide it."""
    return Verdict(Outcome.UNKNOWN, message, tuple(places))


def place(tree: SourceTree, path: str, line: int | None = None) -> Location:
    """A line of a file with its text, the last one if it ends before; a whole file without `line`."""
    lines = (tree.text(path) or "").splitlines() if line is not None else []
    if line is None or not lines:
        return Location(path=path)
    number = min(line, len(lines))
    return Location(path=path, line=number, text=lines[number - 1])


def _shown(path: str, line: int | None, text: str | None) -> Location:
    return Location(path=path, line=line, text=None if text is None else redacted(text).strip()[:_TEXT])
