"""Waits before a file beside NOTES_FILE is opened for writing: who does not lock then loses a note.

Installed as `sitecustomize`. It only waits; what is right stays right.
"""

from __future__ import annotations

import os
import sys
import time

WAIT_S = 0.1
FOLDER = os.path.dirname(os.environ.get("NOTES_FILE", ""))
WRITING = os.O_WRONLY | os.O_RDWR


def slow(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: `open` comes with path, mode and flags."""
    if event != "open" or not isinstance(arguments[2], int) or not arguments[2] & WRITING:
        return
    if FOLDER and str(arguments[0]).startswith(FOLDER):
        time.sleep(WAIT_S)


sys.addaudithook(slow)
