"""Installing and starting a Docker engine on a Debian or Ubuntu that has none."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from docker import APIClient

from runner.core.errors import SetupError
from runner.sandbox.engine import connect, listens
from runner.sandbox.host import DEFAULT_URL, Host, Progress, install, tail

WAIT_S, GRACE_S = 60.0, 5.0
_SYSTEMD = Path("/run/systemd/system")


def ensure_engine(url: str, host: Host, logs: Path, progress: Progress) -> APIClient:
    """A client of an engine that answers, installed and started first where that is ours to do.

    Nothing is touched unless the default socket is asked for, nothing listens there, and `host` may install.
    Raises SetupError that says what to do.
    """
    if url != DEFAULT_URL or listens(url) or not host.can_install:
        return connect(url, host)
    progress("no Docker engine answers on this machine: setting one up")
    if host.find("dockerd") is None:  # a client alone, without a daemon, is common
        install(host, ["docker.io", "iptables"], logs / "engine-install.log", progress)
    return start_engine(url, host, logs / "dockerd.log", progress, supervised=_SYSTEMD.is_dir())


def start_engine(url: str, host: Host, log: Path, progress: Progress, *, supervised: bool) -> APIClient:
    """Start an installed engine and wait until it answers; `supervised` means that systemd runs it."""
    progress("starting the Docker engine")
    if supervised:
        host.run(["systemctl", "start", "docker"], log, progress)
        return _answering(url, host, log, progress, lambda: False)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        # a session of its own: it has to outlive this process and the terminal
        daemon = subprocess.Popen(
            ["env", f"PATH={host.path}", "nohup", "dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    threading.Thread(target=daemon.wait, daemon=True).start()  # reaps it should it end first
    return _answering(url, host, log, progress, lambda: daemon.returncode is not None)


def _answering(
    url: str, host: Host, log: Path, progress: Progress, has_ended: Callable[[], bool]
) -> APIClient:
    """A client as soon as the engine answers. Its package may have started one already: then ours ends."""
    started = told = time.monotonic()
    while True:
        try:
            return connect(url, host)
        except SetupError as error:
            reason = error
        waited = time.monotonic() - started
        if waited > WAIT_S or (waited > GRACE_S and has_ended()):
            raise SetupError(
                f"the Docker engine was started, but {reason}\n"
                f"its log (with systemd: journalctl -u docker) ends, in {log}:\n{tail(log)}"
            )
        if time.monotonic() - told > GRACE_S:
            told = time.monotonic()
            progress(f"waiting for the Docker engine, {waited:.0f} s")
        time.sleep(0.2)
