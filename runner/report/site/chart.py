"""The chart of quality against cost: positions on a fixed grid, and the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from runner.report.site.entries import Standing

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 48, 24, 16, 48
LOG_FROM = 12.0


@dataclass(frozen=True)
class Point:
    """A standing in the chart; `low_y` and `high_y` are the ends of its interval's line."""

    standing: Standing
    x: float
    y: float
    low_y: float
    high_y: float
    on_front: bool
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True)
class Tick:
    """A grid line at `at` with its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """All that is drawn; `front` is the Pareto front's path, `unpriced` are left out for want of a cost."""

    points: Sequence[Point]
    front: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    logarithmic: bool
    unpriced: Sequence[Standing]


def chart_of(standings: Sequence[Standing]) -> Chart | None:
    """None if there are not two standings with a score and a cost, or nothing cost anything."""
    scored = [s for s in standings if s.mean is not None]
    priced = [s for s in scored if s.cost_usd is not None]
    costs = [s.cost_usd or 0.0 for s in priced]
    if len(priced) < 2 or max(costs) == 0:
        return None
    scale = _Scale(min(costs), max(costs))
    front = pareto_front(priced)
    placed = [_point(s, scale, s in front) for s in sorted(priced, key=lambda s: -(s.mean or 0))]
    return Chart(
        points=_without_overlaps(placed),
        front=_steps([p for p in placed if p.on_front]),
        x_ticks=[Tick(round(scale.x(value), 1), _dollars(value)) for value in scale.ticks()],
        y_ticks=[Tick(_y(value), str(value)) for value in range(0, 101, 20)],
        logarithmic=scale.logarithmic,
        unpriced=[s for s in scored if s.cost_usd is None],
    )


def pareto_front(standings: Sequence[Standing]) -> list[Standing]:
    """Those that no other beats in score or cost without being worse in the other, cheapest first."""
    front: list[Standing] = []
    best = -math.inf
    for standing in sorted(standings, key=lambda s: (s.cost_usd or 0.0, -(s.mean or 0.0))):
        if standing.mean is not None and standing.mean > best:
            front.append(standing)
            best = standing.mean
    return front


class _Scale:
    """Cost to a position: logarithmic if costs lie far apart and none is 0."""

    def __init__(self, low: float, high: float) -> None:
        self.logarithmic = low > 0 and high / low > LOG_FROM
        room = (high - low) * 0.08 or high * 0.2 or 1.0
        self.low, self.high = (
            (low / 1.3, high * 1.3) if self.logarithmic else (max(0, low - room), high + room)
        )

    def x(self, cost: float) -> float:
        low, high, at = (
            (math.log(self.low), math.log(self.high), math.log(cost))
            if self.logarithmic
            else (self.low, self.high, cost)
        )
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - low) / (high - low)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            values = [m * 10.0**power for power in powers for m in (1, 2, 5)]
            inside = [value for value in values if self.low <= value <= self.high]
            return inside[:: 1 + len(inside) // 8]
        step = _nice((self.high - self.low) / 5)
        first = math.ceil(self.low / step)
        return [n * step for n in range(first, math.floor(self.high / step) + 1)]


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= step), 10 * power)


def _y(score: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - score / 100), 1)


def _point(standing: Standing, scale: _Scale, on_front: bool) -> Point:
    mean = standing.mean or 0.0
    x, y = round(scale.x(standing.cost_usd or 0.0), 1), _y(mean)
    low, high = standing.low, standing.high
    at_right = x > WIDTH * 0.72
    return Point(
        standing=standing,
        x=x,
        y=y,
        low_y=_y(mean if low is None else low),
        high_y=_y(mean if high is None else high),
        on_front=on_front,
        label_x=x - 9 if at_right else x + 9,
        label_y=y + 4,
        anchor="end" if at_right else "start",
    )


def _without_overlaps(points: Sequence[Point]) -> list[Point]:
    """Labels moved down where they would cover one another; `points` come from the top down."""
    placed: list[Point] = []
    for point in points:
        label_y = point.label_y
        for other in sorted(placed, key=lambda p: p.label_y):
            near = abs(other.x - point.x) < 130 and abs(other.label_y - label_y) < 13
            label_y = other.label_y + 13 if near else label_y
        placed.append(Point(**{**point.__dict__, "label_y": round(min(label_y, HEIGHT - BOTTOM - 4), 1)}))
    return placed


def _steps(front: Sequence[Point]) -> str:
    """A staircase through the front, from the cheapest on."""
    ordered = sorted(front, key=lambda p: p.x)
    if len(ordered) < 2:
        return ""
    path = f"M{ordered[0].x} {ordered[0].y}"
    return path + "".join(f"H{point.x}V{point.y}" for point in ordered[1:])


def _dollars(value: float) -> str:
    return f"${value:.2f}" if value < 10 else f"${value:,.0f}" if value >= 100 else f"${value:.1f}"
