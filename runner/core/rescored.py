"""A run scored again, in short: what thousands of them are summed up from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Points:
    """A score without its reasons; `tier` is None while it is undecided. Digests are the rubric's and the
    evidence's."""

    rubric: str
    low: float
    high: float
    tier: str | None
    rubric_digest: str
    evidence_digest: str


@dataclass(frozen=True)
class Rescored:
    """A run's points now and, by its newest other score, before; None where there are none.

    `new` says that they were computed just now, `why_not` why there are none, `broken` what is damaged.
    """

    run: str
    now: Points | None
    before: Points | None = None
    new: bool = False
    why_not: str | None = None
    broken: str | None = None

    @property
    def shift(self) -> float:
        """How far it moved: the larger of both ends' moves, with its sign."""
        if self.now is None or self.before is None:
            return 0.0
        low, high = self.now.low - self.before.low, self.now.high - self.before.high
        return round(low if abs(low) > abs(high) else high, 6)

    @property
    def crossed(self) -> bool:
        """Whether it is in another tier than before, or came to have one or none."""
        return self.now is not None and self.before is not None and self.now.tier != self.before.tier
