"""Standings for the site: each model with an agent, by task and over all tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

from runner.core.records import Run, Score
from runner.report.site.entries import ALL_TASKS, Standing

LEAST_COVERAGE = 0.5
Graded = tuple[Run, Score | None]


def placings(graded: Iterable[Graded], tiers: Sequence[str]) -> list[Standing]:
    """Best first in each scope. Replays do not count; of a trial's attempts the last one does."""
    last = {run.trial.id: (run, score) for run, score in graded if run.replay_of is None}
    groups: dict[tuple[str, str, str], list[Graded]] = defaultdict(list)
    for run, score in last.values():
        for scope in (run.trial.task, ALL_TASKS):
            groups[scope, run.trial.model, run.trial.agent].append((run, score))
    standings = [_standing(key, members, tiers) for key, members in groups.items()]
    ordered = sorted(standings, key=lambda s: (s.scope, -1 if s.mean is None else -s.mean, s.model, s.agent))
    return [_ranked(standing, ordered) for standing in ordered]


def _standing(key: tuple[str, str, str], members: Sequence[Graded], tiers: Sequence[str]) -> Standing:
    scope, model, agent = key
    scores = [score for _, score in members if score is not None]
    middles = [(score.low + score.high) / 2 for score in scores]
    odds = {tier: sum(score.tier == tier for score in scores) / len(scores) for tier in tiers if scores}
    tier = next((id for id, share in odds.items() if share > 0.5), None)
    thin = len(scores) / len(members) < LEAST_COVERAGE
    costs = [run.usage.cost_usd for run, _ in members]
    known = [cost for cost in costs if cost is not None]
    return Standing(
        scope=scope,
        model=model,
        agent=agent,
        trials=len(members),
        scored=len(scores),
        mean=fmean(middles) if middles else None,
        low=min((s.low for s in scores), default=None),
        high=max((s.high for s in scores), default=None),
        rank_low=None,
        rank_high=None,
        tier=None if thin else tier,
        tier_odds=odds,
        cost_usd=fmean(known) if len(known) == len(costs) else None,
        wall_s=fmean(run.wall_s for run, _ in members),
        why_not="too few of its trials could be scored" if thin and scores else "",
    )


def _ranked(standing: Standing, all_standings: Sequence[Standing]) -> Standing:
    """Its best and worst rank: behind those surely better, before those surely worse."""
    if standing.mean is None or standing.low is None or standing.high is None:
        return standing
    rivals = [
        s for s in all_standings if s.scope == standing.scope and s.mean is not None and s is not standing
    ]
    better = sum(s.low is not None and s.low > standing.high for s in rivals)
    worse = sum(s.high is not None and s.high < standing.low for s in rivals)
    ranks = {"rank_low": better + 1, "rank_high": len(rivals) + 1 - worse}
    return Standing(**{**standing.__dict__, **ranks})
