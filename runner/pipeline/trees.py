"""A run's trees: the one that is graded, and those that its phases left behind."""

from __future__ import annotations

from itertools import pairwise

from runner.archive.archive import Archive
from runner.core.records import Evidence, PhaseKind, PhaseResult, Run, Task
from runner.pipeline.events import Listener
from runner.pipeline.evidence import Laboratory, collect


def steps(run: Run, kind: PhaseKind) -> list[tuple[PhaseResult, PhaseResult]]:
    """Each phase of a kind that left a tree, with the one before it that did."""
    left = [phase for phase in run.phases if phase.tree is not None]
    return [(before, phase) for before, phase in pairwise(left) if phase.kind is kind]


def graded_trees(run: Run) -> tuple[str, ...]:
    """The trees that grading needs evidence of, the run's own first."""
    reviewed = [phase.tree for _, phase in steps(run, PhaseKind.REVIEW)]
    repaired = [tree for pair in steps(run, PhaseKind.REPAIR) for tree in (pair[0].tree, pair[1].tree)]
    return tuple(dict.fromkeys(tree for tree in (run.tree, *reviewed, *repaired) if tree is not None))


def as_of(run: Run, tree: str) -> Run:
    """The run as it stood with another of its trees."""
    return run.model_copy(update={"tree": tree})


class TreeEvidence:
    """The evidence of a run's trees, each collected once."""

    def __init__(
        self, archive: Archive, run: Run, task: Task, laboratory: Laboratory | None, listen: Listener
    ) -> None:
        self.archive = archive
        self.run = run
        self.task = task
        self._laboratory = laboratory
        self._listen = listen
        self._found: dict[str, list[Evidence]] = {}

    async def of(self, tree: str) -> list[Evidence]:
        """What probes found in one of the run's trees."""
        if tree not in self._found:
            run = as_of(self.run, tree)
            self._found[tree] = await collect(self.archive, run, self.task, self._laboratory, self._listen)
        return self._found[tree]
