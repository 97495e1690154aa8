"""How many steps a probe may take to understand a repository's Ruby.

Steps are counted, not seconds, so that a finding never depends on how fast or busy the machine is. What an
honest application needs is a small part of the limit; code written to tie a reader of code up reaches it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from runner.core.protocols import Probe
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.kit.verdicts import unclear

LEAST_STEPS = 500_000
BYTES_A_STEP = 2
MAX_BYTES = 16_000_000


class Exhausted(Exception):
    """A probe took all its steps without coming to a conclusion."""


class Budget:
    """Steps that are left, the more the more Ruby there is; one for a tree, filled up for each probe."""

    def __init__(self, steps: int = LEAST_STEPS) -> None:
        self._steps = steps
        self.left = steps

    @classmethod
    def of(cls, tree: SourceTree) -> Budget:
        """The budget of a tree."""
        return tree.derived(cls.__name__, cls)

    def refill(self) -> None:
        """Give a new probe all steps."""
        self.left = self._steps

    def allow_reading(self, size: int) -> None:
        """Allow for so many bytes of Ruby; raises Exhausted at more than a graded application has."""
        if size > MAX_BYTES:
            raise Exhausted
        self._steps = LEAST_STEPS + size // BYTES_A_STEP
        self.refill()

    def spend(self, steps: int = 1) -> None:
        """Count steps; raises Exhausted when none are left."""
        self.left -= steps
        if self.left < 0:
            raise Exhausted


def within_budget(probe: Probe, tree: SourceTree, judge: Callable[[], list[Finding]]) -> list[Finding]:
    """What a probe finds in a tree; every check is unknown if it would take too many steps."""
    budget = Budget.of(tree)
    budget.refill()
    try:
        with _collector_paused():
            return judge()
    except Exhausted:
        verdict = unclear("the Ruby code is too large or too entangled to be understood by reading it")
        return [verdict.of(check) for check in sorted(probe.checks)]


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No search for garbage while syntax trees grow: they are kept, and it would double the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
