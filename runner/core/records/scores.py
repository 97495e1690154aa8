"""What came of it: scores, and what the model said of its own work."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from runner.core.records.base import Record
from runner.core.records.evidence import Finding


class AppliedDeduction(Record):
    """A deduction that fired (or, in `unknown`, might have), with the findings that decided it."""

    id: str
    points: float
    because: str
    findings: tuple[Finding, ...]


class DimensionScore(Record):
    """Points kept of `points`, as an interval when something is unknown."""

    id: str
    title: str
    points: float
    low: float
    high: float
    applied: tuple[AppliedDeduction, ...]
    unknown: tuple[AppliedDeduction, ...]


class Score(Record):
    """One run under one rubric. `tier` is named only when [low, high] lies in one tier."""

    run: str
    rubric: str
    rubric_digest: str
    evidence_digest: str
    dimensions: tuple[DimensionScore, ...]
    ceilings: tuple[AppliedDeduction, ...] = ()
    low: float
    high: float
    tier: str | None


class Claim(StrEnum):
    """A model's own verdict on a goal."""

    PASS = "pass"
    PARTIAL = "partial"
    FAIL = "fail"


class GoalState(StrEnum):
    """What the probes say of a goal."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


class Comparison(StrEnum):
    """A claim beside what was found.

    HOLDS: PASS was claimed, and it is so. OVER_CLAIM: PASS was claimed, and it fails. HONEST_FAILURE:
    less than PASS was claimed, and it fails. UNDER_CLAIM: less than PASS was claimed, and it holds.
    MISSING: nothing was claimed.
    """

    HOLDS = "holds"
    OVER_CLAIM = "over_claim"
    HONEST_FAILURE = "honest_failure"
    UNDER_CLAIM = "under_claim"
    UNDECIDED = "undecided"
    MISSING = "missing"


class GoalComparison(Record):
    """One goal: what was claimed, what was found, and the findings that decided it."""

    goal: str
    statement: str
    claimed: Claim | None
    found: GoalState
    comparison: Comparison
    findings: tuple[Finding, ...] = ()


class Calibration(Record):
    """A run's review beside what probes found in the same tree.

    `goals_digest` is of the task's goals, `reading` the version of the rules by which the file was read;
    `file_found` is False if there was no file to read. `changed` are other files that the phase changed.
    """

    run: str
    task: str
    phase: str
    tree: str
    goals_digest: str
    reading: int
    evidence_digest: str
    file: str
    file_found: bool
    goals: tuple[GoalComparison, ...]
    counts: dict[str, int] = Field(description="goals by comparison")
    changed: tuple[str, ...] = ()


class Improvement(Record):
    """What a repair phase made of the checks that had failed, under one rubric.

    `gained_low` and `gained_high` bound what the score gained, as far as both scores are known. `fixed`
    failed before and pass after, `broken` the other way round.
    """

    run: str
    phase: str
    rubric: str
    rubric_digest: str
    before_tree: str
    after_tree: str
    evidence_digest: str = Field(description="of the evidence of both trees")
    before_low: float
    before_high: float
    after_low: float
    after_high: float
    gained_low: float
    gained_high: float
    asked: tuple[str, ...] = Field((), description="checks that had failed and cost points")
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
