"""How figures of comparisons are shown."""

from __future__ import annotations

from runner.report.text import interval

Bounds = tuple[float, float]


def points(bounds: Bounds) -> str:
    """`68.3`, or `56-68.3` while something is undecided."""
    return interval(round(bounds[0], 1), round(bounds[1], 1))


def signed(bounds: Bounds) -> str:
    """`+3.1`, or `-1 to +4`."""
    low, high = (f"{round(b, 1) + 0.0:+g}" for b in bounds)
    return low if low == high else f"{low} to {high}"


def chance(bounds: Bounds | None) -> str:
    """The 95 % interval of a difference, or that one pair has none."""
    return "one pair" if bounds is None else f"[{bounds[0]:+.1f}, {bounds[1]:+.1f}]"
