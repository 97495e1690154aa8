"""Ctrl-C and SIGKILL while a produced repository's images are built or run: nothing stays, or it is swept."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from docker import APIClient
from end_to_end.conftest import COMMAND, HEARING, ROOT, Shipworthy

pytestmark = pytest.mark.docker
PID = "org.shipworthy.pid"
# The second stage stands on an image made of the first; what is started beside the app has a container more.
BUILDING = {"Dockerfile": "FROM python:3.12 AS one\nRUN true\nFROM one\nRUN sleep 1000\n"}
SERVING = {
    "Dockerfile": "FROM python:3.12\nRUN true\n",
    "compose.yaml": "services: {web: &web {build: ., command: sleep 1000}, job: *web}\n",
}
CASES = {"docker_build.builds": (BUILDING, 2), "compose_up.comes_up": (SERVING, 4)}


def rubric(path: Path, check: str) -> Path:
    """A rubric that asks for one check, so that one probe looks."""
    deduction = {"id": "it", "when": check, "points": 100, "because": "it does not"}
    tiers = [{"id": "A", "at_least": 50, "meaning": "good"}, {"id": "D", "at_least": 0, "meaning": "bad"}]
    told = {"id": "rails_chat", "version": 99, "title": "One check", "tiers": tiers}
    told["dimensions"] = [{"id": "all", "title": "All", "points": 100, "deductions": [deduction]}]
    path.write_text(yaml.safe_dump(told))
    return path


def left_by(engine: APIClient, runner: int) -> tuple[list[str], list[str]]:
    """The containers and the images of one runner."""
    mine = {"label": f"{PID}={runner}"}
    containers, images = engine.containers(all=True, filters=mine), engine.images(all=True, filters=mine)
    return [found["Id"] for found in containers], [found["Id"] for found in images]


def until(true: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None
        time.sleep(0.1)


@pytest.mark.parametrize("check", CASES)
def test_what_is_built_and_run_is_gone_or_swept(
    check: str, shipworthy: Shipworthy, engine: APIClient, tmp_path: Path
) -> None:
    files, containers = CASES[check]
    source, archive = tmp_path / "source", tmp_path / "archive"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text)
    imported = shipworthy("import", source, "--model", "x", "--archive", archive)
    assert imported.returncode == 0, imported.stderr
    asked = ("rescore", "last", "--rubric", rubric(tmp_path / "v99.yaml", check), "--archive", archive)
    command = [*HEARING, *COMMAND, *map(str, asked)]

    def begun() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: len(left_by(engine, process.pid)[0]) >= containers, process)
        until(lambda: bool(left_by(engine, process.pid)[1]), process)
        return process

    killed = begun()
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    until(lambda: not engine.containers(filters={"label": f"{PID}={killed.pid}"}))  # none runs any more
    assert left_by(engine, killed.pid)[1]
    interrupted = begun()  # which sweeps first
    assert left_by(engine, killed.pid) == ([], [])
    interrupted.send_signal(signal.SIGINT)
    assert interrupted.wait(30) == 130
    assert left_by(engine, interrupted.pid) == ([], [])
