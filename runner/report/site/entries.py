"""What the site is made from: runs with their scores, standings, rubrics and what checks mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from runner.core.records import Calibration, Improvement, Rubric, Run, Score
from runner.core.rubric_diff import RubricDiff
from runner.core.tree import SourceTree
from runner.core.variants import VariantSpread

ALL_TASKS = ""


@dataclass(frozen=True)
class Entry:
    """A run as the site shows it: its score, or why there is none.

    `folder` is the sealed run's, `artifacts` what probes kept of its tree, which need not exist.
    """

    run: Run
    score: Score | None
    why_not: str | None
    calibration: Calibration | None
    improvements: tuple[Improvement, ...]
    folder: Path
    artifacts: Path | None


@dataclass(frozen=True)
class Effort:
    """What a contender's runs took on average, and how surely they end in the best tier; None is unknown.

    `passes` are in words by name (pass@1, ...). Latencies are the median and the 95th percentile in seconds.
    """

    passes: Mapping[str, tuple[float, str]]
    input_tokens: float | None
    output_tokens: float | None
    tool_calls: float | None
    request_s: tuple[float | None, float | None]
    turn_s: tuple[float | None, float | None]
    cost_per_shipped_usd: float | None


@dataclass(frozen=True)
class Duel:
    """Two contenders (model, agent) beside each other, in a sentence."""

    a: tuple[str, str]
    b: tuple[str, str]
    words: str


@dataclass(frozen=True)
class Standing:
    """One model with one agent in one scope: a task, or all tasks (ALL_TASKS).

    `mean` is None where nothing could be scored; `low` and `high` bound it, None where one trial says
    nothing of spread. `rank_low`-`rank_high` are the ranks it may have: those of ties overlap; None where it
    was not scored in every task. `tier_odds` is by tier, best first, empty for one trial. `cost_usd` and
    `wall_s` are of one run on average, None if unknown. `coverage` says in words what the mean rests on.
    """

    scope: str
    model: str
    agent: str
    trials: int
    scored: int
    mean: float | None
    low: float | None
    high: float | None
    rank_low: int | None
    rank_high: int | None
    tier: str | None
    tier_odds: Mapping[str, float]
    cost_usd: float | None
    wall_s: float | None
    why_not: str = ""
    coverage: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    effort: Effort | None = None

    @property
    def undecided(self) -> bool:
        """Whether the bounds lie apart from the mean."""
        return self.low is not None and self.high is not None and self.low < self.high


@dataclass(frozen=True)
class CheckMeaning:
    """What a check says, why it matters, how it is decided, and an example of either kind."""

    check: str
    statement: str
    probe: str
    version: int
    why: str
    how: str
    unknown: str
    good: str
    bad: str


@dataclass(frozen=True)
class Method:
    """Versions and digests: what a figure on the site was made with."""

    program: str
    made: datetime
    archive: str
    tasks: Sequence[tuple[str, str, str]]
    images: Sequence[str]
    manifests: Sequence[tuple[str, str, str]]
    probes: Sequence[tuple[str, int, bool]]
    statistics: Sequence[str]
    damaged: Mapping[str, str]


@dataclass(frozen=True)
class Material:
    """All that a site is made from. `read_tree` gives the files of a run's tree, None if it left none."""

    entries: Sequence[Entry]
    standings: Sequence[Standing]
    rubrics: Sequence[Rubric]
    checks: Mapping[str, CheckMeaning]
    changes: Sequence[RubricDiff]
    method: Method
    duels: Sequence[Duel]
    spreads: Sequence[VariantSpread]
    read_tree: Callable[[Run], SourceTree | None]
