"""How many trials the figures rest on; told beside every mean."""

from __future__ import annotations

from collections.abc import Sequence

from runner.core.records import Record
from runner.stats.samples import Sample, Standing

LEAST_COVERAGE = 2 / 3
"""Two of three epochs. Below, no tier is named: what is missing may not be missing by chance."""


class Coverage(Record):
    """Trials by what is known of them. `undecided` and `nothing` are of the `scored` ones: scores that are
    intervals, and failures of the model that left nothing and count 0."""

    trials: int
    scored: int
    infra: int
    harness: int
    unscored: int
    undecided: int
    nothing: int

    @property
    def share(self) -> float:
        """The scored ones among all, 0 without any."""
        return self.scored / self.trials if self.trials else 0.0

    @property
    def enough(self) -> bool:
        """Whether a tier may be named."""
        return self.share >= LEAST_COVERAGE - 1e-9

    def words(self) -> str:
        """`5 of 8 scored, 2 infra, 1 not scored`."""
        parts = [
            (self.infra, "infra"),
            (self.harness, "harness"),
            (self.unscored, "not scored"),
            (self.undecided, "undecided"),
            (self.nothing, "left nothing"),
        ]
        return ", ".join([f"{self.scored} of {self.trials} scored", *(f"{n} {w}" for n, w in parts if n)])


def coverage(samples: Sequence[Sample]) -> Coverage:
    """Of one contender's samples."""

    def number(standing: Standing) -> int:
        return sum(s.standing is standing for s in samples)

    known = [s for s in samples if s.standing is Standing.SCORED]
    return Coverage(
        trials=len(samples),
        scored=len(known),
        infra=number(Standing.INFRA),
        harness=number(Standing.HARNESS),
        unscored=number(Standing.UNSCORED),
        undecided=sum(s.low != s.high for s in known),
        nothing=sum(s.left_nothing for s in known),
    )
