"""The comparison of two rubrics, and of one run's scores through time: what stages exchange of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from runner.core.records import Rubric, Score


class Part(StrEnum):
    """What of a rubric changed."""

    DIMENSION = "dimension"
    DEDUCTION = "deduction"
    CEILING = "ceiling"
    TIER = "tier"


@dataclass(frozen=True)
class Change:
    """One changed field of one part; without a field the part was added (`old` None) or removed."""

    part: Part
    id: str
    dimension: str | None
    field: str | None
    old: Any
    new: Any


class Why(StrEnum):
    """Why a deduction takes something else than before."""

    ADDED = "added"
    REMOVED = "removed"
    EDITED = "edited"
    FOUND = "found"
    BESIDE = "beside"
    TOTAL = "total"


@dataclass(frozen=True)
class Cause:
    """What one deduction or ceiling (or the `total`) did to a score; positive shifts raise it.

    `took` and `takes` are points that are lost for certain; shifts of `low` count what may be lost too.
    BESIDE: the rule is as it was, but others of its group or its dimension leave it more or less to take.
    """

    id: str
    dimension: str | None
    why: Why
    took: float
    takes: float
    shift_low: float
    shift_high: float
    because: str

    @property
    def size(self) -> float:
        """The larger shift, whatever its sign."""
        return max(abs(self.shift_low), abs(self.shift_high))


@dataclass(frozen=True)
class DimensionMove:
    """A dimension before and after, each as (points, low, high); None where it did not exist."""

    id: str
    old: tuple[float, float, float] | None
    new: tuple[float, float, float] | None


@dataclass(frozen=True)
class Weight:
    """A dimension that counts for another number of points, and what that alone does to a run that kept this
    `share` of it before."""

    dimension: str
    old: float
    new: float
    share: float

    @property
    def shift(self) -> float:
        """In points; positive ones raise the score."""
        return round((self.new - self.old) * self.share, 6)


@dataclass(frozen=True)
class Move:
    """One run's score before and after, with what moved it, biggest first.

    `causes` tell the whole move rule by rule; `weights` tell it once more, as far as dimensions weigh anew.
    """

    run: str
    old: Score
    new: Score
    dimensions: tuple[DimensionMove, ...]
    causes: tuple[Cause, ...]
    weights: tuple[Weight, ...] = ()

    @property
    def size(self) -> float:
        """How far it moved: the larger of both ends' moves."""
        return max(abs(self.new.low - self.old.low), abs(self.new.high - self.old.high))

    @property
    def crossed(self) -> bool:
        """Whether it is in another tier, or came to have one or none."""
        return self.old.tier != self.new.tier


@dataclass(frozen=True)
class RankMove:
    """A contender (model and agent) before and after, by the mean of its scores' middles; ties share one.

    `old_places` and `new_places` are the first and the last place that chance leaves it, None if it was not
    asked.
    """

    contender: tuple[str, str]
    runs: int
    old_mean: float
    new_mean: float
    old_rank: int
    new_rank: int
    old_places: tuple[int, int] | None = None
    new_places: tuple[int, int] | None = None

    @property
    def surely(self) -> bool:
        """Whether it is in other places than before, whatever chance leaves open."""
        if self.old_places is None or self.new_places is None:
            return self.old_rank != self.new_rank
        return self.old_places[1] < self.new_places[0] or self.new_places[1] < self.old_places[0]


@dataclass(frozen=True)
class RubricDiff:
    """What changed between two rubrics, and what that did; biggest `moves` first, `still` runs stayed."""

    old: Rubric
    new: Rubric
    changes: tuple[Change, ...]
    moves: tuple[Move, ...] = ()
    still: int = 0
    ranks: tuple[RankMove, ...] = ()


@dataclass(frozen=True)
class Step:
    """A kept score, what changed since the one before (rubric, evidence), and what that moved."""

    at: datetime
    score: Score
    reasons: tuple[str, ...] = ()
    move: Move | None = None
