"""A runner's lease: who owns which container, and whether that owner still lives.

The owner holds a lock on a file for as long as it lives; the kernel lets go of it even after SIGKILL. So a
container is an orphan exactly if its owner's lock, on this host and since this boot, is free.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from runner.core.locks import is_held, lock

OWNER = "org.shipworthy.owner"
HOST = "org.shipworthy.host"
FOLDER = "org.shipworthy.lease"
PID = "org.shipworthy.pid"
RUN = "org.shipworthy.run"
PURPOSE = "org.shipworthy.purpose"

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def host_id() -> str:
    """Names this boot of this machine; the node name where the kernel tells no boot id."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else os.uname().nodename


class Lease:
    """A folder of this runner's own under `root`, locked while the context is open.

    `folder` holds Unix sockets, whose paths must stay short: `root` should be.
    """

    def __init__(self, root: Path) -> None:
        self.owner = secrets.token_hex(4)
        self.root = root
        self.folder = root / self.owner
        self._lock: int | None = None

    def __enter__(self) -> Self:
        while self._lock is None:  # a sweeper may remove the folder before it is locked
            self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
            self._lock = lock(self.folder)
            if self._lock is not None and not self.folder.exists():
                os.close(self._lock)
                self._lock = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def labels(self) -> dict[str, str]:
        """The labels that mark a container as this runner's."""
        return {OWNER: self.owner, HOST: host_id(), FOLDER: str(self.folder), PID: str(os.getpid())}

    def is_orphan(self, labels: dict[str, str]) -> bool:
        """Whether a container with these labels was certainly left by a dead runner of this host."""
        if labels.get(OWNER, self.owner) == self.owner or labels.get(HOST) != host_id():
            return False
        return is_free(Path(labels.get(FOLDER, "")))

    def sweep_folders(self) -> None:
        """Remove what dead runners left in `root`."""
        for folder in self.root.iterdir():
            if folder != self.folder and folder.is_dir() and is_free(folder):
                shutil.rmtree(folder, ignore_errors=True)


def is_free(folder: Path) -> bool:
    """Whether this lease is there and no living runner holds it."""
    return folder.is_dir() and not is_held(folder)
