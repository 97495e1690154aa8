"""What a rescore of many runs came to: counts, tiers, who moved, and what could not be graded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from runner.core.rescored import Points, Rescored
from runner.report.text import clean, interval

MOST_MOVES = 15
MOST_REASONS = 8


def as_text(rubric: str, tiers: Sequence[str], results: Sequence[Rescored]) -> str:
    """A few lines, however many runs there are; `tiers` best first."""
    return "\n".join(_lines(rubric, tiers, results)) + "\n"


def _lines(rubric: str, tiers: Sequence[str], results: Sequence[Rescored]) -> Iterator[str]:
    scored = [each for each in results if each.now is not None]
    new, kept = sum(each.new for each in scored), sum(not each.new for each in scored)
    yield f"{rubric}: {_runs(len(scored))} scored: {new:,} new, {kept:,} were there already"
    counts = Counter(each.now.tier or "undecided" for each in scored if each.now)
    told = [f"{tier} {counts[tier]:,}" for tier in (*tiers, "undecided") if counts[tier]]
    yield f"  tiers: {', '.join(told) or 'none'}"
    yield from _moves(scored)
    yield from _not_graded(results)
    for each in results:
        if each.broken:
            yield f"  damaged: {clean(each.run)}: {clean(each.broken)}"


def _moves(scored: Sequence[Rescored]) -> Iterator[str]:
    known = [each for each in scored if each.before is not None]
    if not known:
        yield "  none of them had another score before"
        return
    moved = [each for each in known if each.shift or each.crossed]
    crossed = sum(each.crossed for each in moved)
    yield (
        f"  beside the score before: {len(moved):,} of {_runs(len(known))} moved, "
        f"{crossed:,} into another tier"
    )
    moved.sort(key=lambda each: (not each.crossed, -abs(each.shift), each.run))
    for each in moved[:MOST_MOVES]:
        assert each.before is not None
        assert each.now is not None
        yield f"    {clean(each.run)}: {_points(each.before)} -> {_points(each.now)}"
    if (more := len(moved) - MOST_MOVES) > 0:
        yield f"    and {more:,} more"
    if moved:
        yield "    what moved them: shipworthy rubric diff OLD NEW --all"


def _points(points: Points) -> str:
    return f"{interval(points.low, points.high)} ({points.tier or 'no tier'}, {points.rubric})"


def _not_graded(results: Sequence[Rescored]) -> Iterator[str]:
    reasons = Counter(each.why_not for each in results if each.why_not and not each.broken)
    if not reasons:
        return
    yield f"  not graded: {_runs(sum(reasons.values()))}"
    for reason, number in reasons.most_common(MOST_REASONS):
        yield f"    {number:,}: {clean(reason or '')}"
    if (more := sum(reasons.values()) - sum(n for _, n in reasons.most_common(MOST_REASONS))) > 0:
        yield f"    and {more:,} for other reasons"


def _runs(number: int) -> str:
    return f"{number:,} run{'s' * (number != 1)}"
