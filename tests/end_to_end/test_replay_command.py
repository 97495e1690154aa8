"""`shipworthy run --replay`, as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from end_to_end.conftest import Shipworthy, as_json

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archive")


@pytest.fixture(scope="module")
def original(shipworthy: Shipworthy, archive: Path) -> dict[str, Any]:
    (run,) = as_json(shipworthy("run", "--task", "notes_cli", "--archive", archive, "--json"))
    assert isinstance(run, dict)
    return run


@pytest.fixture(scope="module")
def replay(shipworthy: Shipworthy, archive: Path, original: dict[str, Any]) -> dict[str, Any]:
    done = shipworthy("run", "--replay", original["run"], "--archive", archive, "--json")
    (run,) = as_json(done)
    assert done.returncode == 0, json.dumps(run["replay"], indent=1)
    assert isinstance(run, dict)
    return run


def test_it_is_a_graded_run_of_its_own_with_the_same_totals(
    original: dict[str, Any], replay: dict[str, Any]
) -> None:
    assert replay["replay_of"] == original["run"] != replay["run"]
    assert (replay["tier"], replay["low"], replay["high"]) == ("A", original["low"], original["high"])
    assert replay["requests"] == original["requests"]
    assert replay["tokens"] == original["tokens"]
    told = replay["replay"]
    assert told["totals_equal"]
    assert told["totals"]["input_tokens"]["replayed"] == original["tokens"]["input"]
    assert told["replayed"]["divergence"] is None
    assert told["replayed"]["as_recorded"] == original["requests"]
    assert told["differing_files"] == []
    assert told["warnings"] == []


def test_people_see_what_it_replays(
    shipworthy: Shipworthy, archive: Path, original: dict[str, Any], replay: dict[str, Any]
) -> None:
    assert f"replay of {original['run']}" in shipworthy("list", "--archive", archive).stdout
    sheet = shipworthy("inspect", "last", "--archive", archive).stdout
    assert f"replay of {original['run']}" in sheet
    assert "totals      equal" in sheet
    assert "divergence  none" in sheet
    (named,) = [as_json(shipworthy("inspect", "demo/notes", "--archive", archive, "--json"))]
    assert named["run"] == original["run"]


def test_a_changed_cassette_is_refused(
    shipworthy: Shipworthy, archive: Path, original: dict[str, Any], replay: dict[str, Any]
) -> None:
    cassette = archive / "runs" / original["run"] / "cassette.jsonl"
    content = cassette.read_bytes()
    cassette.write_bytes(content[:-10])
    done = shipworthy("run", "--replay", original["run"], "--archive", archive)
    cassette.write_bytes(content)
    assert done.returncode == 2
    assert "cassette.jsonl: is not what was sealed; shipworthy verify names what changed" in done.stderr
