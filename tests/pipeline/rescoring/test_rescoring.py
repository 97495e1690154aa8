"""Thousands of runs scored again, on a small synthetic archive: nothing twice, the same whoever does it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from benchmarks.synthetic import Plan, make
from runner.cli.main import main
from runner.cli.settings import settings_from
from runner.core.errors import UserError
from runner.core.records import Run
from runner.pipeline.archives import open_archive
from runner.pipeline.grading.grader import get_rubric, lacking_lab
from runner.pipeline.grading.rescoring import Work, rescore
from runner.pipeline.rubrics.history import released_base
from runner.pipeline.settings import Settings

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("synthetic") / "archive"
    make(Plan(root, 60, seed=7, scores=False, repositories=1))
    return replace(settings_from(os.environ), archive=root)


@pytest.fixture
def runs(settings: Settings) -> list[Run]:
    return [run for run in open_archive(settings).runs() if run.trial.task == "rails_chat"]


def score_files(settings: Settings, rubric: str) -> dict[str, bytes]:
    found = settings.archive.glob(f"scores/{rubric}-*/*/*.json*")
    return {str(path): path.read_bytes() for path in found}


def kept(settings: Settings, runs: list[Run], rubric: str) -> int:
    archive = open_archive(settings)
    return sum(len(archive.scores(run, get_rubric(rubric, settings))) for run in runs)


def test_synthetic_archives_are_sound_and_depend_on_the_seed_alone(
    settings: Settings, tmp_path: Path
) -> None:
    assert [c for _, c in open_archive(settings).verify() if c] == []
    make(Plan(tmp_path / "again", 60, seed=7, scores=False, repositories=1), jobs=2)

    def files(root: Path) -> dict[str, bytes]:
        paths = (p for kind in ("runs", "evidence") for p in (root / kind).rglob("*") if p.is_file())
        return {str(p.relative_to(root)): p.read_bytes() for p in paths}

    assert files(tmp_path / "again") == files(settings.archive)


def test_a_second_rescore_computes_and_writes_nothing(
    settings: Settings, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(settings, (get_rubric("rails_chat@2", settings),))
    counted: list[int] = []
    (first,) = rescore(work, runs, counted.append)
    assert sum(counted) == len(runs)
    before = score_files(settings, "rails_chat@2")
    assert kept(settings, runs, "rails_chat@2") == sum(graded.score is not None for graded in first) > 20
    monkeypatch.setattr("runner.scoring.evaluate.Evaluator.score", None)  # would raise
    (second,) = rescore(work, runs, counted.append)
    assert second == first
    assert score_files(settings, "rails_chat@2") == before


def test_what_an_interrupt_left_undone_is_all_that_is_done(settings: Settings, runs: list[Run]) -> None:
    work = Work(settings, (get_rubric("rails_chat@1", settings),))
    rescore(work, runs[:10], lambda more: None)
    before = score_files(settings, "rails_chat@1")
    (results,) = rescore(work, runs, lambda more: None)
    after = score_files(settings, "rails_chat@1")
    assert before
    assert before.items() < after.items()
    assert kept(settings, runs, "rails_chat@1") == sum(graded.score is not None for graded in results)
    assert [c for _, c in open_archive(settings).verify() if c] == []


def test_several_processes_find_the_same_in_the_same_order(settings: Settings, runs: list[Run]) -> None:
    rubric = get_rubric("rails_chat@2", settings)
    tried = Work(settings, (rubric,), frozenset({rubric.digest()}))
    assert rescore(tried, runs, lambda more: None, jobs=2) == rescore(tried, runs, lambda more: None, jobs=1)


def test_containers_are_wanted_only_by_runs_that_lack_evidence(settings: Settings, runs: list[Run]) -> None:
    rubric = get_rubric("rails_chat@2", settings)
    assert lacking_lab(settings, runs, rubric) == []
    run = next(run for run in runs if run.tree)
    (found,) = (settings.archive / "evidence" / str(run.tree)).glob("boot-*.json")
    away = found.rename(found.with_suffix(".away"))
    assert [each.id for each in lacking_lab(settings, runs, rubric)] == [run.id]
    away.rename(found)


def test_without_an_engine_the_others_are_scored_and_nothing_gets_worse(
    settings: Settings,
    runs: list[Run],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    monkeypatch.setenv("SHIPWORTHY_NO_INSTALL", "1")
    run = next(run for run in runs if run.tree and run.failure is None)
    (found,) = (settings.archive / "evidence" / str(run.tree)).glob("suite-*.json")
    away = found.rename(found.with_suffix(".away"))
    command = ("--rubric", "rails_chat@2", "--archive", str(settings.archive))
    before = kept(settings, [run], "rails_chat@2")
    try:
        assert main(["rescore", "--all", *command]) == 1
        shown = capsys.readouterr()
        assert main(["rescore", run.id, *command]) == 2
    finally:
        away.rename(found)
    reason = "it must be tried in a container, and none can be started"
    assert f"left as they were: 1 run: {reason}" in shown.err
    assert "29 runs scored" in shown.out
    assert f"1: {reason}" in shown.out
    assert kept(settings, [run], "rails_chat@2") == before


def test_an_edit_is_tried_without_leaving_scores(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = yaml.safe_load((settings.rubrics / "rails_chat/v2.yaml").read_text())
    edited = next(d for d in data["dimensions"] if d["id"] == "deliverables")
    next(d for d in edited["deductions"] if d["id"] == "no_compose")["points"] = 20
    (tmp_path / "edit.yaml").write_text(yaml.safe_dump(data))
    before = score_files(settings, "rails_chat@2")
    where = ["--archive", str(settings.archive)]
    assert main(["rubric", "try", str(tmp_path / "edit.yaml"), *where, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [change["words"] for change in said["changes"]] == [
        "deduction no_compose of deliverables costs 20 (was: 5)"
    ]
    assert said["moves"]
    assert all("no_compose" in {cause["id"] for cause in move["causes"]} for move in said["moves"])
    assert score_files(settings, "rails_chat@2") == before
    assert (
        main(["rubric", "diff", "rails_chat@1", "rails_chat@2", "--all", *where, "--format", "markdown"]) == 0
    )
    assert "## Who moved" in capsys.readouterr().out
    run = next(r.id for r in open_archive(settings).runs() if r.trial.task == "rails_chat" and r.tree)
    assert main(["history", run, *where]) == 0
    assert "since the one before: another rubric" in capsys.readouterr().out


def test_an_edit_that_changes_nothing_moves_nobody(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    same = str(settings.rubrics / "rails_chat/v2.yaml")
    assert main(["rubric", "try", same, "--archive", str(settings.archive)]) == 0
    told = capsys.readouterr().out
    assert "nothing that moves a score" in told
    assert "0 of 30 runs moved" in told


def test_the_base_of_an_edit_is_its_own_released_version_or_the_one_before(settings: Settings) -> None:
    released = get_rubric("rails_chat@2", settings)
    later = released.model_copy(update={"version": 99})
    newest = max(int(p.stem[1:]) for p in (settings.rubrics / "rails_chat").glob("v*.yaml"))
    assert released_base(released, None, settings).name == "rails_chat@2"
    assert released_base(later, None, settings).version == newest
    assert released_base(later, "rails_chat@1", settings).version == 1
    with pytest.raises(UserError, match="no released version of other"):
        released_base(released.model_copy(update={"id": "other"}), None, settings)
