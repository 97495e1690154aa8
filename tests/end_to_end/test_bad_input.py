"""One clear message, exit code 2, nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from end_to_end.conftest import ROOT, Shipworthy

RUBRIC = ROOT / "rubrics/rails_chat/v2.yaml"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--model", "nope/x"), "unknown model 'nope/x'; known: "),
        (("run", "--model", "demo/z"), "task rails_chat has demo/a, demo/b, demo/c, demo/d"),
        (("run", "--model", "demo/a", "--task", "nope"), "unknown task 'nope'; known: "),
        (("run", "--model", "demo/a", "--agent", "nope"), "unknown agent 'nope'; known: "),
        (("run", "--model", "demo/a", "--rubric", "nope"), "nope"),
        (("run", "--model", "demo/a", "--rubric", "rails_chat@99"), "99"),
        (
            ("run", "--model", "demo/a", "--rubric", "notes_cli@1"),
            "graded by versions of rubric rails_chat, not",
        ),
        (("run", "--model", "demo/a", "--epochs", "0"), "epochs"),
        (("run", "--model", "openai/gpt-5.4"), "set OPENAI_API_KEY"),
        (("run", "--model", "demo/a", "--parallel", "0"), "--parallel: should be 1 or more"),
        (("run", "--model", "m@http://"), "should be <name>@http(s)://host"),
        (("run", "--model", "@http://h/v1"), "should be <name>@http(s)://host"),
        (("run", "--replay", "x", "--model", "demo/a"), "--model and --replay do not go together"),
        (("run", "--replay", "x", "--task", "rails_chat"), "--task and --replay do not go together"),
        (("run", "--replay", "x", "--agent", "bash"), "--agent and --replay do not go together"),
        (("run", "--replay", "x", "--epochs", "2"), "--epochs and --replay do not go together"),
        (("run", "--replay", "x"), "--archive: there is no folder"),
        (("list",), "--archive: there is no folder"),
        (("verify",), "--archive: there is no folder"),
        (("inspect", "last"), "--archive: there is no folder"),
    ],
)
def test_a_wrong_name_is_told(
    shipworthy: Shipworthy, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    archive = tmp_path / "archive"
    done = shipworthy(*arguments, "--archive", archive, OPENAI_API_KEY="")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not archive.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id: [unclosed", "line 1"),
        ("- a list", "mapping"),
        ("id: rails_chat\nid: again\n", "given twice"),
        ("", "empty"),
    ],
)
def test_broken_yaml_is_named(shipworthy: Shipworthy, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "mine.yaml").write_text(content)
    done = shipworthy("rescore", "--all", "--rubric", tmp_path / "mine.yaml", "--archive", tmp_path / "a")
    assert done.returncode == 2, done.stderr
    assert "mine.yaml" in done.stderr
    assert said in done.stderr


def test_a_check_that_does_not_exist_is_named(shipworthy: Shipworthy, tmp_path: Path) -> None:
    rubric = yaml.safe_load(RUBRIC.read_text())
    rubric["dimensions"][0]["deductions"][0]["when"] = "deliverables.nope"
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(rubric))
    done = shipworthy("rescore", "--all", "--rubric", tmp_path / "mine.yaml", "--archive", tmp_path / "a")
    assert done.returncode == 2, done.stderr
    assert "mine.yaml: dimensions[0].deductions[0].when: unknown check 'deliverables.nope'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("inspect", "last"), "there is no run"),
        (("inspect", ""), "there is no run"),
        (("run", "--replay", "last"), "there is no run"),
        (("rescore", "--rubric", "rails_chat@2"), "name the runs, or give --all"),
    ],
)
def test_an_empty_archive_is_told(
    shipworthy: Shipworthy, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = shipworthy(*arguments, "--archive", tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


def test_a_provider_that_leads_nowhere_is_named(shipworthy: Shipworthy, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("providers: { p: {} }")
    done = shipworthy("run", "--model", "p/m", SHIPWORTHY_MODELS=str(tmp_path / "mine.yaml"))
    assert done.returncode == 2, done.stderr
    assert "mine.yaml: providers.p: give either upstream or scripts" in done.stderr


@pytest.mark.docker
def test_an_unknown_runtime_is_told_before_anything_starts(shipworthy: Shipworthy, tmp_path: Path) -> None:
    done = shipworthy("run", "--model", "demo/d", "--archive", tmp_path, SHIPWORTHY_RUNTIME="nope")
    assert done.returncode == 2, done.stderr
    assert "the engine has no runtime 'nope'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_is_down_is_told(shipworthy: Shipworthy, tmp_path: Path) -> None:
    done = shipworthy(
        *("run", "--model", "demo/d", "--archive", tmp_path / "a"), DOCKER_HOST="unix:///nonexistent.sock"
    )
    assert done.returncode == 2, done.stderr
    assert "no Docker engine answers at unix:///nonexistent.sock" in done.stderr
    assert not (tmp_path / "a/runs").exists()


def test_an_archive_that_cannot_be_written_is_told(shipworthy: Shipworthy, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = shipworthy("run", "--model", "demo/d", "--archive", tmp_path / "file")
    assert done.returncode == 2, done.stderr
    assert "the archive cannot be written" in done.stderr
