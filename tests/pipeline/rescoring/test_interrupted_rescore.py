"""The real command, interrupted by Ctrl-C and run again, and two of it side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from benchmarks.synthetic import Plan, make
from runner.cli.settings import settings_from
from runner.pipeline.archives import open_archive
from tests.end_to_end.conftest import COMMAND, HEARING, ROOT

RUNS = 250
RUBRIC = "rails_chat@1"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("many") / "archive"
    make(Plan(root, RUNS, seed=9, scores=False, repositories=0, tasks=("rails_chat",)))
    return root


def started(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*HEARING, *COMMAND, "rescore", "--all", "--rubric", RUBRIC, "--archive", str(root)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def batches(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.glob("scores/*/batches/*.jsonl")}


def test_after_ctrl_c_the_same_command_goes_on_and_two_of_it_do_no_harm(root: Path) -> None:
    process = started(root)
    while not batches(root):
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    before = batches(root)
    assert process.returncode == 130, said
    assert "the same command goes on" in said

    both = [started(root), started(root)]
    told = [each.communicate(timeout=300) for each in both]
    assert all(each.returncode in (0, 1) for each in both), told
    assert all(" 0 were there already" not in out for out, _ in told)
    assert before.items() < batches(root).items()

    archive = open_archive(settings_from(os.environ, root))
    scores = [archive.scores(run) for run in archive.runs()]
    assert {len(each) for each in scores} == {0, 1}  # kept twice perhaps, but told once
    assert f"{sum(map(len, scores))} runs scored" in told[0][0]
    assert [said for _, said in archive.verify() if said] == []
    assert not archive.damaged
