"""A model for a shape of task, from what was seen on tasks of that shape.

Whoever may rank first is in question, if its mean is within CLOSE points of the best. Of these the cheapest
is taken, but where stakes are high the one whose interval ends highest at its lower end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.core.comparison import Recommendation
from runner.core.errors import UserError
from runner.stats.coverage import LEAST_COVERAGE
from runner.stats.estimates import SEED
from runner.stats.leaderboard import ALL_TASKS, Row, leaderboard
from runner.stats.samples import Sample, scored

CLOSE = 5.0
LEAST_TRIALS = 3
FIRM_TRIALS = 6
Shape = Mapping[str, str]


def matching(shape: Shape, tasks: Mapping[str, Shape]) -> tuple[tuple[str, ...], bool]:
    """The tasks of a shape, else those that have most of it; and whether they have the whole.

    Raises UserError for a key or value that no task has.
    """
    known: dict[str, set[str]] = {}
    for each in tasks.values():
        for key, value in each.items():
            known.setdefault(key, set()).add(value)
    for key, value in shape.items():
        if key not in known:
            raise UserError(f"--shape: no task has a {key!r}; known: {', '.join(sorted(known))}")
        if value not in known[key]:
            values = ", ".join(sorted(known[key]))
            raise UserError(f"--shape: no task is {key}={value}; known values of {key}: {values}")
    shared = {id: sum(own.get(k) == v for k, v in shape.items()) for id, own in tasks.items()}
    best = max(shared.values(), default=0)
    return tuple(sorted(id for id, number in shared.items() if number == best)), best == len(shape)


def recommend(
    shape: Shape,
    tasks: Mapping[str, Shape],
    samples: Sequence[Sample],
    tiers: Sequence[str],
    seed: int = SEED,
) -> Recommendation:
    """Raises UserError as `matching` does."""
    wanted, exact = matching(shape, tasks)
    ran = sorted({s.task for s in scored(samples) if s.task in wanted})
    scope = ALL_TASKS if len(ran) > 1 else (ran or [""])[0]
    rows = leaderboard([s for s in samples if s.task in ran], tiers, seed) if ran else []
    field = [row for row in rows if row.scope == scope and not row.missing]
    able = [row for row in field if row.score and row.score.n >= LEAST_TRIALS and row.coverage.enough]
    chosen, reasons, rivals = _choose(able, shape) if able else (None, (), [])
    firm = exact and not rivals and bool(chosen and chosen.score and chosen.score.n >= FIRM_TRIALS)
    return Recommendation(
        shape=dict(shape),
        tasks=wanted,
        exact=exact,
        model=chosen.model if chosen else None,
        agent=chosen.agent if chosen else None,
        firm=firm,
        reasons=(_evidence(chosen), *reasons) if chosen else (),
        doubts=(*_doubts_of_tasks(shape, wanted, exact, ran), *_doubts(chosen, rivals, field)),
    )


def _evidence(row: Row) -> str:
    score, (best, odds) = row.score, next(iter(row.odds.items()), ("", 0.0))
    assert score is not None
    low, high = score.interval or (score.low, score.high)
    cost = "an unknown cost" if row.conduct.cost_usd is None else f"${row.conduct.cost_usd:,.2f}"
    return (
        f"its mean is {score.mean:.1f} [{low:.1f}, {high:.1f}], {row.coverage.words()}, "
        f"tier {best} in {odds:.0%}, at {cost} a run"
    )


def name_of(row: Row) -> str:
    """`model with agent`."""
    return f"{row.model} with {row.agent}"


def _choose(able: Sequence[Row], shape: Shape) -> tuple[Row, tuple[str, ...], list[Row]]:
    """The one to take, why, and who else may be the best."""
    top = max(able, key=_middle)
    first = [s for s in able if s is top or (s.rank is not None and s.rank[0] == 1)]
    close = [s for s in first if _middle(s) >= _middle(top) - CLOSE]
    priced = [s for s in close if s.conduct.cost_usd is not None]
    if len(close) == 1:
        chosen, why = top, f"it has the best mean, and none that may be as good is within {CLOSE:g} points"
    elif shape.get("stakes") == "high":
        chosen = max(close, key=lambda s: (_floor(s), _middle(s), s.model, s.agent))
        why = f"stakes are high, and of {len(close)} that may be the best it is surest not to do badly"
    elif priced:
        chosen = min(priced, key=lambda s: (s.conduct.cost_usd or 0.0, -_middle(s), s.model, s.agent))
        why = f"of {len(close)} that may be the best and lie within {CLOSE:g} points it costs least"
    else:
        chosen, why = top, f"it has the best mean of {len(close)} that may be the best; no cost is known"
    return chosen, (why,), [s for s in first if s is not chosen]


def _middle(row: Row) -> float:
    return row.score.mean if row.score else 0.0


def _floor(row: Row) -> float:
    return row.score.interval[0] if row.score and row.score.interval else 0.0


def _doubts_of_tasks(shape: Shape, wanted: Sequence[str], exact: bool, ran: Sequence[str]) -> list[str]:
    asked = ", ".join(f"{key}={value}" for key, value in shape.items())
    doubts = [] if exact else [f"no task is {asked}; {', '.join(wanted)} come nearest"]
    if not ran:
        return [*doubts, f"no trial of {', '.join(wanted)} has a score"]
    if len(ran) == 1:
        doubts.append(f"all evidence is of one task, {ran[0]}; others of this shape may differ")
    lacking = sorted(set(wanted) - set(ran))
    return [*doubts, f"nothing was scored of {', '.join(lacking)}"] if lacking else doubts


def _doubts(chosen: Row | None, rivals: Sequence[Row], field: Sequence[Row]) -> list[str]:
    if chosen is None or chosen.score is None:
        most = max((s.score.n for s in field if s.score), default=0)
        return [
            f"too little evidence: {LEAST_TRIALS} scored trials are needed, of at least "
            f"{LEAST_COVERAGE:.0%} of all; the most that any model has is {most}"
        ]
    doubts = []
    if chosen.score.n < FIRM_TRIALS:
        doubts.append(f"{chosen.score.n} scored trials are few")
    if rivals:
        names = ", ".join(name_of(s) for s in rivals[:5])
        more = f" and {len(rivals) - 5} more" if len(rivals) > 5 else ""
        doubts.append(f"chance does not rule out that one of these is better: {names}{more}")
    if chosen.coverage.undecided:
        doubts.append(f"{chosen.coverage.undecided} of its scores are undecided")
    return doubts
