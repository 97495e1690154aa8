"""Evidence x rubric -> score: pure arithmetic, nothing read and nothing guessed.

A condition is true, false or unknown (Kleene's logic). True ones cost points for certain, unknown ones
only perhaps: `high` is what is left after the certain ones, `low` after all of them. What a deduction
shows is what it really took, in the rubric's order: of an exclusive group only the worst takes anything (the
others are left out); members of an additive group add up to its `max`. Where a group or a dimension has
nothing left to lose, a certain deduction is listed with 0 points. Hence

    dimension.points - sum(applied) == dimension.high    dimension.high - sum(unknown) == dimension.low
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from math import fsum, inf

from runner.core.errors import ShipworthyError
from runner.core.records import (
    AppliedDeduction,
    Ceiling,
    Condition,
    Deduction,
    Dimension,
    DimensionScore,
    Evidence,
    Finding,
    GroupMode,
    Outcome,
    Rubric,
    Score,
    Tier,
)

_FIRES = {Outcome.FAIL: True, Outcome.PASS: False, Outcome.NOT_APPLICABLE: False, Outcome.UNKNOWN: None}
_Verdict = tuple[bool | None, tuple[Finding, ...]]
_Key = tuple[str, str]


class Evaluator:
    """One rubric, ready to score many runs."""

    def __init__(self, rubric: Rubric) -> None:
        self.rubric = rubric
        self.digest = rubric.digest()  # a large part of the time that one score takes

    def score(self, run: str, evidence: Sequence[Evidence], digest: str | None = None) -> Score:
        """The score of one run; `digest` is the evidence's, if it is known already. Raises as `evaluate`."""
        rubric, found = self.rubric, findings_by_check(evidence)
        dimensions = tuple(_score_dimension(dimension, found) for dimension in rubric.dimensions)
        low, high, ceilings = _cap(
            rubric.ceilings, found, _sum(d.low for d in dimensions), _sum(d.high for d in dimensions)
        )
        tier = _tier(rubric.tiers, low)
        return Score(
            run=run,
            rubric=rubric.name,
            rubric_digest=self.digest,
            evidence_digest=digest or evidence_digest(evidence),
            dimensions=dimensions,
            ceilings=ceilings,
            low=low,
            high=high,
            tier=tier if tier == _tier(rubric.tiers, high) else None,
        )


def evaluate(rubric: Rubric, run: str, evidence: Sequence[Evidence]) -> Score:
    """The score of one run. A check without a finding is unknown.

    Neither the order of the evidence nor that of its findings matters. Raises ShipworthyError when the
    evidence is of several trees or reports a check twice: then it is not evidence about one run.
    """
    return Evaluator(rubric).score(run, evidence)


def costly_failures(rubric: Rubric, evidence: Sequence[Evidence]) -> tuple[Finding, ...]:
    """The FAIL findings that decide a deduction or a ceiling that holds, in the rubric's order.

    Also those that cost nothing beside a worse one of their group: mending that one would bring them up.
    """
    found = findings_by_check(evidence)
    rules: list[Deduction | Ceiling] = [d for dim in rubric.dimensions for d in dim.deductions]
    verdicts = [_decide(rule.when, found) for rule in [*rules, *rubric.ceilings]]
    deciding = [f for truth, findings in verdicts if truth for f in findings if f.outcome is Outcome.FAIL]
    return tuple({finding.check: finding for finding in deciding}.values())


def findings_by_check(evidence: Sequence[Evidence]) -> dict[str, Finding]:
    """The one finding of each check. Raises ShipworthyError as `evaluate` does."""
    if len(trees := {e.tree for e in evidence}) > 1:
        raise ShipworthyError(f"evidence of several trees cannot be scored as one run: {sorted(trees)}")
    found: dict[str, Finding] = {}
    for finding in (finding for e in evidence for finding in e.findings):
        if finding.check in found:
            raise ShipworthyError(f"check {finding.check!r} is reported twice; a check has one finding")
        found[finding.check] = finding
    return found


def evidence_digest(evidence: Sequence[Evidence]) -> str:
    """SHA-256 over evidence, in whatever order."""
    return joint_digest(e.digest() for e in evidence)


