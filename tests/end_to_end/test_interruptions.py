"""Ctrl-C and SIGKILL in the middle of a run: nothing is left over or lost, the same command goes on."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from docker import APIClient
from end_to_end.conftest import Shipworthy, as_json, stop_during

pytestmark = pytest.mark.docker


def containers_of(engine: APIClient, runner: int) -> list[str]:
    found = engine.containers(all=True, filters={"label": f"org.shipworthy.pid={runner}"})
    return [container["Id"] for container in found]


@pytest.mark.parametrize(
    ("how", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_a_stopped_run_is_taken_up_again(
    shipworthy: Shipworthy, engine: APIClient, tmp_path: Path, how: signal.Signals, exit_code: int
) -> None:
    by_files_alone = ("--rubric", "rails_chat@1")  # what is tried here ends before the app is run
    command = ("run", "--model", "demo/d", *by_files_alone, "--archive", tmp_path)
    code, runner = stop_during("turn 1,", how, *command)
    assert code == exit_code
    (trial,) = (tmp_path / "runs").iterdir()
    deadline = time.monotonic() + 10
    while containers_of(engine, runner) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert containers_of(engine, runner) == []
    assert (trial / "1/run.json").exists() == (how is not signal.SIGKILL)
    if how is signal.SIGTERM:
        return  # from here on as after Ctrl-C
    done = shipworthy(*command, "--json")
    assert done.returncode == 0, done.stderr
    assert as_json(done)[0]["run"] == f"{trial.name}/2"
    first, second = as_json(shipworthy("list", "--archive", tmp_path, "--json"))
    assert (first["status"], second["status"]) == ("interrupted", "completed")
    assert first["tier"] is None
    assert shipworthy("verify", "--archive", tmp_path).returncode == 0
