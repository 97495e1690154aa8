"""What probe tests share: a folder read as a produced repository."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.core.tree import SourceFile, SourceTree

collect_ignore_glob = ["*/*/repo/*", "notes_app/*"]


def read_tree(folder: Path) -> SourceTree:
    """The files of a folder as a tree; dot files and links as they are."""
    files: dict[str, SourceFile] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_symlink() or p.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            files[name] = SourceFile(name, 0o120000, str(path.readlink()).encode())
        else:
            mode = 0o100755 if path.stat().st_mode & 0o100 else 0o100644
            files[name] = SourceFile(name, mode, path.read_bytes())
    digest = hashlib.sha256(repr(sorted((f.path, f.content) for f in files.values())).encode()).hexdigest()
    return SourceTree(digest=digest, files=files)


@pytest.fixture
def read() -> Callable[[Path], SourceTree]:
    """Reads a folder as a produced repository."""
    return read_tree
