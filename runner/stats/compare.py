"""Two contestants, paired by task and epoch, so that what is hard for both does not count as noise.

How pairs are compared, and when a difference is more than noise: paired.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import comb
from statistics import fmean

from runner.core.comparison import Bounds, CheckGap, Gap, HeadToHead, Regression, RegressionState, Verdict
from runner.core.errors import UserError
from runner.stats.contestants import Contestant, contestant
from runner.stats.coverage import coverage
from runner.stats.estimates import SEED, estimate
from runner.stats.paired import LEAST_PAIRS, Noise, Paired, corrected, holm, paired
from runner.stats.samples import Sample, scored

Key = tuple[str, str, int, str]
Read = Callable[[Sample], Bounds | None]
Cells = dict[str, list[tuple[Bounds, Bounds]]]


@dataclass(frozen=True)
class Pair:
    """The trials of both in one cell: mostly one each."""

    task: str
    a: Sequence[Sample]
    b: Sequence[Sample]


def compare(samples: Sequence[Sample], a: str, b: str, seed: int = SEED) -> HeadToHead:
    """Raises UserError if a name is nobody's or several's, both are the same, or nothing can be paired."""
    first, second = contestant(a, samples), contestant(b, samples)
    if {s.run for s in first.samples} & {s.run for s in second.samples}:
        raise UserError(f"{a!r} and {b!r} share runs: name two models, or two agents of one as model:agent")
    pairs, by_agent = _paired(first, second)
    if not pairs:
        raise UserError(_why_no_pair(first, second))
    (total,) = _gaps([("total", "total", _most_points(pairs), _cells(pairs, _score))], seed)
    return HeadToHead(
        a=first.name,
        b=second.name,
        coverage=(coverage(first.samples).words(), coverage(second.samples).words()),
        left_out=(
            len(scored(first.samples)) - sum(len(pair.a) for pair in pairs),
            len(scored(second.samples)) - sum(len(pair.b) for pair in pairs),
        ),
        paired_by_agent=by_agent,
        total=total,
        dimensions=_dimensions(pairs, seed),
        tasks=_tasks(pairs, seed),
        checks=_checks(pairs),
    )


def regression(duel: HeadToHead, limit: float) -> Regression:
    """Of the old one (`a`) beside the new (`b`).

    WORSE: the mean drop is `limit` points or more for certain, and its 95 % interval lies above 0.
    UNCLEAR: it is or may be that much, and there are too few pairs to tell that from noise, or unknown checks
    decide. Else NOT_WORSE: the drop is smaller, or noise explains it.
    """
    drop, interval = duel.total.difference, duel.total.interval
    state, why = _state(drop, interval, limit, duel.total.n)
    return Regression(limit=limit, drop=drop, interval=interval, state=state, why=why)


def _state(drop: Bounds, interval: Bounds | None, limit: float, n: int) -> tuple[RegressionState, str]:
    least, most = drop
    if most < limit:
        return RegressionState.NOT_WORSE, f"the drop is below {limit:g} points"
    if interval is None:
        return RegressionState.UNCLEAR, "one pair says nothing of noise; run more epochs of both"
    if interval[0] + (most - least) <= 0:  # whatever the unknown checks turn out to be
        return RegressionState.NOT_WORSE, "noise explains the drop: its interval holds 0"
    if n < LEAST_PAIRS:
        return RegressionState.UNCLEAR, f"{n} pairs cannot tell it from noise; run more epochs of both"
    if least >= limit and interval[0] > 0:
        return RegressionState.WORSE, f"the drop is {limit:g} points or more, and more than noise"
    return RegressionState.UNCLEAR, "unknown checks decide whether it is worse; score those runs again"


# --- pairs


def score_pairs(a: Contestant, b: Contestant) -> Cells:
    """By task, the bounds of both in each cell that both have a score in; none where they never met."""
    return _cells(_paired(a, b)[0], _score)


def _paired(a: Contestant, b: Contestant) -> tuple[list[Pair], bool]:
    """By agent too where neither names one and they have one in common."""
    common = {s.agent for s in a.samples} & {s.agent for s in b.samples}
    by_agent = a.agent is None and b.agent is None and bool(common)
    first, second = _by_key(a.samples, by_agent), _by_key(b.samples, by_agent)
    keys = sorted(first.keys() & second.keys())
    return [Pair(key[0], first[key], second[key]) for key in keys], by_agent


def _by_key(samples: Iterable[Sample], by_agent: bool) -> dict[Key, list[Sample]]:
    found: dict[Key, list[Sample]] = defaultdict(list)
    for sample in scored(samples):
        found[(*sample.cell, sample.agent if by_agent else "")].append(sample)
    return found


def _why_no_pair(a: Contestant, b: Contestant) -> str:
    own = [scored(each.samples) for each in (a, b)]
    tasks = [", ".join(sorted({s.task for s in each})) or "none" for each in own]
    return (
        f"{a.name} and {b.name} have no task and epoch in common with a score for both: "
        f"{len(own[0])} scored trials ({tasks[0]}) and {len(own[1])} ({tasks[1]}); "
        "run or score what is missing"
    )


# --- lines of the comparison


def _cells(pairs: Iterable[Pair], read: Read) -> Cells:
    """By task, the bounds of both in each cell that both have the figure in."""
    cells: Cells = defaultdict(list)
    for pair in pairs:
        a, b = _mean(pair.a, read), _mean(pair.b, read)
        if a is not None and b is not None:
            cells[pair.task].append((a, b))
    return cells


def _mean(samples: Iterable[Sample], read: Read) -> Bounds | None:
    values = [value for s in samples if (value := read(s)) is not None]
    return (fmean(v[0] for v in values), fmean(v[1] for v in values)) if values else None


def _score(sample: Sample) -> Bounds | None:
    return sample.bounds


def _gaps(lines: Sequence[tuple[str, str, float, Cells]], seed: int) -> tuple[Gap, ...]:
    """Of (id, title, points, cells), corrected together."""
    family = corrected({id: paired(cells, seed) for id, _, _, cells in lines})
    return tuple(_gap(id, title, points, cells, family[id]) for id, title, points, cells in lines)


def _gap(id: str, title: str, points: float, cells: Cells, found: Paired) -> Gap:
    sides = [
        estimate({task: [pair[side] for pair in each] for task, each in cells.items()}) for side in (0, 1)
    ]
    difference, (a, b) = found.difference, sides
    assert difference is not None
    assert a is not None
    assert b is not None
    return Gap(
        id=id,
        title=title,
        points=points,
        n=found.n,
        a=(a.low, a.high),
        b=(b.low, b.high),
        difference=(difference.low, difference.high),
        interval=difference.interval,
        dz=found.dz,
        delta=found.cliffs_delta,
        p=found.p,
        p_holm=found.p_holm,
        verdict=_verdict(found),
    )


def _verdict(found: Paired) -> Verdict:
    assert found.difference is not None
    low, high = found.difference.low, found.difference.high
    if found.noise is Noise.BEYOND:
        return Verdict.AHEAD if low > 0 else Verdict.BEHIND
    if found.n > 1 and low < 0 < high:
        return Verdict.UNDECIDED
    return Verdict.TOO_FEW if found.noise is Noise.TOO_FEW else Verdict.NOISE


def _dimensions(pairs: Sequence[Pair], seed: int) -> tuple[Gap, ...]:
    """Each of each task: dimensions of different rubrics are no common measure."""
    lines = []
    tasks = sorted({pair.task for pair in pairs})
    for task in tasks:
        own = [pair for pair in pairs if pair.task == task]
        members = [s.dimensions for pair in own for s in (*pair.a, *pair.b)]
        for id, kept in members[0].items():
            if all(id in each for each in members):
                name = f"{task}.{id}" if len(tasks) > 1 else id
                lines.append((name, id.replace("_", " "), kept.points, _cells(own, _dimension(id))))
    return _gaps(lines, seed)


def _dimension(id: str) -> Read:
    return lambda s: (s.dimensions[id].low, s.dimensions[id].high) if id in s.dimensions else None


def _tasks(pairs: Sequence[Pair], seed: int) -> tuple[Gap, ...]:
    lines = []
    for task in sorted({pair.task for pair in pairs}):
        own = [pair for pair in pairs if pair.task == task]
        lines.append((task, task, _most_points(own), _cells(own, _score)))
    return _gaps(lines, seed)


def _most_points(pairs: Iterable[Pair]) -> float:
    return max(s.total or 0.0 for pair in pairs for s in (*pair.a, *pair.b))


def _checks(pairs: Sequence[Pair]) -> tuple[CheckGap, ...]:
    """Those that one fails in more pairs than the other, widest first."""
    graded = [(a, b) for pair in pairs for a, b in [(_graded(pair.a), _graded(pair.b))] if a and b]
    names = sorted({check for a, b in graded for s in (*a, *b) for check in s.failed})
    found = [_check(name, graded) for name in names]
    adjusted = holm([each.p for each in found])
    gaps = [each.model_copy(update={"p_holm": p}) for each, p in zip(found, adjusted, strict=True)]
    differing = (gap for gap in gaps if gap.only_a != gap.only_b)
    return tuple(sorted(differing, key=lambda gap: (-abs(gap.only_a - gap.only_b), gap.check)))


def _graded(samples: Iterable[Sample]) -> list[Sample]:
    """A run that left nothing fails everything, and so tells nothing of any check."""
    return [s for s in samples if not s.left_nothing]


def _check(check: str, graded: Sequence[tuple[list[Sample], list[Sample]]]) -> CheckGap:
    known = [(a, b) for a, b in graded if not any(check in s.unknown for s in (*a, *b))]
    outcomes = [(_fails(a, check), _fails(b, check)) for a, b in known]
    only_a, only_b = outcomes.count((True, False)), outcomes.count((False, True))
    return CheckGap(
        check=check,
        n=len(known),
        a_fails=sum(a for a, _ in outcomes),
        b_fails=sum(b for _, b in outcomes),
        only_a=only_a,
        only_b=only_b,
        p=sign_test_p(only_a, only_b),
        p_holm=1.0,
    )


def _fails(samples: Iterable[Sample], check: str) -> bool:
    """Of several trials in a cell: whether half of them or more do."""
    return fmean(check in s.failed for s in samples) >= 0.5


def sign_test_p(one_way: int, other_way: int) -> float:
    """Two-sided exact p of discordant pairs (McNemar's test in its exact form)."""
    n, fewer = one_way + other_way, min(one_way, other_way)
    return min(1.0, float(2 * sum(comb(n, i) for i in range(fewer + 1)) / 2**n))
