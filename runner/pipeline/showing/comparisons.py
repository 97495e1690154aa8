"""Questions put to the samples of an archive: who is better, is it worse now, what to take."""

from __future__ import annotations

from collections.abc import Mapping

from runner.core.comparison import HeadToHead, Recommendation, Regression
from runner.pipeline.settings import Settings
from runner.pipeline.showing.standings import Samples
from runner.spec.tasks import load_task, task_ids
from runner.stats import compare, recommend


def head_to_head(loaded: Samples, a: str, b: str) -> HeadToHead:
    """Two contestants by name. Raises UserError as `compare` does."""
    return compare.compare(loaded.samples, a, b)


def regression(duel: HeadToHead, limit: float) -> Regression:
    """Whether the second is worse than the first by `limit` points or more."""
    return compare.regression(duel, limit)


def shapes(settings: Settings) -> dict[str, dict[str, str]]:
    """The shape of every task."""
    return {id: load_task(id, settings.tasks).shape for id in task_ids(settings.tasks)}


def recommended(
    loaded: Samples, shape: Mapping[str, str], known: Mapping[str, Mapping[str, str]]
) -> Recommendation:
    """A model for a shape, among those of `known` tasks. Raises UserError for what no task has."""
    return recommend.recommend(shape, known, loaded.samples, loaded.tiers)
