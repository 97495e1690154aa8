"""`run --variant`: which trials it makes, before anything is started."""

from __future__ import annotations

from runner.core.records import Trial
from runner.pipeline.settings import Settings
from runner.pipeline.trials.benchmark import Request, make_plan

KEY = {"ANTHROPIC_API_KEY": "sk-something"}


def trials(settings: Settings, variant: str | None, epochs: int = 1) -> list[Trial]:
    request = Request("anthropic/claude-opus-4-7", "tiny", "bash", epochs, variant=variant)
    return [job.trial for job in make_plan(request, settings, KEY).jobs]


def test_a_variant_makes_trials_of_its_own_and_leaves_the_others_alone(settings: Settings) -> None:
    [before] = trials(settings, None)
    folder = settings.tasks / "tiny/variants/terse"
    folder.mkdir(parents=True)
    prompt = next((settings.tasks / "tiny").rglob("*.md.j2"))
    (folder / prompt.name).write_text("The same, in other words.")
    every = trials(settings, "all", epochs=2)
    assert [(t.variant, t.epoch) for t in every] == [(None, 1), (None, 2), ("terse", 1), ("terse", 2)]
    assert every[0] == before
    assert trials(settings, "terse") == [every[2]]
    assert every[2].task_digest != before.task_digest
    assert every[2].id.startswith("tiny~terse.")


def test_a_trial_without_a_variant_keeps_the_name_it_always_had() -> None:
    fields = {"task": "t", "task_digest": "d", "model": "m", "model_digest": "e", "agent": "a"}
    trial = Trial(**fields, agent_version="1", epoch=1)
    assert "variant" not in trial.model_dump(mode="json")
    assert trial.id == "t.m.a.e1.393fef38"
    assert Trial.model_validate_json(trial.canonical()) == trial
