"""How an app's dependencies were satisfied offline, and what that means for its findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runner.core.records import Outcome
from runner.core.tree import SourceTree
from runner.probes.kit.lab.logs import error_places
from runner.probes.kit.verdicts import Verdict, bad, unclear


@dataclass(frozen=True)
class Installed:
    """The outcome of installing.

    `missing` names what the image does not have, `broken` what the repository itself got wrong; at most
    one of them is set. `note` says what the lab changed in its copy, `alters` whether
    the app may run otherwise for it. `env` is for every later command.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    alters: bool = False
    missing: str = ""
    broken: str = ""
    output: str = ""

    @property
    def ok(self) -> bool:
        """Whether the app can be started."""
        return not self.missing and not self.broken

    def obstacle(self, tree: SourceTree, folder: str) -> Verdict:
        """Why it cannot be started: the repository's fault, or unknown for want of a dependency."""
        if self.broken:
            return bad(self.broken, error_places(tree, folder, self.output))
        return unclear(f"the image does not have {self.missing}, and there is no network to get it")

    def fair(self, verdict: Verdict) -> Verdict:
        """With other versions than the app asked for, a failure may not be the app's own."""
        if not self.note:
            return verdict
        told = replace(verdict, values={**(verdict.values or {}), "lab": self.note})
        if verdict.outcome is not Outcome.FAIL or not self.alters:
            return told
        return replace(told, outcome=Outcome.UNKNOWN, message=f"{verdict.message} (run with {self.note})")
