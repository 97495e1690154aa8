"""Standings for the site: each model with an agent, by task and over all tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import fmean

from runner.core.records import Run, Score
from runner.report.site.entries import ALL_TASKS, Standing

LEAST_COVERAGE = 0.5
STATISTICS = (
    "A score on the leaderboard is the mean over a model's trials; over several tasks, the mean of the tasks'"
    " means, so that no task counts more for having been run more often. The interval is the range from the"
    " lowest to the highest score of its trials, what is undecided included: it is what was seen, not a"
    " confidence interval. Models whose ranges overlap share their ranks. One trial says nothing of spread:"
    " it gets neither an interval nor a rank nor odds.",
    "A tier is named if more than half of the scored trials reached it, and at least half of the trials"
    " could be scored. Of a trial's attempts the last one counts; replays never do. Imported runs count with"
    " their score, but what others claim of their cost and time is not mixed with what was metered. A run"
    " that left no repository has no score, whoever is to blame; it shows as a trial that was not scored.",
    "All runs of a task are shown under one rubric: the one asked for, else the version that most of them"
    " have a score under, the newest of these. A run without a score under it says so.",
)
Graded = tuple[Run, Score | None]


def placings(graded: Iterable[Graded], tiers: Sequence[str]) -> list[Standing]:
    """Best first in each scope; all tasks are a scope if somebody ran each of them."""
    last = {run.trial.id: (run, score) for run, score in graded if run.replay_of is None}
    groups: dict[tuple[str, str, str], list[Graded]] = defaultdict(list)
    for run, score in last.values():
        groups[run.trial.task, run.trial.model, run.trial.agent].append((run, score))
    by_task = [_standing(key, members, tiers) for key, members in groups.items()]
    standings = [*by_task, *_over_all(by_task)]
    ordered = sorted(standings, key=lambda s: (s.scope, -1 if s.mean is None else -s.mean, s.model, s.agent))
    return [_ranked(standing, ordered) for standing in ordered]


def _standing(key: tuple[str, str, str], members: Sequence[Graded], tiers: Sequence[str]) -> Standing:
    scores = [score for _, score in members if score is not None]
    several = len(scores) > 1
    odds = {tier: sum(score.tier == tier for score in scores) / len(scores) for tier in tiers if scores}
    low, high = min((s.low for s in scores), default=None), max((s.high for s in scores), default=None)
    metered = [run for run, _ in members if run.imported is None]
    costs = [run.usage.cost_usd for run in metered if run.usage.cost_usd is not None]
    thin = bool(scores) and len(scores) / len(members) < LEAST_COVERAGE
    return Standing(
        *key,
        trials=len(members),
        scored=len(scores),
        mean=fmean((s.low + s.high) / 2 for s in scores) if scores else None,
        low=low if several or low != high else None,
        high=high if several or low != high else None,
        rank_low=None,
        rank_high=None,
        tier=None if thin else next((id for id, share in odds.items() if share > 0.5), None),
        tier_odds=odds if several else {},
        cost_usd=fmean(costs) if costs and len(costs) == len(metered) else None,
        wall_s=fmean(run.wall_s for run in metered) if metered else None,
        why_not="too few of its trials could be scored" if thin else "",
    )


def _over_all(by_task: Sequence[Standing]) -> list[Standing]:
    """Over all tasks: only of those that were scored in each."""
    tasks = {standing.scope for standing in by_task}
    groups: dict[tuple[str, str], list[Standing]] = defaultdict(list)
    for standing in by_task:
        if standing.mean is not None:
            groups[standing.model, standing.agent].append(standing)
    return [_joined(members) for members in groups.values() if len(members) == len(tasks) > 1]


def _joined(members: Sequence[Standing]) -> Standing:
    several = all(member.rank_basis for member in members)
    costs = [m.cost_usd for m in members if m.cost_usd is not None]
    times = [m.wall_s for m in members if m.wall_s is not None]
    tiers = {member.tier for member in members}
    odds = {tier: fmean(m.tier_odds.get(tier, 0) for m in members) for tier in members[0].tier_odds}
    return replace(
        members[0],
        scope=ALL_TASKS,
        trials=sum(m.trials for m in members),
        scored=sum(m.scored for m in members),
        mean=fmean(m.mean for m in members if m.mean is not None),
        low=fmean(m.low for m in members if m.low is not None) if several else None,
        high=fmean(m.high for m in members if m.high is not None) if several else None,
        tier=tiers.pop() if len(tiers) == 1 else None,
        tier_odds=odds if several else {},
        cost_usd=fmean(costs) if len(costs) == len(members) else None,
        wall_s=fmean(times) if len(times) == len(members) else None,
        why_not="differs by task" if len(tiers) > 1 else "",
    )


def _ranked(standing: Standing, everyone: Sequence[Standing]) -> Standing:
    """Its best and worst rank among those with a spread: after the surely better, before the worse."""
    if not standing.rank_basis:
        return standing
    rivals = [s for s in everyone if s.scope == standing.scope and s.rank_basis and s is not standing]
    better = sum(s.low > standing.high for s in rivals if s.low is not None and standing.high is not None)
    worse = sum(s.high < standing.low for s in rivals if s.high is not None and standing.low is not None)
    return replace(standing, rank_low=better + 1, rank_high=len(rivals) + 1 - worse)
