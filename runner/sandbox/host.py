"""The machine the runner is on, and installing Debian packages on it where that is allowed."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from runner.core.errors import SetupError

Progress = Callable[[str], None]
DEFAULT_URL = "unix:///var/run/docker.sock"
NO_INSTALL = "SHIPWORTHY_NO_INSTALL"
_HEARTBEAT_S = 10


class DoorMode(StrEnum):
    """AUTO is the setting; an open backend has one of the others."""

    AUTO = "auto"
    MOUNT = "mount"
    RELAY = "relay"


@dataclass(frozen=True)
class Host:
    """What decides how missing software is had.

    `system` is Linux or Darwin, `distributions` the ids of os-release, nearest first (`ubuntu`, `debian`).
    `path` is where commands are looked for. `may_install`: the user has not forbidden it.
    """

    system: str
    distributions: tuple[str, ...]
    is_root: bool
    may_install: bool
    path: str

    @classmethod
    def here(cls, path: str, may_install: bool = True) -> Host:
        """The machine this process runs on; `path` is completed with the folders of system commands."""
        folders = [*path.split(os.pathsep), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]
        return cls(
            system=platform.system(),
            distributions=_distributions(),
            is_root=os.geteuid() == 0,
            may_install=may_install,
            path=os.pathsep.join(dict.fromkeys(filter(None, folders))),
        )

    @property
    def has_apt(self) -> bool:
        """Whether it is Debian, Ubuntu or one of their children."""
        return bool({"debian", "ubuntu"} & set(self.distributions))

    @property
    def can_install(self) -> bool:
        """Whether the runner may install and start software on it."""
        return self.has_apt and self.is_root and self.may_install

    def find(self, command: str) -> str | None:
        """Where a command lies, None if it is not installed."""
        return shutil.which(command, path=self.path)

    def run(self, argv: list[str], log: Path, progress: Progress) -> int:
        """The exit code of a command; its output is appended to `log`, and waiting is reported."""
        log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        # dpkg refuses to work on a PATH without sbin, which `su` leaves behind
        command = ["env", f"PATH={self.path}", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", *argv]
        with (
            log.open("ab") as output,
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as process,
        ):
            while True:
                try:
                    return process.wait(_HEARTBEAT_S)
                except subprocess.TimeoutExpired:
                    progress(f"{Path(argv[0]).name}: still working after {time.monotonic() - started:.0f} s")


def install(host: Host, packages: list[str], log: Path, progress: Progress) -> None:
    """Install Debian packages. Raises SetupError with the end of the log."""
    names = " ".join(packages)
    progress(f"installing {names} with apt-get")
    apt = ["apt-get", "--yes", "--option", "DPkg::Lock::Timeout=120"]
    command = [*apt, "install", "--no-install-recommends", *packages]
    if host.run(command, log, progress) == 0:
        return
    progress("fetching apt's package lists, which are absent or old")
    host.run([*apt, "update"], log, progress)  # one broken source of many is no reason to stop
    progress(f"installing {names} with apt-get")
    if host.run(command, log, progress) != 0:
        raise SetupError(f"apt-get could not install {names}; the end of {log}:\n{tail(log)}")


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, indented."""
    text = log.read_text("utf-8", "replace").rstrip().splitlines()[-lines:]
    return "\n".join(f"  {line}" for line in text)


def _distributions() -> tuple[str, ...]:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ()
    return (release["ID"], *release.get("ID_LIKE", "").split())
