"""Plays scenarios of commands in the sandbox, as a user at a terminal would; reports what each one did.

Standard input: {"limit_s": of one command, "budget_s": of all, "scenarios": {folder to make: [step]}}
with a step as {"argv": [...], "env": {name: value, or null to unset it}}.
Standard output: {folder: [{"code": exit code or null, "out": text, "err": text, "why": why killed, or ""}]}

Each scenario runs in order and ends early with a command that had to be killed; scenarios run side by side.
What is started here is not trusted: its output is cut, its processes are killed, and it cannot look into
this one (no dumps, so neither tracing nor /proc/<pid>/fd).
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any

KEPT = 8_000  # of each stream, so that the whole report stays below what is read of it
FLOOD = 5_000_000
SIDE_BY_SIDE = 3
PR_SET_DUMPABLE = 4


class Stream:
    """Reads one pipe to its end on a thread of its own; keeps only the beginning."""

    def __init__(self, pipe: IO[bytes], process: subprocess.Popen[bytes]) -> None:
        self.kept = bytearray()
        self.flooded = False
        self._pipe, self._process = pipe, process
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        size = 0
        while chunk := os.read(self._pipe.fileno(), 65536):
            size += len(chunk)
            self.kept += chunk[: KEPT - len(self.kept)]
            if size > FLOOD:
                self.flooded = True
                kill(self._process)
                return

    def text(self) -> str:
        """What was kept; a process that was left behind may hold the pipe open, which is not waited for."""
        self._thread.join(1)
        return bytes(self.kept).decode("utf-8", "replace")


def kill(process: subprocess.Popen[bytes]) -> None:
    """The command and what it started in its session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run(step: dict[str, Any], limit_s: float) -> dict[str, Any]:
    """One command to its end or to its time limit."""
    try:
        process = subprocess.Popen(
            step["argv"],
            env={name: value for name, value in {**os.environ, **step["env"]}.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return {"code": None, "out": "", "err": "", "why": f"could not be started: {error}"}
    assert process.stdout is not None
    assert process.stderr is not None
    streams = [Stream(pipe, process) for pipe in (process.stdout, process.stderr)]
    why = ""
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        why = f"did not end within {limit_s:g} s"
    kill(process)
    process.wait()
    out, err = (stream.text() for stream in streams)
    if any(stream.flooded for stream in streams):
        why = "writes without end"
    return {"code": None if why else process.returncode, "out": out, "err": err, "why": why}


def play(steps: list[dict[str, Any]], limit_s: float, until: float) -> list[dict[str, Any]]:
    """The results of a scenario, as far as it came."""
    results: list[dict[str, Any]] = []
    for step in steps:
        if (left := until - time.monotonic()) <= 0:
            break
        results.append(run(step, min(limit_s, left)))
        if results[-1]["why"]:
            break
    return results


def main() -> None:
    """Play all and report."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    told = json.load(sys.stdin)
    until = time.monotonic() + told["budget_s"]
    for folder in told["scenarios"]:
        os.makedirs(folder)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        running = {
            folder: pool.submit(play, steps, told["limit_s"], until)
            for folder, steps in told["scenarios"].items()
        }
        report = {folder: future.result() for folder, future in running.items()}
    json.dump(report, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
