"""The real command, as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Shipworthy = Callable[..., subprocess.CompletedProcess[str]]
# A job in the background of a script, as CI may be, is started deaf to Ctrl-C.
HEARING = [
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
]
COMMAND = [str(Path(sys.executable).with_name("shipworthy"))]


@pytest.fixture(scope="session")
def shipworthy() -> Shipworthy:
    """Runs one command to its end."""

    def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "100", **variables},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


def stop_during(phase: str, how: signal.Signals, *arguments: str | Path) -> tuple[int, int]:
    """Start a command, send a signal when a line with `phase` comes; its exit code and process id."""
    process = subprocess.Popen(
        [*HEARING, *COMMAND, *map(str, arguments)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if phase in line:
            break
    else:
        pytest.fail(f"{phase!r} never came:\n{said}")
    time.sleep(0.3)
    process.send_signal(how)
    process.communicate(timeout=60)
    return process.returncode, process.pid


def as_json(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command printed with --json; its error output if that was nothing."""
    assert done.stdout, done.stderr
    return json.loads(done.stdout)
