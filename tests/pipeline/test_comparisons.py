"""Standings, compare and recommend on a synthetic archive: their exit codes; no container is started."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic import Plan, make
from runner.cli.main import main
from runner.cli.settings import settings_from
from runner.pipeline.settings import Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("standings") / "archive"
    make(Plan(root, 150, seed=11, repositories=1))
    return replace(settings_from(os.environ), archive=root)


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, Any]:
    code = main(argv)
    return code, json.loads(capsys.readouterr().out)


def test_standings_for_people_and_machines(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--archive", str(settings.archive))
    code, found = told(capsys, "standings", "--json", "--task", "notes_cli", *where)
    assert (code, {s["scope"] for s in found["standings"]}) == (0, {"notes_cli"})
    assert main(["standings", "--details", "--agent", "bash", *where]) == 0
    shown = capsys.readouterr().out
    assert "all tasks" in shown
    assert "Tokens of one run" in shown
    assert "aider" not in shown
    assert main(["standings", "--task", "nothing", *where]) == 2


def test_compare_and_its_exit_codes(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--archive", str(settings.archive), "--json")
    code, found = told(capsys, "compare", "heron-large", "plover-7b", *where)
    assert (code, found["comparison"]["total"]["verdict"], found["regression"]) == (0, "ahead", None)
    assert "more than noise" in found["in_words"]
    gate = ("--regression", "--fail-if-worse", "3")
    assert told(capsys, "compare", "heron-large", "plover-7b", *gate, *where)[0] == 1
    assert told(capsys, "compare", "plover-7b", "heron-large", *gate, *where)[0] == 0
    for wrong in (("heron", "wren"), ("wren", "wren"), ("wren", "curlew", "--fail-if-worse", "3")):
        assert main(["compare", *wrong, *where]) == 2
    assert main(["compare", "wren", "curlew", "--regression", "--fail-if-worse", "nan", *where]) == 2


@pytest.mark.parametrize("by", ["dimension", "task", "check"])
def test_compare_fits_in_eighty_columns(
    settings: Settings, by: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["compare", "curlew", "wren", "--by", by, "--archive", str(settings.archive)]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_recommend_and_its_exit_codes(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--archive", str(settings.archive))
    code, found = told(capsys, "recommend", "--shape", "horizon=short", "--json", *where)
    assert (code, found["tasks"], bool(found["reasons"])) == (0, ["notes_cli"], True)
    assert main(["recommend", "--shape", "stakes=high,horizon=long", *where]) == 1
    assert "No recommendation." in capsys.readouterr().out
    for wrong in ("horizon", "horizon=", "horizon=long,horizon=short", "size=big"):
        assert main(["recommend", "--shape", wrong, *where]) == 2


def test_an_empty_archive_is_no_error_to_look_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["standings", "--archive", str(tmp_path)]) == 0
    assert "There are no runs" in capsys.readouterr().out
    assert main(["compare", "a", "b", "--archive", str(tmp_path)]) == 2
