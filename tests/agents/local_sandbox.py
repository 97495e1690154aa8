"""What the agents' tests run in: this machine's processes in a folder, and a stand-in for the model."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from runner.core.protocols import ExecResult
from runner.core.tree import SourceTree


@dataclass
class LocalSandbox:
    """A Sandbox without walls, for programs the tests wrote themselves."""

    folder: Path
    env: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"], "MARK": "from-outside"})
    id: str = "local"
    argv: Sequence[str] = ()
    pid: int = 0

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/workspace",
        timeout_s: float = 60,
        on_output: Callable[[bytes], None] | None = None,
        keep_bytes: int = 1_000_000,
    ) -> ExecResult:
        started, self.argv = time.monotonic(), argv
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env={**self.env, **(env or {})},
            start_new_session=True,
        )
        self.pid = process.pid
        try:
            async with asyncio.timeout(timeout_s):
                out, err = await process.communicate(stdin)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()
            return ExecResult(None, time.monotonic() - started, timed_out=True)
        return ExecResult(process.returncode, time.monotonic() - started, out, err)

    async def put(self, files: Mapping[str, bytes] | SourceTree, path: str = "/workspace") -> None:
        raise NotImplementedError

    async def get(self, path: str, destination: Path, max_bytes: int) -> None:
        raise NotImplementedError

    async def restart(self) -> None:
        raise NotImplementedError


@dataclass
class StandIn:
    """A model that gives prepared answers in order: a message, or status, body and headers of an error."""

    answers: list[Any] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.times.append(time.monotonic())
        self.connections.add(request.transport)
        self.tokens.add(request.headers["Authorization"])
        assert request.path == "/v1/chat/completions"
        self.requests.append(json.loads(await request.read()))
        answer = self.answers.pop(0)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if isinstance(answer, tuple):
            status, body, *headers = answer
            return web.Response(status=status, text=body, headers=headers[0] if headers else None)
        return web.json_response({"choices": [{"message": answer, "finish_reason": "stop"}]})

    @property
    def results(self) -> list[str]:
        """What the tools answered, as of the last request."""
        return [m["content"] for m in self.requests[-1]["messages"] if m["role"] == "tool"]


def says(text: str) -> dict[str, Any]:
    """The model talks, which ends the phase."""
    return {"role": "assistant", "content": text}


def runs(*commands: str, **more: Any) -> dict[str, Any]:
    """The model calls the tool, once for each command."""
    return calls(*(("bash", json.dumps({"command": command, **more})) for command in commands))


def calls(*named: tuple[str, str]) -> dict[str, Any]:
    """The model calls tools with raw arguments."""
    listed = [
        {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(named)
    ]
    return {"role": "assistant", "content": None, "refusal": None, "tool_calls": listed}
