"""What keeps a step of a Dockerfile or a service of a compose file from being carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.core.records import Location
from runner.core.tree import SourceTree
from runner.probes.kit.verdicts import Verdict, bad, place, unclear


@dataclass(frozen=True)
class Objection:
    """One reason, with its place. `is_fault`: the repository is wrong; else a policy of ours decides."""

    path: str
    line: int | None
    reason: str
    is_fault: bool = False

    @property
    def told(self) -> str:
        """The reason with its place."""
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where} {self.reason}"


class Refused(Exception):
    """Carrying out stops here."""

    def __init__(self, objection: Objection) -> None:
        super().__init__(objection.told)
        self.objection = objection


def verdict_of(tree: SourceTree, found: Sequence[Objection]) -> Verdict:
    """FAIL if any is the repository's fault, else UNKNOWN."""
    first = sorted(found, key=lambda objection: not objection.is_fault)[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    places: list[Location] = [place(tree, o.path, o.line) for o in found]
    return (bad if first.is_fault else unclear)(first.told + more, places)
