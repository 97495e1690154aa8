"""`shipworthy view` as a command: how it begins, what it refuses, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.synthetic import Plan, make
from runner.cli.main import main

COMMAND = [sys.executable, "-m", "runner.cli.main", "view"]
# A job in the background of a script is started deaf to Ctrl-C.
HEARING = "import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("view") / "archive"
    make(Plan(folder, runs=2, seed=1, repositories=1))
    return folder


def test_ctrl_c_is_how_it_ends_well(archive: Path) -> None:
    environ = {**os.environ, "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}
    command = [sys.executable, "-c", HEARING, *COMMAND, "--port", "0", "--archive", str(archive)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as view:
        assert view.stdout is not None
        said = next(line for line in view.stdout if line.startswith("http://127.0.0.1:"))
        port = said.split(":")[2].split("/")[0]
        assert f"ssh -L {port}:127.0.0.1:{port}" in next(view.stdout)
        view.send_signal(signal.SIGINT)
        assert view.wait(30) == 0


def test_a_port_that_is_taken_is_named(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["view", "--port", str(port), "--archive", str(archive)]) == 2
    told = capsys.readouterr().err
    assert f"--port: 127.0.0.1:{port}" in told
    assert "choose one with --port, or 0 for a free one" in told


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_what_is_no_port_is_refused(archive: Path, capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert main(["view", "--port", port, "--archive", str(archive)]) == 2
    assert "is no port" in capsys.readouterr().err
