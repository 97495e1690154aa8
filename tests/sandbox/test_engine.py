"""Reaching an engine, saying what to do without one, and setting one up, with stand-ins for every command."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.core.errors import SetupError
from runner.sandbox import provision
from runner.sandbox.engine import DEFAULT_URL, advice, connect, listens
from runner.sandbox.host import Host, install
from runner.sandbox.provision import ensure_engine, start_engine

NOBODY = Host("Linux", ("debian",), is_root=False, may_install=True, path="")
ROOT = replace(NOBODY, is_root=True)

DAEMON = """#!{python}
# Answers as an engine does, at a socket of the test's own, until the test takes that away.
import os, socketserver, threading
from http.server import BaseHTTPRequestHandler

class Engine(socketserver.UnixStreamServer):
    def get_request(self):
        return super().get_request()[0], ("", 0)

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{{"ApiVersion": "{api}"}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

engine = Engine("{socket}", Answer)
print("API listen on {socket}", flush=True)
threading.Timer(20, os._exit, [0]).start()
while os.path.exists("{socket}"):
    engine.timeout = 0.2
    engine.handle_request()
os._exit(0)
"""


@pytest.fixture
def socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("s") / "engine.sock"
    yield path
    path.unlink(missing_ok=True)  # ends the stand-in


class Commands:
    """A folder for PATH that holds only what the test put there; each stand-in notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        folder.mkdir()
        self.calls.touch()
        for real in ("sh", "env", "nohup", "grep", "touch", "chmod", "cp"):
            (folder / real).symlink_to(shutil.which(real) or f"{real} is missing")

    def add(self, name: str, script: str = "") -> None:
        self.write(name, f'#!/bin/sh\necho "{name} $*" >>{self.calls}\n{script}\n')

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "bin")


def daemon(socket: Path, api: str = "1.41") -> str:
    return DAEMON.format(python=sys.executable, socket=socket, api=api)


def on(host: Host, commands: Commands) -> Host:
    return replace(host, path=str(commands.folder))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (Host("Darwin", (), False, True, ""), "Docker Desktop"),
        (Host("Linux", ("ubuntu", "debian"), False, True, ""), "apt-get install docker.io"),
        (Host("Linux", ("fedora",), False, True, ""), "dnf install moby-engine"),
        (Host("Linux", ("manjaro", "arch"), True, True, ""), "pacman -S docker"),
        (Host("Linux", ("unheard-of",), True, True, ""), "https://docs.docker.com/engine/install/"),
        (Host("Linux", ("debian",), True, False, ""), "unset SHIPWORTHY_NO_INSTALL"),
    ],
)
def test_advice_fits_the_platform(host: Host, expected: str) -> None:
    assert expected in advice(DEFAULT_URL, host, FileNotFoundError())


def test_advice_for_a_stopped_daemon_and_a_closed_door(commands: Commands) -> None:
    commands.add("dockerd")
    stopped = advice(DEFAULT_URL, on(NOBODY, commands), ConnectionRefusedError())
    assert "installed but does not run" in stopped
    assert "usermod -aG docker" in advice(DEFAULT_URL, on(NOBODY, commands), PermissionError())
    assert "DOCKER_HOST" in advice("tcp://elsewhere:2375", NOBODY, ConnectionRefusedError())


def test_no_engine_is_one_clear_message(socket: Path) -> None:
    with pytest.raises(SetupError, match=r"no Docker engine answers at unix://.*No such file") as caught:
        connect(f"unix://{socket}", NOBODY)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "tcp://127.0.0.1:1", "ssh://me@nowhere.invalid"])
def test_a_wrong_url_is_the_users_mistake(url: str) -> None:
    with pytest.raises(SetupError, match=r"no Docker engine answers at .*DOCKER_HOST"):
        connect(url, NOBODY)


def test_an_old_engine_is_refused(
    socket: Path, commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "WAIT_S", 1.0)
    commands.write("dockerd", daemon(socket, api="1.40"))
    with pytest.raises(SetupError, match=r"too old: it speaks API 1\.40, 1\.41 is needed"):
        start_engine(f"unix://{socket}", on(ROOT, commands), tmp_path / "log", print, supervised=False)


