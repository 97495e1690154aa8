"""A model provider on this machine: plays a script in any wire format, and knows what it charged for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from runner.core.protocols import Agent
from runner.core.records import Model, Usage
from runner.gateway.calls.upstream import Call
from runner.gateway.scripted import ScriptedModel
from runner.gateway.wire import Reply, RequestSummary, Wire

SECOND_PROMPT = "Prove it."
KEY = "sk-canary-0123456789abcdef0123456789abcdef"
KEYS_VARIABLE = "CANARY_KEY"
VERSIONS = {"gemini": "v1beta"}


@dataclass
class Provider:
    """What it was asked and what it issued; `status` other than 200 is answered with that error."""

    agent: Agent
    wire: Wire
    script: Path
    status: int = 200
    requests: int = 0
    keys: set[str] = field(default_factory=set)
    issued: Usage = field(default_factory=Usage)
    port: int = 0

    @property
    def model(self) -> Model:
        """It as the gateway reaches it."""
        version = VERSIONS.get(self.wire.id, "v1")
        return Model(
            id="own/m",
            provider="own",
            name="m-1",
            wire=self.wire.id,
            upstream=f"http://127.0.0.1:{self.port}/{version}",
            key_env=KEYS_VARIABLE,
        )

    def render(self, turn: Reply, request: RequestSummary) -> Iterator[bytes]:
        """As the wire does, with its tokens entered as issued."""
        assert turn.tokens is not None
        self.issued += Usage(
            requests=1, input_tokens=turn.tokens.input, output_tokens=turn.tokens.output, cost_usd=None
        )
        return self.wire.render(turn, request)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        self.requests += 1
        self.keys.add(self.wire.token(request.headers, request.query) or "")
        if self.status != 200:
            body = self.wire.error(self.status, "invalid_api_key", "No.")
            return web.Response(status=self.status, body=body, content_type="application/json")
        body = await request.read()
        summary = self.wire.summary(request.path_qs, await request.json())
        phase = "prove" if SECOND_PROMPT.encode() in body else "build"
        model = ScriptedModel(self.script, self, self.agent)  # type: ignore[arg-type]
        async with model.send(Call(phase, request.path, body, summary)) as played:
            response = web.StreamResponse(headers=played.headers)
            await response.prepare(request)
            async for chunk in played.chunks:
                await response.write(chunk)
        return response


@asynccontextmanager
async def serving(provider: Provider) -> AsyncIterator[Provider]:
    """The provider, reachable."""
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{tail:.*}", provider.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address: Any = runner.addresses[0]
    provider.port = address[1]
    yield provider
    await runner.cleanup()
