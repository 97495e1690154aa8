"""From a synthetic archive to samples: what counts, and under which rubric."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.synthetic import Plan, make
from runner.cli.settings import settings_from
from runner.core.records import Blame, Failure, RunStatus
from runner.pipeline.archives import open_archive
from runner.pipeline.showing.standings import load_samples, standings
from runner.stats.samples import Standing, counting

RUNS = 48


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    make(Plan(folder, RUNS, seed=3, repositories=1))
    return folder


def settings_of(archive: Path):
    return settings_from(os.environ, archive)


def test_every_trial_is_a_sample_and_nothing_is_left_behind(archive: Path) -> None:
    before = sorted(archive.rglob("*.json"))
    counted: list[int] = []
    loaded = load_samples(settings_of(archive), done=counted.append)
    assert len(loaded.samples) == sum(counted) == RUNS
    assert {s.task for s in loaded.samples} == {"rails_chat", "notes_cli"}
    assert loaded.tiers[0] == "A"
    assert sum(s.traffic is not None for s in loaded.samples) == 1
    assert {row.scope for row in standings(loaded)} == {"", "notes_cli", "rails_chat"}
    assert sorted(archive.rglob("*.json")) == before


def test_a_rubric_leaves_out_tasks_it_was_not_written_for(archive: Path) -> None:
    loaded = load_samples(settings_of(archive), "notes_cli@1", traffic=False)
    assert {s.task for s in loaded.samples} == {"notes_cli"}
    assert "rails_chat" in loaded.left_out


def test_an_older_rubric_is_computed_from_the_evidence(archive: Path) -> None:
    loaded = load_samples(settings_of(archive), "rails_chat@1", traffic=False)
    assert any(s.standing is Standing.SCORED for s in loaded.samples)


def test_a_later_attempt_or_trial_of_a_cell_replaces_it_unless_it_settled_nothing(archive: Path) -> None:
    run = next(r for r in open_archive(settings_of(archive)).runs() if r.failure is None)
    later = run.model_copy(update={"attempt": 2, "started": run.finished})
    edited = later.model_copy(update={"trial": run.trial.model_copy(update={"task_digest": "other"})})
    down = Failure(kind=Blame.INFRA, code="sandbox", message="gone")
    broken = later.model_copy(update={"status": RunStatus.FAILED, "failure": down, "attempt": 3})
    replay = later.model_copy(update={"replay_of": run.id})
    assert counting([run, later]) == counting([later, run]) == [later]
    assert counting([run, edited]) == [edited]
    assert counting([run, broken, replay]) == [run]
