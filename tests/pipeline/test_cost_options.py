"""`--max-cost` and `--spend-cap`, before anything is started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from runner.core.errors import UserError
from runner.core.records import Limits
from runner.pipeline.settings import Settings
from runner.pipeline.trials.benchmark import Plan, Request, make_plan

KEY = {"SHIPWORTHY_API_KEY": "sk-something", "ANTHROPIC_API_KEY": "sk-something"}
PRICED, UNPRICED = "anthropic/claude-opus-4-7", "mine@http://127.0.0.1:1/v1"


def plan(settings: Settings, model: str = PRICED, **options: float) -> Plan:
    return make_plan(Request(model, "tiny", "bash", **options), settings, KEY)  # type: ignore[arg-type]


def test_max_cost_bounds_the_run_and_makes_another_trial(settings: Settings) -> None:
    without, bounded, capped = plan(settings), plan(settings, max_cost_usd=2), plan(settings, spend_cap_usd=2)
    [job] = bounded.jobs
    assert job.task.limits is not None
    assert job.task.limits.cost_usd == 2
    assert "wall_s" not in job.task.limits.model_fields_set, "the time of the run stays that of its phases"
    assert job.trial.id != without.jobs[0].trial.id
    assert job.trial.id == plan(settings, max_cost_usd=2).jobs[0].trial.id, "so that it can be resumed"
    assert capped.jobs[0].trial.id == without.jobs[0].trial.id


def test_the_tasks_own_limit_is_never_raised(settings: Settings) -> None:
    path = settings.tasks / "tiny/task.yaml"
    document = yaml.safe_load(path.read_text()) | {"limits": {"cost_usd": 1, "requests": 7}}
    path.write_text(yaml.safe_dump(document))
    limits = plan(settings, max_cost_usd=2).jobs[0].task.limits
    assert limits == Limits(cost_usd=1, requests=7)
    assert plan(settings, max_cost_usd=0.5).jobs[0].task.limits == Limits(cost_usd=0.5, requests=7)


@pytest.mark.parametrize(
    ("option", "flag"), [("max_cost_usd", "--max-cost"), ("spend_cap_usd", "--spend-cap")]
)
def test_what_cannot_be_held_is_refused_with_the_way_out(
    settings: Settings, tmp_path: Path, option: str, flag: str
) -> None:
    assert plan(settings, UNPRICED).jobs, "without such an option a model needs no price"
    with pytest.raises(UserError, match=f"{flag} cannot be held; give its `prices` in your models.yaml"):
        plan(settings, UNPRICED, **{option: 1.0})
    own = tmp_path / "models.yaml"
    entry = {"provider": "anthropic", "name": "brand-new-9", "prices": {"input": 1, "output": 2}}
    own.write_text(yaml.safe_dump({"models": {"new": entry}}))
    assert plan(replace(settings, models=own), "new", **{option: 1.0}).jobs


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("option", ["max_cost_usd", "spend_cap_usd"])
def test_amounts_must_make_sense(settings: Settings, option: str, value: float) -> None:
    with pytest.raises(UserError, match="should be an amount of USD above 0"):
        plan(settings, **{option: value})
