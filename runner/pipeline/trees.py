"""A run's trees: the one that is graded, and those that its phases left behind."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import pairwise

from runner.archive.archive import Archive
from runner.core.records import Evidence, PhaseKind, PhaseResult, Rubric, Run, Task
from runner.pipeline.events import Listener
from runner.pipeline.evidence import Case, Laboratory, collect, probes_for


def steps(run: Run, kind: PhaseKind) -> list[tuple[PhaseResult, PhaseResult]]:
    """Each phase of a kind that left a tree, with the one before it that did."""
    left = [phase for phase in run.phases if phase.tree is not None]
    return [(before, phase) for before, phase in pairwise(left) if phase.kind is kind]


def checks_by_tree(case: Case, rubric: Rubric) -> dict[str, frozenset[str]]:
    """What grading wants to know of which of a run's trees."""
    run, task = case.run, case.task
    wanted: dict[str, frozenset[str]] = {run.tree: rubric.checks()} if run.tree else {}
    for pair in steps(run, PhaseKind.REPAIR):
        wanted |= {phase.tree: rubric.checks() for phase in pair if phase.tree}
    for _, review in steps(run, PhaseKind.REVIEW):
        assert review.tree is not None
        wanted[review.tree] = wanted.get(review.tree, frozenset()) | goal_checks(task)
    return wanted


def goal_checks(task: Task) -> frozenset[str]:
    """Every check that decides one of a task's goals."""
    return frozenset(check for goal in task.goals for check in goal.checks)


def as_of(case: Case, tree: str) -> Case:
    """The case as it stood with another of its run's trees."""
    return replace(case, run=case.run.model_copy(update={"tree": tree}))


class TreeEvidence:
    """The evidence of a run's trees; no probe looks at one twice."""

    def __init__(self, archive: Archive, case: Case, laboratory: Laboratory | None, listen: Listener) -> None:
        self.archive = archive
        self.case = case
        self._laboratory = laboratory
        self._listen = listen
        self._found: dict[tuple[str, str], Evidence] = {}

    async def of(self, tree: str, checks: Collection[str]) -> list[Evidence]:
        """What the probes that decide these checks found in one of the run's trees."""
        chosen = probes_for(checks)
        new = [probe for probe in chosen if (tree, probe.id) not in self._found]
        found = await collect(self.archive, as_of(self.case, tree), new, self._laboratory, self._listen)
        self._found |= {(tree, evidence.probe): evidence for evidence in found}
        return [self._found[tree, probe.id] for probe in chosen]
