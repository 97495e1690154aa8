"""`shipworthy explain` and `shipworthy rubric show`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.cli.main import DONE, USER_ERROR, main
from runner.pipeline.grading.evidence import all_checks
from runner.spec.rubrics import load_rubric

RUBRICS = Path(__file__).parents[2] / "rubrics"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")


def as_json(capsys: Capture, *argv: str) -> Any:
    assert main([*argv, "--json"]) == DONE
    return json.loads(capsys.readouterr().out)


def test_a_check_in_full(capsys: Capture) -> None:
    assert main(["explain", "ruby_llm.signature"]) == DONE
    said = capsys.readouterr().out
    told = as_json(capsys, "explain", "ruby_llm.signature")
    for name in ("check", "statement", "why", "how", "unknown"):
        assert told[name].rstrip() in said
    assert 'chat.ask([{ role: "user"' in said  # brackets are no markup
    assert "10 of ruby_llm (rails_chat@3): invented_signature" in said


def test_without_a_check_all_are_listed(capsys: Capture) -> None:
    assert main(["explain"]) == DONE
    said = capsys.readouterr().out
    assert all(f"{check}: {statement}" in said for check, statement in all_checks().items())
    assert "boot (version 3; runs the app in a sealed container)" in said
    assert [told["check"] for told in as_json(capsys, "explain")] == list(all_checks())


def test_an_unknown_check_is_the_users_mistake(capsys: Capture) -> None:
    assert main(["explain", "boot.bots"]) == USER_ERROR
    assert "unknown check 'boot.bots'; did you mean 'boot.boots'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["rails_chat@1", "rails_chat@2", "rails_chat@3", "notes_cli"])
def test_a_rubric_is_shown_whole(capsys: Capture, name: str) -> None:
    rubric = load_rubric(name, RUBRICS)
    assert main(["rubric", "show", name]) == DONE
    said = capsys.readouterr().out
    for dimension in rubric.dimensions:
        assert f"{dimension.title} ({dimension.id}), {dimension.points:g} points" in said
        for deduction in dimension.deductions:
            assert f"-{deduction.points:g}  {deduction.id}" in said
            assert deduction.because in said
            assert all(check in said for check in deduction.when.checks())
    assert all(ceiling.because in said for ceiling in rubric.ceilings)
    assert ("Ceilings of the total" in said) == bool(rubric.ceilings)


def test_groups_conditions_and_notes_are_shown(capsys: Capture) -> None:
    assert main(["rubric", "show", "rails_chat@1"]) == DONE
    said = capsys.readouterr().out
    assert "no_brakeman (adds up in ci_tools, at most 1)" in said
    assert "unknown_calls (worst of invented)" in said
    assert "Note: check 'ruby_llm.multi_turn' costs points in ruby_llm.history_not_replayed and again" in said
    assert main(["rubric", "show", "rails_chat@2"]) == DONE
    said = capsys.readouterr().out
    assert "when deliverables.routes fails and deliverables.views fails" in said
    assert "Note:" not in said


def test_a_rubric_as_data(capsys: Capture) -> None:
    told = as_json(capsys, "rubric", "show", "rails_chat@1")
    assert told["name"] == "rails_chat@1"
    assert told["digest"] == load_rubric("rails_chat@1", RUBRICS).digest()
    assert told["dimensions"][0]["groups"] == {"ci_tools": {"mode": "additive", "max": 1}}
    assert len(told["notes"]) == 1
    assert as_json(capsys, "rubric", "show", "rails_chat")["name"] == "rails_chat@3"


def test_a_rubric_that_would_not_be_graded_by_is_not_shown(capsys: Capture, tmp_path: Path) -> None:
    rubric = yaml.safe_load((RUBRICS / "rails_chat/v2.yaml").read_text())
    rubric["ceilings"][0]["when"] = "boot.bots"
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(rubric))
    assert main(["rubric", "show", str(tmp_path / "mine.yaml")]) == USER_ERROR
    assert "unknown check 'boot.bots'; did you mean 'boot.boots'?" in capsys.readouterr().err
    assert main(["rubric", "show", "rials_chat"]) == USER_ERROR
    assert "unknown rubric 'rials_chat'; did you mean" in capsys.readouterr().err


def test_a_run_notes_once_what_its_rubric_charges_twice(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before anything starts; here it ends for want of an engine."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    run = ["run", "--model", "demo/a", "--epochs", "2", "--archive", str(tmp_path), "--rubric"]
    assert main([*run, "rails_chat@1"]) != DONE
    assert capsys.readouterr().err.count("shipworthy: note: rails_chat@1: check 'ruby_llm.multi_turn'") == 1
    assert main([*run, "rails_chat@2"]) != DONE
    assert "note:" not in capsys.readouterr().err
