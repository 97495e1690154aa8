"""Scores before and after a repair -> what it brought: pure arithmetic."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from runner.core.records import Evidence, Improvement, Outcome, Rubric
from runner.scoring.evaluate import costly_failures, evaluate, evidence_digest, findings_by_check


def improvement(
    of: tuple[str, str],
    trees: tuple[str, str],
    rubric: Rubric,
    before: Sequence[Evidence],
    after: Sequence[Evidence],
) -> Improvement:
    """What a phase (`of`: the run's and its id) made of the tree before it, under one rubric.

    The gain is an interval as soon as one score is one: the worst score after less the best before, and
    the other way round; but of one tree it is 0. Raises ShipworthyError as `evaluate` does.
    """
    run, phase = of
    old, new = evaluate(rubric, run, before), evaluate(rubric, run, after)
    checks = rubric.checks()
    were = {c: f.outcome for c, f in findings_by_check(before).items() if c in checks}
    are = {c: f.outcome for c, f in findings_by_check(after).items() if c in checks}
    least, most = (0.0, 0.0) if old == new else (new.low - old.high, new.high - old.low)
    both = hashlib.sha256(f"{evidence_digest(before)}\n{evidence_digest(after)}".encode()).hexdigest()
    return Improvement(
        run=run,
        phase=phase,
        rubric=rubric.name,
        rubric_digest=rubric.digest(),
        before_tree=trees[0],
        after_tree=trees[1],
        evidence_digest=both,
        before_low=old.low,
        before_high=old.high,
        after_low=new.low,
        after_high=new.high,
        gained_low=round(least, 6),
        gained_high=round(most, 6),
        asked=tuple(finding.check for finding in costly_failures(rubric, before)),
        fixed=_turned(were, are, Outcome.FAIL, Outcome.PASS),
        broken=_turned(were, are, Outcome.PASS, Outcome.FAIL),
    )


def _turned(were: dict[str, Outcome], are: dict[str, Outcome], old: Outcome, new: Outcome) -> tuple[str, ...]:
    return tuple(sorted(check for check in were if were[check] is old and are.get(check) is new))
