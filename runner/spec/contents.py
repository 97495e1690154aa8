"""What files of a specification hold, as one digest."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest_of(*folders: Path) -> str:
    """SHA-256 over folders' paths, executable bits and bytes."""
    content = hashlib.sha256()
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            executable = bool(path.stat().st_mode & 0o100)
            content.update(f"{path.relative_to(folder)}\0{executable}\0{path.stat().st_size}\0".encode())
            content.update(path.read_bytes())
    return content.hexdigest()
