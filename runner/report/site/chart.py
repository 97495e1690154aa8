"""The chart of quality against cost: positions on a fixed grid, and the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runner.report.site.entries import Standing

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 48, 24, 16, 48
LOG_FROM = 12.0
MAX_LABEL = 28
CHARACTER = 7.4
_Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Label:
    """A name beside a point, where it covers no other."""

    text: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True)
class Point:
    """A standing in the chart; `low_y` and `high_y` are the ends of its interval's line."""

    standing: Standing
    x: float
    y: float
    low_y: float
    high_y: float
    on_front: bool
    label: Label | None = None


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
        points=_labelled(placed),
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
    low, high = standing.low, standing.high
    return Point(
        standing=standing,
        x=round(scale.x(standing.cost_usd or 0.0), 1),
        y=_y(mean),
        low_y=_y(mean if low is None else low),
        high_y=_y(mean if high is None else high),
        on_front=on_front,
    )


def _labelled(points: Sequence[Point]) -> list[Point]:
    """With names where there is room, those of the front first; the others' are in title and table."""
    taken = [(p.x - 7, p.y - 7, p.x + 7, p.y + 7) for p in points]
    labels: dict[int, Label] = {}
    for n in sorted(range(len(points)), key=lambda n: not points[n].on_front):
        for label, box in _places(points[n]):
            inside = box[0] >= LEFT and box[2] <= WIDTH and box[1] >= 0 and box[3] <= HEIGHT - BOTTOM
            if inside and not any(_overlap(box, other) for other in taken):
                labels[n] = label
                taken.append(box)
                break
    return [replace(point, label=labels.get(n)) for n, point in enumerate(points)]


def _places(point: Point) -> Iterator[tuple[Label, _Box]]:
    """Where its name may stand, the best place first; with the room it takes there."""
    text = point.standing.model.rsplit("/", 1)[-1][:MAX_LABEL] or point.standing.model[:MAX_LABEL]
    width = len(text) * CHARACTER
    for dx, dy, anchor in ((10, 4, "start"), (-10, 4, "end"), (0, -12, "middle"), (0, 20, "middle")):
        x, y = round(point.x + dx, 1), round(point.y + dy, 1)
        left = {"start": x, "end": x - width, "middle": x - width / 2}[anchor]
        yield Label(text, x, y, anchor), (left, y - 11, left + width, y + 3)


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _steps(front: Sequence[Point]) -> str:
    """A staircase through the front, from the cheapest on."""
    ordered = sorted(front, key=lambda p: p.x)
    if len(ordered) < 2:
        return ""
    path = f"M{ordered[0].x} {ordered[0].y}"
    return path + "".join(f"H{point.x}V{point.y}" for point in ordered[1:])


def _dollars(value: float) -> str:
    return f"${value:.2f}" if value < 10 else f"${value:,.0f}" if value >= 100 else f"${value:.1f}"
