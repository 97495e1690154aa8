"""Ranks before and after an edit of a rubric, with what chance leaves open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from runner.core.records import Run, Score
from runner.core.rubric_diff import Move, RankMove, RubricDiff
from runner.stats.ranks import Rank, rank_intervals
from runner.stats.samples import Contender, counting


def with_places(diff: RubricDiff, moves: Iterable[Move], runs: Sequence[Run]) -> RubricDiff:
    """The comparison with each rank as an interval: of the runs that count (the newest of each cell), task by
    task. What moved within chance then shows as such; those that surely moved come first."""
    counted = {run.id: run for run in counting(runs)}
    own = [move for move in moves if move.run in counted]
    before = _places([move.old for move in own], counted)
    after = _places([move.new for move in own], counted)
    ranks = [
        replace(rank, old_places=before.get(rank.contender), new_places=after.get(rank.contender))
        for rank in diff.ranks
    ]
    return replace(diff, ranks=tuple(sorted(ranks, key=_order)))


def _places(scores: Iterable[Score], runs: Mapping[str, Run]) -> dict[Contender, Rank]:
    field: dict[Contender, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for score in scores:
        trial = runs[score.run].trial
        field[trial.model, trial.agent][trial.task].append((score.low, score.high))
    return rank_intervals(field)


def _order(rank: RankMove) -> tuple[bool, int, int, Contender]:
    return not rank.surely, -abs(rank.new_rank - rank.old_rank), rank.new_rank, rank.contender
