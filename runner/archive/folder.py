"""A folder of this host, read as data into a tree: nothing is run, no link is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from runner.archive.repository import Bounds
from runner.core.errors import UserError
from runner.core.tree import SourceFile, SourceTree

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_folder(folder: Path, bounds: Bounds | None = None) -> SourceTree:
    """Its files with their modes, links as links; what is left out is named in `skipped`.

    Raises UserError if it is no folder, is empty, or holds more than `bounds` allow.
    """
    bounds = bounds or Bounds()
    if not folder.is_dir():
        raise UserError(f"{folder}: is not a folder")
    files: dict[str, SourceFile] = {}
    skipped: dict[str, str] = {}
    total = 0
    for path, name, parent in _entries(folder):
        found = _read(path, name, parent, bounds)
        if isinstance(found, str):
            skipped[path.encode("utf-8", "replace").decode()] = found
            continue
        total += len(found.content)
        if len(files) >= bounds.files or total > bounds.total_bytes:
            limits = f"{bounds.files:,} files and {bounds.total_bytes // 1_000_000} MB"
            raise UserError(f"{folder}: is larger than {limits}; remove what is not part of the work")
        files[path] = found
    if not files:
        raise UserError(f"{folder}: there is no file in it")
    return SourceTree("folder", files, skipped)


def _entries(folder: Path) -> Iterator[tuple[str, str, int]]:
    """Paths below it with their name in an open parent, sorted; links to folders are entries, not ways."""
    for here, folders, names, parent in os.fwalk(folder, follow_symlinks=False):
        base = os.path.relpath(here, folder)
        links = [name for name in folders if stat.S_ISLNK(os.lstat(name, dir_fd=parent).st_mode)]
        folders.sort()
        for name in sorted([*names, *links]):
            yield (name if base == "." else f"{base}/{name}"), name, parent


def _read(path: str, name: str, parent: int, bounds: Bounds) -> SourceFile | str:
    """The file, or why it is left out."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "a name that is not UTF-8"
    try:
        mode = os.lstat(name, dir_fd=parent).st_mode
        if stat.S_ISLNK(mode):
            return SourceFile(path, 0o120000, os.fsencode(os.readlink(name, dir_fd=parent)))
        if not stat.S_ISREG(mode):
            return "not a file"
        with os.fdopen(os.open(name, _OPEN, dir_fd=parent), "rb") as file:
            content = file.read(bounds.file_bytes + 1)
    except OSError as error:
        return error.strerror or "unreadable"
    if len(content) > bounds.file_bytes:
        return f"larger than {bounds.file_bytes} bytes"
    return SourceFile(path, 0o100755 if mode & 0o100 else 0o100644, content)
