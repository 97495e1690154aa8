"""Where a file says one thing and the running app another: pairs that a rubric itself names.

A condition `all: [READ, {unless: MEASURED}]` says that what was measured overrules what was read. Where the
two differ, one of them is mistaken: the score follows what was measured, and people are told both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.core.records import Condition, Evidence, Finding, Outcome, Rubric
from runner.scoring.evaluate import findings_by_check

_DECIDED = {Outcome.PASS, Outcome.FAIL}


def contradictions(rubric: Rubric, evidence: Sequence[Evidence]) -> list[tuple[Finding, Finding]]:
    """What was read and what was measured about one thing, of which one is PASS and the other FAIL.

    In the rubric's order, each pair once. Raises ShipworthyError as `findings_by_check` does.
    """
    found = findings_by_check(evidence)
    conditions = [d.when for dimension in rubric.dimensions for d in dimension.deductions]
    pairs = dict.fromkeys(
        pair for c in [*conditions, *(c.when for c in rubric.ceilings)] for pair in _pairs(c)
    )
    both = [(found[read], found[measured]) for read, measured in pairs if read in found and measured in found]
    return [(read, measured) for read, measured in both if {read.outcome, measured.outcome} == _DECIDED]


def _pairs(condition: Condition) -> Iterator[tuple[str, str]]:
    parts = condition.all or ()
    read = [part.fail for part in parts if part.fail is not None]
    measured = [part.unless for part in parts if part.unless is not None]
    yield from ((one, other) for one in read for other in measured)
    for part in condition.all or condition.any or ():
        yield from _pairs(part)
