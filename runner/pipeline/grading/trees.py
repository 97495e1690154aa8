"""A run's trees: the one that is graded, and those that its phases left behind."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import pairwise

from runner.archive.archive import Archive
from runner.core.records import Evidence, PhaseKind, PhaseResult, Run, Task
from runner.pipeline.events import Listener
from runner.pipeline.grading.evidence import Case, Laboratory, collect_digested, kept_keys, probes_for
from runner.scoring.evaluate import joint_digest


def steps(run: Run, kind: PhaseKind) -> list[tuple[PhaseResult, PhaseResult]]:
    """Each phase of a kind that left a tree, with the one before it that did."""
    left = [phase for phase in run.phases if phase.tree is not None]
    return [(before, phase) for before, phase in pairwise(left) if phase.kind is kind]


def checks_by_tree(case: Case, checks: frozenset[str]) -> dict[str, frozenset[str]]:
    """What grading by a rubric with these checks wants to know of which of a run's trees."""
    run, task = case.run, case.task
    wanted: dict[str, frozenset[str]] = {run.tree: checks} if run.tree else {}
    for pair in steps(run, PhaseKind.REPAIR):
        wanted |= {phase.tree: checks for phase in pair if phase.tree}
    for _, review in steps(run, PhaseKind.REVIEW):
        assert review.tree is not None
        wanted[review.tree] = wanted.get(review.tree, frozenset()) | goal_checks(task)
    return wanted


def goal_checks(task: Task) -> frozenset[str]:
    """Every check that decides one of a task's goals."""
    return frozenset(check for goal in task.goals for check in goal.checks)


def as_of(case: Case, tree: str) -> Case:
    """The case as it stood with another of its run's trees."""
    if case.run.tree == tree:
        return case
    return replace(case, run=case.run.model_copy(update={"tree": tree}))


class TreeEvidence:
    """The evidence of a run's trees; no probe looks at one twice."""

    def __init__(self, archive: Archive, case: Case, laboratory: Laboratory | None, listen: Listener) -> None:
        self.archive = archive
        self.case = case
        self._laboratory = laboratory
        self.listen = listen
        self._found: dict[tuple[str, str], tuple[Evidence, str]] = {}

    async def of(self, tree: str, checks: Collection[str]) -> list[Evidence]:
        """What the probes that decide these checks found in one of the run's trees."""
        return [evidence for evidence, _ in await self.digested(tree, checks)]

    async def digested(self, tree: str, checks: Collection[str]) -> list[tuple[Evidence, str]]:
        """The same, each with its digest."""
        chosen = probes_for(checks)
        new = [probe for probe in chosen if (tree, probe.id) not in self._found]
        if new:
            case = as_of(self.case, tree)
            found = await collect_digested(self.archive, case, new, self._laboratory, self.listen)
            self._found |= {(tree, evidence.probe): (evidence, digest) for evidence, digest in found}
        return [self._found[tree, probe.id] for probe in chosen]

    def read(self) -> list[Evidence]:
        """All that was read or found so far."""
        return [evidence for evidence, _ in self._found.values()]

    def kept_digest(self, tree: str, checks: Collection[str]) -> str | None:
        """The joint digest of what is kept of a tree, none of it read; None if a probe must look."""
        keys = kept_keys(self.archive, as_of(self.case, tree), probes_for(checks), self._laboratory)
        digests = [self.archive.evidence_digest(key) for key in keys if key is not None]
        known = [digest for digest in digests if digest is not None]
        return joint_digest(known) if len(known) == len(keys) else None
