"""The four demo models, built by Rails in real sandboxes and graded by the same probes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from end_to_end.conftest import ROOT, Shipworthy, as_json

pytestmark = pytest.mark.docker
FIELDS = {
    *("run", "model", "agent", "task", "epoch", "status", "low", "high", "tier", "dimensions"),
    *("cost_usd", "wall_s", "requests", "tokens"),
}
NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent.sock"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archive")


@pytest.fixture(scope="module")
def runs(shipworthy: Shipworthy, archive: Path) -> dict[str, Any]:
    """All four, by model."""
    found = {}
    for letter in "abcd":
        done = shipworthy("run", "--model", f"demo/{letter}", "--archive", archive, "--json")
        (found[letter],) = as_json(done)
        assert done.returncode == 0, done.stderr
    return found


@pytest.mark.parametrize("letter", "abcd")
def test_each_lands_in_its_tier(runs: dict[str, Any], letter: str) -> None:
    run = runs[letter]
    assert run["tier"] == letter.upper(), json.dumps(run, indent=1)
    assert run["low"] == run["high"]
    assert run["status"] == "completed"
    assert run["cost_usd"] == 0


def test_sums_add_up_and_every_lost_point_has_a_reason(runs: dict[str, Any]) -> None:
    for run in runs.values():
        assert [d["points"] for d in run["dimensions"]] == [25, 20, 15, 10, 10, 10, 5, 5]
        for dimension in run["dimensions"]:
            lost = sum(d["points"] for d in dimension["lost"])
            assert dimension["points"] - lost == pytest.approx(dimension["high"])
            assert all(d["because"] and d["findings"] for d in dimension["lost"])
        total = sum(d["high"] for d in run["dimensions"])
        assert run["high"] == pytest.approx(total - sum(c["points"] for c in run["ceilings"]))


def test_json_has_the_promised_fields(runs: dict[str, Any], shipworthy: Shipworthy, archive: Path) -> None:
    listed = as_json(shipworthy("list", "--archive", archive, "--json"))
    assert [run["model"] for run in listed] == ["demo/a", "demo/b", "demo/c", "demo/d"]
    assert all(set(run) >= FIELDS for run in listed)


def test_a_finished_trial_is_not_run_again(
    runs: dict[str, Any], shipworthy: Shipworthy, archive: Path
) -> None:
    done = shipworthy("run", "--model", "demo/d", "--archive", archive, "--json")
    assert as_json(done)[0]["run"] == runs["d"]["run"]
    assert "already done" in done.stderr
    assert "phase" not in done.stderr


def test_inspect_shows_where_points_were_lost(
    runs: dict[str, Any], shipworthy: Shipworthy, archive: Path, tmp_path: Path
) -> None:
    done = shipworthy("inspect", "demo/d", "--archive", archive, "--checkout", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "RubyLLM::Client.new" in done.stdout
    assert "chat_controller.rb:" in done.stdout
    assert "transcript.jsonl" in done.stdout
    assert (tmp_path / "out/config.ru").is_file()


def test_rescoring_is_arithmetic_without_an_engine_and_old_scores_remain(
    runs: dict[str, Any], shipworthy: Shipworthy, archive: Path, tmp_path: Path
) -> None:
    rubric = yaml.safe_load((ROOT / "rubrics/rails_chat/v2.yaml").read_text())
    rubric["dimensions"][0]["points"] -= 10
    rubric["dimensions"][1]["points"] += 10
    (tmp_path / "edited.yaml").write_text(yaml.safe_dump(rubric, sort_keys=False))
    before = set(archive.rglob("scores/**/*.json"))
    done = shipworthy(
        *("rescore", "--all", "--rubric", tmp_path / "edited.yaml", "--archive", archive, "--json"),
        **NO_ENGINE,
    )
    after = {run["model"]: run for run in as_json(done)}
    assert after["demo/a"]["dimensions"][1]["points"] == 30
    assert before < set(archive.rglob("scores/**/*.json"))
    assert len(set(archive.rglob("scores/**/*.json"))) == len(before) + 4


def test_a_broken_probe_cache_is_filled_again_by_score(
    runs: dict[str, Any], shipworthy: Shipworthy, archive: Path
) -> None:
    for file in archive.rglob("evidence/**/ruby_llm-*.json"):
        file.unlink()
    done = shipworthy("score", "demo/c", "--archive", archive, "--json", **NO_ENGINE)
    assert as_json(done)["high"] == runs["c"]["high"]


def test_the_archive_verifies_and_names_a_change(
    runs: dict[str, Any], shipworthy: Shipworthy, archive: Path
) -> None:
    assert shipworthy("verify", "--archive", archive).returncode == 0
    transcript = archive / "runs" / runs["b"]["run"] / "transcript.jsonl"
    content = transcript.read_bytes()
    transcript.write_bytes(content + b"{}\n")
    done = shipworthy("verify", "--archive", archive)
    transcript.write_bytes(content)
    assert done.returncode == 1
    assert f"runs/{runs['b']['run']}: transcript.jsonl: was changed" in done.stdout


def test_version_1_of_the_rubric_put_two_of_them_a_tier_lower(
    runs: dict[str, Any], shipworthy: Shipworthy, archive: Path
) -> None:
    """It took demo a's real calls for invented, and gave demo c's deliverables too little weight."""
    done = shipworthy(
        *("rescore", "--all", "--rubric", "rails_chat@1", "--archive", archive, "--json"), **NO_ENGINE
    )
    assert [(run["model"], run["tier"]) for run in as_json(done)] == [
        *(("demo/a", "B"), ("demo/b", "B"), ("demo/c", "D"), ("demo/d", "D"))
    ]
