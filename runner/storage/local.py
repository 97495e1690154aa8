"""A store in a local folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from runner.core.errors import ArchiveError


class LocalStore:
    """Write-once files below `root`; see the Store protocol.

    What is `durable` is on the disk when `write` returns; otherwise only the operating system has it.
    """

    def __init__(self, root: Path, durable: bool = True) -> None:
        self.root = root
        self.durable = durable
        self._real_root = os.path.realpath(root) + os.sep
        self._plain: set[str] = set()  # folders below the root that are no links

    def path(self, key: str) -> Path:
        """The file of a key. Raises ArchiveError if it leads out of the root, by its name or a link."""
        path = self.root / key
        if not self._stays_inside(key) and not os.path.realpath(path).startswith(self._real_root):
            raise ArchiveError(f"{key}: leads out of {self.root}")
        return path

    def _stays_inside(self, key: str) -> bool:
        """Whether it surely does: no part of the key is a link or `..`. Every folder is looked at once."""
        *folders, name = key.split("/")
        where = self._real_root
        for part in folders:
            where += part + os.sep
            if where in self._plain:
                continue
            if part in ("", ".", "..") or os.path.islink(where.rstrip(os.sep)):
                return False
            if os.path.isdir(where):
                self._plain.add(where)
        return name not in ("", ".", "..") and not os.path.islink(where + name)

    def read(self, key: str) -> bytes:
        """The bytes of a key."""
        try:
            return self.path(key).read_bytes()
        except OSError as error:
            raise ArchiveError(f"{self.root / key}: {error.strerror}") from error

    def write(self, key: str, data: bytes) -> None:
        """Write once, atomically and durably."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with part.open("wb") as file:
                file.write(data)
                if self.durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.link(part, path)  # unlike a rename, never replaces what is there
        except FileExistsError:
            if path.read_bytes() != data:
                raise ArchiveError(f"{path}: is already written, with other content") from None
        finally:
            part.unlink(missing_ok=True)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Sorted keys starting with `prefix`."""
        folder = self.root / prefix.rpartition("/")[0]
        found = (p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
        names = (str(p.relative_to(self.root)) for p in found)
        return iter(sorted(n for n in names if n.startswith(prefix)))
