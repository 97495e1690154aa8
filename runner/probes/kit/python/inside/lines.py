"""Notes which lines of the workspace are executed, in this process and in those it starts.

Imported at the start of each Python in the environment that `suite` makes. Each process leaves one file of
`path<TAB>line` in LINES when it ends.
"""

from __future__ import annotations

import atexit
import os
import sys
from types import CodeType
from typing import Any

WORKSPACE = "/workspace/"
LINES = "/home/agent/lab/lines"


def start(monitoring: Any) -> None:
    """Watch this process, once; `monitoring` is Python's own, there since 3.12."""
    tool = monitoring.COVERAGE_ID
    if monitoring.get_tool(tool) is not None:
        return
    monitoring.use_tool_id(tool, "lab")
    seen: set[tuple[str, int]] = set()

    def on_line(code: CodeType, line: int) -> Any:
        if code.co_filename.startswith(WORKSPACE):
            seen.add((code.co_filename, line))
        return monitoring.DISABLE

    monitoring.register_callback(tool, monitoring.events.LINE, on_line)
    monitoring.set_events(tool, monitoring.events.LINE)
    atexit.register(leave, seen)


def leave(seen: set[tuple[str, int]]) -> None:
    """Write down what was seen; a test that forbids it costs only its own lines."""
    rows = sorted(f"{path.removeprefix(WORKSPACE)}\t{line}\n" for path, line in seen)
    if not rows:
        return
    try:
        with open(f"{LINES}/{os.getpid()}-{os.urandom(4).hex()}", "w", encoding="utf-8") as file:
            file.writelines(rows)
    except OSError:
        pass


if sys.version_info >= (3, 12):
    start(sys.monitoring)
