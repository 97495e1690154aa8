"""A provider that answers as a test says, and a client in the sandbox's place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from runner.core.records import Prices
from runner.gateway.door import Door
from runner.gateway.metering.ledger import Exchange
from runner.gateway.settings import RetrySettings

CANARY = "sk-canary-0123456789abcdef"
CHAT = "http://door/v1/chat/completions"
PRICES = Prices(input=1.0, cached_input=0.1, output=10.0)
NO_WAIT = RetrySettings(sleep=lambda seconds: asyncio.sleep(0))
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


def completion(text: str = "hello", **usage: Any) -> bytes:
    """A plain reply, with odd spacing so that a re-encoded one would be noticed."""
    usage = usage or {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    document = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
    return json.dumps({**document, "usage": usage}, indent=3).encode()


@dataclass
class Provider:
    """The upstream of a test. `bodies`, `headers` and `paths` (with queries) are what arrived."""

    url: str = ""
    answer: Answering = field(default=lambda request: _respond(completion()))
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        self.paths.append(request.path_qs)
        return await self.answer(request)

    def respond(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Answer everything alike."""
        self.answer = lambda request: _respond(body, status, headers)

    def stream(self, chunks: list[bytes], cut: bool = False) -> None:
        """Answer with server-sent events; `cut` drops the connection at the end."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            for chunk in chunks:
                await response.write(chunk)
            if cut:
                assert request.transport is not None
                request.transport.abort()
            return response

        self.answer = answer


async def _respond(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=body, status=status, headers={"Content-Type": "application/json", **(headers or {})}
    )


@dataclass
class Opened:
    """An open door, and a client in the sandbox's place."""

    door: Door
    client: aiohttp.ClientSession
    socket: Path
    folder: Path
    seen: list[Exchange]

    @property
    def transcript(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "transcript.jsonl").read_text().splitlines()]

    @property
    def downloads(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "downloads.jsonl").read_text().splitlines()]

    async def ask(self, **changes: Any) -> tuple[int, bytes]:
        """One model call with the right token."""
        body = {"model": "mock-1", "messages": [{"role": "user", "content": "hi"}], **changes}
        return await self.post(json.dumps(body).encode())

    async def post(self, body: bytes | BytesIO, token: str | None = None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token or self.door.token}", "Content-Type": "application/json"}
        async with self.client.post(CHAT, data=body, headers=headers) as reply:
            return reply.status, await reply.read()

    async def settled(self, count: int) -> tuple[Exchange, ...]:
        """The exchanges, once there are that many: a stream's entry follows its last byte."""
        async with asyncio.timeout(10):
            while len(self.door.exchanges) < count:
                await asyncio.sleep(0.005)
        return self.door.exchanges


Opening = Callable[..., Awaitable[Opened]]
