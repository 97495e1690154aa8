"""The built-in agent: the same system prompt and the same one tool for every model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from runner.core.protocols import Agent, Endpoint, Sandbox, Session, ToolUse, Waits
from runner.core.records import Limits

PROGRAM = Path(__file__).parent / "inside" / "bash_agent.py"
# So nothing of it shows in a process list. ssl, which it never needs, would cost a third of its start.
START = (
    "import sys;sys.modules['ssl']=None;import json;"
    "exec(compile(json.loads(sys.stdin.readline()),'bash_agent','exec'),{'__name__':'__main__'})"
)


class BashAgent:
    """Runs `inside/bash_agent.py` by the sandbox's own python3; program and settings go through stdin."""

    id = "bash"
    wires: tuple[str, ...] = ("openai_chat",)
    install = ""

    def __init__(self, program: str) -> None:
        self._program = program
        self.version = f"1-{hashlib.sha256(program.encode()).hexdigest()[:8]}"

    async def run(self, sandbox: Sandbox, prompt: str, endpoint: Endpoint, limits: Limits) -> Session:
        """Run to the end of the phase; killed when `limits.wall_s` is over.

        stderr is the log, stdout the model's last words. Exit codes: see the program.
        """
        settings = {
            "base_url": endpoint.base_url,
            "model": endpoint.model,
            "command_s": limits.command_s,
        }
        resolved = json.dumps({"version": self.version, "wire": endpoint.wire, **settings}, indent=1)
        told = json.dumps({**settings, "prompt": prompt, "token": endpoint.token})
        command = ["python3", "-I", "-S", "-c", START]
        lines = f"{json.dumps(self._program)}\n{told}\n"
        result = await sandbox.exec(command, stdin=lines.encode(), timeout_s=limits.wall_s)
        return Session(result, resolved)

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """By its one tool."""
        return ToolUse("bash", {"command": command})

    def waits(self, request: bytes) -> Waits:
        """Its tool waits."""
        return Waits()

    def write_files(self, files: Mapping[str, bytes]) -> str | None:
        """By commands."""
        return None

    def finish(self, tools: Sequence[str]) -> ToolUse | None:
        """Words without a call end its work."""
        return None


AGENT: Agent = BashAgent(PROGRAM.read_text("utf-8"))
