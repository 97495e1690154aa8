"""Locks on folders that the kernel lets go of when their holder dies, even by SIGKILL."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def lock(folder: Path) -> int | None:
    """Take the folder's lock; None if someone living holds it. Closing the descriptor lets go."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def is_held(folder: Path) -> bool:
    """Whether someone living holds the folder's lock."""
    descriptor = lock(folder)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None
