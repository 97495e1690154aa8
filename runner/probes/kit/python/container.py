"""A produced Python project in a fresh, sealed container, beside the programs that look at it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from runner.core.errors import SandboxError
from runner.core.protocols import Sandbox, SandboxSpec, Subject

LAB = "/home/agent/lab"
_INSIDE = Path(__file__).with_name("inside")


@asynccontextmanager
async def open_container(subject: Subject) -> AsyncIterator[Sandbox]:
    """The tree in a sandbox of its task's image. Raises SandboxError without an engine."""
    if subject.backend is None or subject.image is None:
        raise SandboxError("the lab needs a container engine and an image")
    spec = SandboxSpec(image=subject.image, run=subject.run, purpose="grade", resources=subject.resources)
    async with subject.backend.open(spec) as sandbox:
        await sandbox.put(subject.tree)
        await sandbox.put({path.name: path.read_bytes() for path in _INSIDE.glob("*.py")}, LAB)
        yield sandbox


async def ask(sandbox: Sandbox, program: str, question: Any, timeout_s: float) -> Any:
    """What one of our programs answers in JSON; None if the project kept it from answering."""
    source = (_INSIDE / f"{program}.py").read_text("utf-8")  # not as a file, which the project could change
    result = await sandbox.exec(
        ["python3", "-I", "-c", source], stdin=json.dumps(question).encode(), timeout_s=timeout_s
    )
    try:
        return json.loads(result.stdout) if result.ok else None
    except (ValueError, RecursionError):
        return None
