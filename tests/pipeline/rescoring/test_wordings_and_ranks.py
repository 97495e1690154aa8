"""What standings say of prompt variants, and rubric diff of ranks, on archives made by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from runner.cli.main import main
from runner.cli.settings import settings_from
from runner.pipeline.archives import open_archive
from runner.pipeline.showing.standings import load_samples, wordings
from tests.pipeline.rescoring.test_methodology_fix import add
from tests.scoring.test_rails_chat_versions import evidence_of


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model that knows the task by its words, and one that does not care; four trials of each wording."""
    root = tmp_path_factory.mktemp("wordings") / "archive"
    archive = open_archive(settings_from(os.environ, root))
    good, bad = evidence_of("a"), evidence_of("d")
    for epoch in (1, 2, 3, 4):
        for variant in (None, "colleague"):
            add(archive, "lab/knows", bad if variant else good, epoch, variant)
            add(archive, "lab/steady", evidence_of("b"), epoch, variant)
    return root


def test_the_spread_between_wordings_is_reported(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--rubric", "rails_chat@2", "--archive", str(root))
    assert main(["standings", *where, "--json"]) == 0
    knows, steady = json.loads(capsys.readouterr().out)["variants"]
    assert (knows["model"], knows["reading"], knows["original_lead"]) == ("lab/knows", "suspect", 96)
    assert [(v["variant"], v["n"], v["mean"]) for v in knows["variants"]] == [
        ("original", 4, 100),
        ("colleague", 4, 4),
    ]
    assert (steady["reading"], steady["spread"]) == ("steady", 0)
    assert main(["standings", *where]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "it may have seen the task before" in told
    assert "lab/steady with bash, rails_chat: original 68.0 (n = 4), colleague 68.0 (n = 4)" in told


def test_the_site_can_ask_for_it(root: Path) -> None:
    loaded = load_samples(settings_from(os.environ, root), "rails_chat@2", traffic=False)
    assert [each.model for each in wordings(loaded)] == ["lab/knows", "lab/steady"]


@pytest.mark.parametrize("by", ["score", "work", "dimension"])
def test_each_view_of_standings_fits(
    root: Path, by: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["standings", "--by", by, "--rubric", "rails_chat@2", "--archive", str(root)]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    expected = {"score": "odds in %", "work": "pass^1-3 %", "dimension": "1 deliverables"}
    assert expected[by] in shown


def test_ranks_move_only_by_what_chance_leaves_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Between versions 1 and 2, demo a overtakes a faultless half: eight trials of each, without spread."""
    archive = open_archive(settings_from(os.environ, tmp_path))
    half = {**evidence_of("b"), "ruby_llm_v1.only_known_calls": evidence_of("b")["ruby_llm.entry"]}
    for epoch in range(1, 9):
        add(archive, "demo/a", evidence_of("a"), epoch)
        add(archive, "demo/half", half, epoch)
        add(archive, "demo/d", evidence_of("d"), epoch)
    command = ("rubric", "diff", "rails_chat@1", "rails_chat@2", "--all", "--archive", str(tmp_path))
    assert main([*command, "--json"]) == 0
    ranks = {rank["model"]: rank for rank in json.loads(capsys.readouterr().out)["ranks"]}
    assert (ranks["demo/a"]["old"]["places"], ranks["demo/a"]["new"]["places"]) == ([2, 2], [1, 1])
    assert [ranks[f"demo/{name}"]["surely_moved"] for name in ("a", "half", "d")] == [True, True, False]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert "demo/a with bash: rank 2 -> 1, mean 78 -> 100 over 8 runs" in told
    assert "within chance" not in told