def joint_digest(digests: Iterable[str]) -> str:
    """The same of evidence whose digests are known."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def _decide(condition: Condition, found: Mapping[str, Finding]) -> _Verdict:
    """Whether it holds (None: unknown), and the findings that decide it."""
    if condition.fail is not None:
        finding = found.get(condition.fail) or _no_finding(condition.fail)
        return _FIRES[finding.outcome], (finding,)
    if condition.check is not None:
        return _narrowed(condition, found.get(condition.check) or _no_finding(condition.check))
    parts = [_decide(part, found) for part in condition.all or condition.any or ()]
    strongest_first = (True, None, False) if condition.all is None else (False, None, True)
    truths = {truth for truth, _ in parts}
    truth = next((t for t in strongest_first if t in truths), strongest_first[-1])
    deciding = {f.check: f for part_truth, findings in parts if part_truth is truth for f in findings}
    return truth, tuple(deciding.values())


def _narrowed(condition: Condition, finding: Finding) -> _Verdict:
    """`given` or `unless`: what holds is no fault, so only a finding that leaves it open is told."""
    if finding.outcome is Outcome.UNKNOWN:
        return None, (finding,)
    return (finding.outcome is Outcome.PASS) is (condition.given is not None), ()


def _no_finding(check: str) -> Finding:
    return Finding(check=check, outcome=Outcome.UNKNOWN, message="there is no evidence about this check")


def _score_dimension(dimension: Dimension, found: Mapping[str, Finding]) -> DimensionScore:
    verdicts = {d.id: _decide(d.when, found) for d in dimension.deductions}
    taken: dict[_Key, float] = {}
    certain = _claims(dimension, [d for d in dimension.deductions if verdicts[d.id][0] is True], taken)
    possible = _claims(dimension, [d for d in dimension.deductions if verdicts[d.id][0] is None], taken)
    applied, high = _charge(certain, verdicts, dimension.points)
    unknown, low = _charge([(d, points) for d, points in possible if points > 0], verdicts, high)
    return DimensionScore(
        id=dimension.id,
        title=dimension.title,
        points=dimension.points,
        low=low,
        high=high,
        applied=applied,
        unknown=unknown,
    )


def _claims(
    dimension: Dimension, deductions: Sequence[Deduction], taken: dict[_Key, float]
) -> list[tuple[Deduction, float]]:
    """What each may take beyond what its group has `taken` already, which is brought up to date."""
    worst = _worst_of_groups(deductions)
    claims = []
    for deduction in deductions:
        group, key = dimension.group(deduction), _key(deduction)
        before = taken.get(key, 0)
        if group.mode is GroupMode.ADDITIVE:
            claim = min(deduction.points, inf if group.max is None else _tidy(group.max - before))
        elif worst[key] is deduction:
            claim = max(0.0, _tidy(deduction.points - before))
        else:
            continue
        taken[key] = _tidy(before + claim)
        claims.append((deduction, claim))
    return claims


def _key(deduction: Deduction) -> _Key:
    """What it competes with: its group, or it alone."""
    return ("group", deduction.group) if deduction.group is not None else ("deduction", deduction.id)


def _worst_of_groups(deductions: Sequence[Deduction]) -> dict[_Key, Deduction]:
    """Of each group the dearest (the first of equals)."""
    worst: dict[_Key, Deduction] = {}
    for deduction in deductions:
        rival = worst.setdefault(_key(deduction), deduction)
        if deduction.points > rival.points:
            worst[_key(deduction)] = deduction
    return worst


def _charge(
    costs: Iterable[tuple[Deduction, float]], verdicts: Mapping[str, _Verdict], left: float
) -> tuple[tuple[AppliedDeduction, ...], float]:
    """What each deduction takes of the points that are left, and what remains of them."""
    charged = []
    for deduction, points in costs:
        taken = min(points, left)
        left = _tidy(left - taken)
        charged.append(
            AppliedDeduction(
                id=deduction.id,
                points=taken,
                because=deduction.because,
                findings=verdicts[deduction.id][1],
            )
        )
    return tuple(charged), left


def _cap(
    ceilings: Iterable[Ceiling], found: Mapping[str, Finding], low: float, high: float
) -> tuple[float, float, tuple[AppliedDeduction, ...]]:
    """The interval under the ceilings, and those that hold or might.

    A certain one shows what it took off `high`; one that is undecided (its findings are UNKNOWN) what it
    may take off `low`.
    """
    applied = []
    for ceiling in ceilings:
        truth, findings = _decide(ceiling.when, found)
        if truth is False:
            continue
        taken = max(0.0, _tidy((low if truth is None else high) - ceiling.max))
        low = min(low, ceiling.max)
        high = high if truth is None else min(high, ceiling.max)
        applied.append(
            AppliedDeduction(id=ceiling.id, points=taken, because=ceiling.because, findings=findings)
        )
    return low, high, tuple(applied)


def _tier(tiers: Iterable[Tier], points: float) -> str | None:
    return next((tier.id for tier in tiers if points >= tier.at_least), None)


def _tidy(points: float) -> float:
    """Without float dust: rubrics are written in decimals, so sums of shown points must come out even."""
    return round(points, 6)


def _sum(points: Iterable[float]) -> float:
    return _tidy(fsum(points))
