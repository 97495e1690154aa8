"""A repair phase: the model is told which checks its work failed, and what it makes of them is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.core.records import (
    Finding,
    Improvement,
    Phase,
    PhaseKind,
    Rubric,
)
from runner.pipeline.grading.trees import TreeEvidence, steps
from runner.scoring.evaluate import costly_failures
from runner.scoring.improvement import improvement
from runner.spec.tasks import OPEN

NOTHING_TO_REPAIR = "nothing_to_repair"
MAX_MESSAGE = 400
MAX_PLACES = 5
MAX_PLACE = 120


async def failures(evidence: TreeEvidence, rubric: Rubric) -> tuple[Finding, ...]:
    """What failed and costs points in the tree that a run has come to."""
    assert evidence.case.run.tree is not None
    return costly_failures(rubric, await evidence.of(evidence.case.run.tree, rubric.checks()))


def with_failures(phase: Phase, found: Sequence[Finding], statements: Mapping[str, str]) -> Phase:
    """The phase with its prompt complete: it tells the statements that do not hold, and what was seen.

    Nothing else of ours: no points, no ids, no names of rubrics or probes.
    """
    told = "\n".join(
        f"{number}. Expected: {_line(statements[finding.check])}\n   Found: {_seen(finding)}"
        for number, finding in enumerate(found, 1)
    )
    return phase.model_copy(update={"prompt": phase.prompt.replace(OPEN["failed_checks"], told)})


async def improvements(evidence: TreeEvidence, rubric: Rubric) -> tuple[Improvement, ...]:
    """What each repair phase of a run brought; nothing of one that was skipped."""
    found = []
    for before, repair in steps(evidence.case.run, PhaseKind.REPAIR):
        assert before.tree is not None
        assert repair.tree is not None
        old = await evidence.of(before.tree, rubric.checks())
        new = await evidence.of(repair.tree, rubric.checks())
        trees = (before.tree, repair.tree)
        found.append(improvement((evidence.case.run.id, repair.id), trees, rubric, old, new))
    return tuple(found)


def _seen(finding: Finding) -> str:
    """The message, and where in the repository; both may hold text of the repository, on one line."""
    places = [place.path + (f":{place.line}" if place.line else "") for place in finding.locations]
    shown = ", ".join(_line(place, MAX_PLACE) for place in places[:MAX_PLACES])
    more = f" and {len(places) - MAX_PLACES} more" if len(places) > MAX_PLACES else ""
    return _line(finding.message) + (f" ({shown}{more})" if places else "")


def _line(text: str, limit: int = MAX_MESSAGE) -> str:
    line = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return line if len(line) <= limit else f"{line[:limit]}..."