def test_a_daemon_is_started_and_waited_for(socket: Path, commands: Commands, tmp_path: Path) -> None:
    commands.write("dockerd", daemon(socket))
    log = tmp_path / "logs/dockerd.log"
    lines: list[str] = []
    url = f"unix://{socket}"
    client = start_engine(url, on(ROOT, commands), log, lines.append, supervised=False)
    client.close()
    assert listens(url)
    assert lines[0] == "starting the Docker engine"
    assert "API listen" in log.read_text()


def test_a_daemon_that_dies_is_not_waited_for(
    socket: Path, commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "GRACE_S", 0.5)
    commands.add("dockerd", "echo failed to start daemon: no cgroups; exit 1")
    with pytest.raises(SetupError, match=r"(?s)was started, but no Docker engine answers.*no cgroups"):
        start_engine(f"unix://{socket}", on(ROOT, commands), tmp_path / "log", print, supervised=False)


def test_systemd_starts_the_engine_where_it_runs(socket: Path, commands: Commands, tmp_path: Path) -> None:
    commands.write("the-daemon", daemon(socket))
    commands.add("systemctl", f"nohup {commands.folder}/the-daemon >/dev/null 2>&1 &")
    start_engine(f"unix://{socket}", on(ROOT, commands), tmp_path / "log", print, supervised=True).close()
    assert commands.called() == ["systemctl start docker"]


def test_a_missing_daemon_is_installed_then_started(
    socket: Path, commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"unix://{socket}"
    monkeypatch.setattr(provision, "DEFAULT_URL", url)
    monkeypatch.setattr(provision, "_SYSTEMD", tmp_path / "absent")
    commands.write("packaged", daemon(socket))
    folder = commands.folder
    commands.add("docker")  # a client alone does not count
    commands.add(
        "apt-get",
        f'case "$*" in *update*) touch {folder}/lists ;; esac\n'
        f'test -e {folder}/lists || {{ echo "E: Unable to locate package"; exit 100; }}\n'
        f'case "$*" in *install*) cp {folder}/packaged {folder}/dockerd ;; esac',
    )
    lines: list[str] = []
    ensure_engine(url, on(ROOT, commands), tmp_path / "logs", lines.append).close()
    verbs = [word for call in commands.called() for word in call.split() if word in ("install", "update")]
    assert verbs == ["install", "update", "install"]  # package lists were empty
    assert commands.called()[0].endswith("install --no-install-recommends docker.io iptables")
    assert "setting one up" in lines[0]
    ensure_engine(url, on(ROOT, commands), tmp_path / "logs", lines.append).close()
    assert len(commands.called()) == 3  # an engine that answers is left alone


@pytest.mark.parametrize(
    "host",
    [
        NOBODY,
        replace(ROOT, may_install=False),
        replace(ROOT, distributions=("fedora",)),
    ],
)
def test_nothing_is_installed_where_it_may_not(
    host: Host, socket: Path, commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "DEFAULT_URL", f"unix://{socket}")
    commands.add("apt-get")
    with pytest.raises(SetupError):
        ensure_engine(f"unix://{socket}", on(host, commands), tmp_path, print)
    assert commands.called() == []


def test_another_engine_than_the_default_is_never_set_up(
    socket: Path, commands: Commands, tmp_path: Path
) -> None:
    commands.add("apt-get")
    with pytest.raises(SetupError, match="DOCKER_HOST"):
        ensure_engine(f"unix://{socket}", on(ROOT, commands), tmp_path, print)
    assert commands.called() == []


def test_a_failed_install_shows_apts_own_words(commands: Commands, tmp_path: Path) -> None:
    commands.add("apt-get", "echo E: no route to mirror; exit 100")
    with pytest.raises(SetupError, match=r"(?s)could not install docker\.io.*no route to mirror"):
        install(on(ROOT, commands), ["docker.io"], tmp_path / "log", print)


def test_apt_is_told_not_to_ask_and_finds_system_commands(commands: Commands, tmp_path: Path) -> None:
    commands.add("apt-get", 'echo "$DEBIAN_FRONTEND $LC_ALL $PATH"')
    install(on(ROOT, commands), ["docker.io"], tmp_path / "log", print)
    assert (tmp_path / "log").read_text().split() == ["noninteractive", "C", str(commands.folder)]
    assert "/usr/sbin" in Host.here("/opt/bin").path.split(":")
