"""Samples by hand: no archive, no rubric file."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.core.records import Usage
from runner.stats.samples import Kept, Sample, Standing

Make = Callable[..., Sample]


@pytest.fixture
def make() -> Make:
    return sample


def sample(
    low: float | None,
    epoch: int = 1,
    task: str = "t",
    model: str = "m",
    high: float | None = None,
    **more: object,
) -> Sample:
    """Tiers: A from 80, B from 50, C below. Without points it is INFRA unless told otherwise."""
    top = low if high is None else high
    if low is None or top is None:
        fields: dict[str, object] = {"standing": Standing.INFRA}
    else:
        names = ["A", "B", "C"]
        best, worst = (0 if x >= 80 else 1 if x >= 50 else 2 for x in (top, low))
        fields = {
            "standing": Standing.SCORED,
            "low": low,
            "high": top,
            "tiers": tuple(names[best : worst + 1]),
        }
    fields |= {"usage": Usage(requests=1, input_tokens=10, output_tokens=1, cost_usd=2.0), "wall_s": 1.0}
    fields |= {"run": f"{task}.{model}.e{epoch}/1", "task": task, "model": model, "epoch": epoch}
    return Sample.model_validate({"agent": "bash", "agent_version": "1"} | fields | more)


LEAST = {"A": 80, "B": 60, "C": 40, "D": 0}


@pytest.fixture
def scores() -> Make:
    """`scores("m", epoch, low, high)`: with a dimension, and four tiers."""
    return sample_of_model


def sample_of_model(
    model: str, epoch: int, low: float | None, high: float | None = None, **more: object
) -> Sample:
    """Without points it is a failure of infrastructure."""
    task, agent = more.get("task", "chat"), more.get("agent", "bash")
    top = low if high is None else high
    cost = more.pop("cost_usd", 1.0)
    fields: dict[str, object] = {
        "run": f"{task}.{model}.{agent}.e{epoch}/1",
        "task": task,
        "model": model,
        "agent": agent,
        "agent_version": "1",
        "epoch": epoch,
        "standing": Standing.INFRA if low is None else Standing.SCORED,
        "usage": Usage.model_validate({"requests": 1, "cost_usd": cost}),
    }
    if low is not None and top is not None:
        best = next(n for n, least in enumerate(LEAST.values()) if top >= least)
        worst = next(n for n, least in enumerate(LEAST.values()) if low >= least)
        fields |= {"low": low, "high": top, "total": 100, "tiers": tuple(LEAST)[best : worst + 1]}
        fields |= {"dimensions": {"all": Kept(points=100, low=low, high=top)}}
    return Sample.model_validate(fields | more)
