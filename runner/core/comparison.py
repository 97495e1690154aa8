"""Two contestants side by side, and a recommendation: what `runner.stats` finds and reports show.

Scores may be intervals, because something is unknown, so figures made of them are (least, most).
"""

from __future__ import annotations

from enum import StrEnum

from runner.core.records import Record

Bounds = tuple[float, float]


class Verdict(StrEnum):
    """AHEAD and BEHIND: more than noise. UNDECIDED: what is unknown in the scores could turn it.
    TOO_FEW: pairs to tell it from noise by."""

    AHEAD = "ahead"
    BEHIND = "behind"
    NOISE = "noise"
    UNDECIDED = "undecided"
    TOO_FEW = "too_few"


class Gap(Record):
    """One figure of both over the same `n` pairs, and `a` less `b` with its 95 % interval (None of one pair).

    `dz` is Cohen's (None without any spread), `delta` Cliff's; `p_holm` is corrected over the lines it
    stands among.
    """

    id: str
    title: str
    points: float
    n: int
    a: Bounds
    b: Bounds
    difference: Bounds
    interval: Bounds | None
    dz: float | None
    delta: float | None
    p: float | None
    p_holm: float | None
    verdict: Verdict


class CheckGap(Record):
    """How often each fails one check and loses points by it, over `n` pairs; `only_a` are pairs in which `a`
    alone did. Pairs in which either is unknown, or left nothing to grade, are left out."""

    check: str
    n: int
    a_fails: int
    b_fails: int
    only_a: int
    only_b: int
    p: float
    p_holm: float


class HeadToHead(Record):
    """Two contestants paired by task, variant, epoch and, if neither names one, agent.

    `coverage` is in words; `left_out` are trials of either with a score that found no partner.
    """

    a: str
    b: str
    coverage: tuple[str, str]
    left_out: tuple[int, int]
    paired_by_agent: bool
    total: Gap
    dimensions: tuple[Gap, ...]
    tasks: tuple[Gap, ...]
    checks: tuple[CheckGap, ...]


class RegressionState(StrEnum):
    """WORSE fails a build; so does UNCLEAR, since nobody can tell that it is not."""

    WORSE = "worse"
    NOT_WORSE = "not_worse"
    UNCLEAR = "unclear"


class Regression(Record):
    """Whether the new one is worse by `limit` points or more; `drop` is old less new."""

    limit: float
    drop: Bounds
    interval: Bounds | None
    state: RegressionState
    why: str


class Recommendation(Record):
    """A model for a shape of task. `firm`: no other may be the best. `model` is None where evidence is too
    thin. `exact` is False if no task has the whole shape and `tasks` are those nearest to it."""

    shape: dict[str, str]
    tasks: tuple[str, ...]
    exact: bool
    model: str | None
    agent: str | None
    firm: bool
    reasons: tuple[str, ...]
    doubts: tuple[str, ...]
