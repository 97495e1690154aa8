"""How much a contender's score hangs on the words of the task: what `runner.stats` finds and reports show."""

from __future__ import annotations

from enum import StrEnum

from runner.core.records import Record

Bounds = tuple[float, float]
ORIGINAL = "original"
"""The task's own words, beside its named variants."""


class Reading(StrEnum):
    """What the spread between variants says.

    SUSPECT: better in the original words than in others by more than noise, as one would be who had seen them
    before. SENSITIVE: variants differ by more than noise, but not in that way. STEADY: noise explains the
    differences. TOO_FEW: trials to tell; two of each variant, and as many as p can become small enough with.
    """

    SUSPECT = "suspect"
    SENSITIVE = "sensitive"
    STEADY = "steady"
    TOO_FEW = "too_few"


class VariantMean(Record):
    """The scored trials in the words of one variant; `mean` is the middle of what it may be."""

    variant: str
    n: int
    mean: float
    low: float
    high: float


class VariantSpread(Record):
    """One contender on one task that it was asked in several wordings.

    `spread` is the best variant's mean less the worst's. `original_lead` is the mean in the original words
    less that over the others (None without either), with its 95 % interval. Both p are of permuting which
    trial had which words (two-sided for `spread`, one-sided for the lead); `p` are corrected by Holm over all
    contenders.
    """

    task: str
    model: str
    agent: str
    variants: tuple[VariantMean, ...]
    spread: float
    p_spread: float | None
    original_lead: float | None
    lead_interval: Bounds | None
    p_lead: float | None
    reading: Reading
