"""A small task in the base image, with scripts for its models, in a root of its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.agents.bash import AGENT
from runner.cli.settings import settings_from
from runner.core.records import Model, Task
from runner.pipeline.settings import DoorMode, Settings
from runner.pipeline.trials.benchmark import trial_of
from runner.pipeline.trials.trial import TrialJob
from runner.pipeline.workbench import Workbench, open_workbench
from runner.spec.models import load_catalogue, resolve_model
from runner.spec.tasks import load_task

PROJECT = Path(__file__).parents[2]
TASK: dict[str, Any] = {
    "id": "tiny",
    "title": "A tiny task",
    "sandbox": "base",
    "rubric": "rails_chat@2",
    "phases": [
        {"id": "build", "prompt": "prompt.md.j2", "limits": {"wall_s": 60}},
        {"id": "prove", "prompt": "prompt.md.j2", "limits": {"wall_s": 60}},
    ],
    "egress": ["allowed.example"],
    "resources": {"cpus": 1, "memory_mb": 256, "disk_mb": 64, "pids": 128},
}


@pytest.fixture
def door() -> DoorMode:
    """How sandboxes reach the gateway; tests that run in both modes say so."""
    return DoorMode.AUTO


@pytest.fixture
def settings(tmp_path: Path, door: DoorMode) -> Settings:
    """Settings whose root holds only the tiny task, and whose archive is empty."""
    root = tmp_path / "root"
    (root / "tasks/tiny").mkdir(parents=True)
    (root / "runner").mkdir()
    (root / "runner/models.yaml").symlink_to(PROJECT / "runner/models.yaml")
    for name in ("sandboxes", "rubrics"):
        (root / name).symlink_to(PROJECT / name)
    (root / "tasks/tiny/prompt.md.j2").write_text("Build it.")
    (root / "tasks/tiny/task.yaml").write_text(yaml.safe_dump(TASK))
    archive, models = tmp_path / "archive", tmp_path / "none"
    return replace(settings_from(os.environ), root=root, archive=archive, models=models, door=door)


@pytest.fixture
async def bench(settings: Settings, images: dict[str, str]) -> AsyncIterator[Workbench]:
    """Engine, gateway and archive for the tiny task."""
    async with open_workbench(settings, images) as bench:
        yield bench


@pytest.fixture
def job(settings: Settings) -> Callable[..., TrialJob]:
    """Makes a job of a scripted model, given what it runs in `build` and `prove`; or of a given model."""

    def make(
        *build: str,
        prove: tuple[str, ...] = (),
        model: Model | None = None,
        key: str | None = None,
        **task_changes: Any,
    ) -> TrialJob:
        folder = settings.tasks / "tiny/demos/x"
        (folder / "files").mkdir(parents=True, exist_ok=True)
        phases = {
            name: [*({"run": command} for command in commands), {"say": "done"}]
            for name, commands in (("build", build), ("prove", prove))
        }
        (folder / "script.yaml").write_text(yaml.safe_dump({"title": "x", "phases": phases}))
        task: Task = load_task("tiny", settings.tasks).model_copy(update=task_changes)
        catalogue = load_catalogue(settings.shipped_models, None)
        model = model or resolve_model("demo/x", catalogue, settings.tasks / "tiny")
        return TrialJob(trial_of(task, model, AGENT, 1), task, model, AGENT, key)

    return make
