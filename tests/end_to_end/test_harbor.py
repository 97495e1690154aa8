"""A task that was exported to Harbor, with its grader, as Harbor uses it: in images of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from runner.cli.settings import settings_from
from runner.pipeline.harbor.exporting import export_harbor
from runner.sandbox.container import as_tar

pytestmark = pytest.mark.docker
SETTINGS = settings_from(os.environ)
TAG = "shipworthy-tests/verifier:latest"  # kept, so that its layers need not be made again


class Verifier:
    """A container of the exported verifier's image, without a network."""

    def __init__(self, engine: APIClient, folder: Path) -> None:
        self.engine = engine
        built = engine.build(
            path=str(folder / "tests"), tag=TAG, rm=True, decode=True, buildargs=dict(SETTINGS.proxies)
        )
        assert not [line["error"] for line in built if "error" in line]
        host = engine.create_host_config(network_mode="none", init=True)
        self.id = engine.create_container(TAG, ["sleep", "600"], host_config=host)["Id"]
        engine.start(self.id)

    def run(self, command: str, user: str = "root") -> tuple[int, str]:
        made = self.engine.exec_create(self.id, ["bash", "-c", command], user=user, workdir="/workspace")
        output = self.engine.exec_start(made["Id"]).decode("utf-8", "replace")
        return self.engine.exec_inspect(made["Id"])["ExitCode"], output

    def graded(self) -> dict[str, float]:
        code, output = self.run("bash /tests/test.sh")
        assert code == 0, output
        _, written = self.run("cat /logs/verifier/reward.json")
        found: dict[str, float] = json.loads(written)
        return found


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    return export_harbor("notes_cli", SETTINGS, tmp_path, SETTINGS.ca_bundle).folder


@pytest.fixture
def verifier(engine: Any, exported: Path) -> Iterator[Verifier]:
    made = Verifier(engine, exported)
    yield made
    engine.remove_container(made.id, force=True)


def test_the_exported_grader_marks_as_ours_does(verifier: Verifier, exported: Path) -> None:
    """The same points as in test_notes.py, for nothing and for the solution; an agent cannot look at it."""
    nothing = verifier.graded()
    assert (nothing["reward"], nothing["reward_high"], nothing["quality"]) == (0.16, 0.16, 1.0)
    solution = {p.name: p.read_bytes() for p in (exported / "solution").iterdir()}
    verifier.run("mkdir -p /solution")
    verifier.engine.put_archive(verifier.id, "/solution", as_tar(solution))
    code, output = verifier.run("bash /solution/solve.sh", user="agent")
    assert code == 0, output
    verifier.run("sleep 300 & disown", user="agent")
    marks = verifier.graded()
    assert set(marks.values()) == {1.0}
    assert {*marks} >= {"reward", "reward_high", "behaviour", "hygiene"}
    for place in ("/tests", "/opt/shipworthy"):
        assert "Permission denied" in verifier.run(f"ls {place}", user="agent")[1]
    assert verifier.run("pgrep -u agent")[0] == 1, "nothing of what was graded is left running"
