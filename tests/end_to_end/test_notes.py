"""The small task: its scripted models, built in real sandboxes, tested and used by its probes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from end_to_end.conftest import ROOT, Shipworthy, as_json

pytestmark = pytest.mark.docker
MODELS = ("notes", "rough", "idle")
NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent.sock"}
PROBES = {"notes_behaviour", "python_project", "python_suite", "secrets"}
ROUGH = {
    "behaviour": {"search_wrong", "export_wrong", "ids_reused", "no_file_option"},
    "tests": {"trivial_suite"},
    "robustness": {
        *("damaged_file", "notes_lost_in_parallel", "unknown_id", "half_files"),
        *("nonsense_accepted", "missing_folder", "unwritable_file"),
    },
    "deliverables": {"readme_tests", "no_help", "default_place"},
    "quality": {"swallowed_errors", "parsed_by_hand"},
    "hygiene": {"caches", "own_data"},
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archive")


@pytest.fixture(scope="module")
def runs(shipworthy: Shipworthy, archive: Path) -> dict[str, Any]:
    """All three, by model."""
    found = {}
    for name in MODELS:
        arguments = ("run", "--task", "notes_cli", "--model", f"demo/{name}", "--archive", archive, "--json")
        done = shipworthy(*arguments)
        (found[name],) = as_json(done)
        assert done.returncode == 0, done.stderr
    return found


def lost(run: dict[str, Any]) -> dict[str, set[str]]:
    """The deductions that took points, by dimension."""
    taken = {d["id"]: {item["id"] for item in d["lost"] if item["points"]} for d in run["dimensions"]}
    return {dimension: ids for dimension, ids in taken.items() if ids}


def test_the_sound_program_gets_full_marks(runs: dict[str, Any]) -> None:
    run = runs["notes"]
    assert lost(run) == {}
    assert (run["tier"], run["low"], run["high"], run["status"]) == ("A", 100, 100, "completed")
    assert run["requests"] >= 8


def test_its_model_met_a_real_failure_and_mended_it(runs: dict[str, Any], archive: Path) -> None:
    transcript = (archive / "runs" / runs["notes"]["run"] / "transcript.jsonl").read_text()
    assert "FAILED (failures=1)" in transcript
    last = transcript[transcript.rindex("Ran 18 tests") :][:60]
    assert "OK" in last
    assert "FAILED" not in last


def test_the_rough_program_loses_points_where_it_is_rough(runs: dict[str, Any]) -> None:
    run = runs["rough"]
    assert lost(run) == ROUGH
    assert (run["tier"], run["low"], run["high"]) == ("C", 51, 51)


def test_talk_without_a_program_is_worth_little(runs: dict[str, Any]) -> None:
    run = runs["idle"]
    kept = {d["id"]: d["high"] for d in run["dimensions"]}
    assert kept == {
        **{"behaviour": 0, "tests": 0, "robustness": 0},
        **{"deliverables": 1, "quality": 10, "hygiene": 5},
    }
    assert (run["tier"], run["low"], run["high"]) == ("D", 16, 16)


def test_no_probe_for_rails_looked_at_them(runs: dict[str, Any], archive: Path) -> None:
    looked = {path.name.partition("-")[0] for path in archive.rglob("evidence/*/*.json")}
    assert looked == PROBES


def test_rescoring_is_arithmetic_without_an_engine(
    runs: dict[str, Any], shipworthy: Shipworthy, archive: Path, tmp_path: Path
) -> None:
    rubric = yaml.safe_load((ROOT / "rubrics/notes_cli/v1.yaml").read_text())
    rubric["dimensions"][0]["points"] -= 5
    rubric["dimensions"][2]["points"] += 5
    (tmp_path / "edited.yaml").write_text(yaml.safe_dump(rubric, sort_keys=False))
    arguments = ("rescore", "--all", "--rubric", tmp_path / "edited.yaml", "--archive", archive, "--json")
    done = shipworthy(*arguments, **NO_ENGINE)
    after = {run["model"]: run["high"] for run in as_json(done)}
    assert after == {"demo/notes": 100, "demo/rough": 51, "demo/idle": 21}  # 5 more points that nothing takes
    assert "probing" not in done.stderr


def test_another_tasks_rubric_grades_none_of_them(
    runs: dict[str, Any], shipworthy: Shipworthy, archive: Path
) -> None:
    scores = set(archive.rglob("scores/**/*.json"))
    done = shipworthy("rescore", "--all", "--rubric", "rails_chat@2", "--archive", archive, **NO_ENGINE)
    assert done.returncode == 0
    why = "task notes_cli is graded by versions of rubric notes_cli, not by rails_chat@2"
    assert done.stderr.splitlines() == [f"shipworthy: left out: 3 runs: {why}"]
    named = shipworthy("score", "demo/idle", "--rubric", "rails_chat@2", "--archive", archive, **NO_ENGINE)
    assert (named.returncode, why in named.stderr) == (2, True)
    assert set(archive.rglob("scores/**/*.json")) == scores
