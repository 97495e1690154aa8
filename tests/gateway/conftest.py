"""Doors opened onto a provider that answers as a test says."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from fake_provider import CANARY, NO_WAIT, Opened, Opening, Provider

from runner.agents.bash import AGENT
from runner.core.records import Limits, Model
from runner.gateway.door import DoorSpec, Gateway, open_gateway
from runner.gateway.metering.ledger import Exchange
from runner.gateway.settings import GatewaySettings


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{version:v1|v1beta}/{tail:.*}", provider.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield provider
    await runner.cleanup()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short enough for a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="door-") as name:
        yield Path(name)


@pytest.fixture
async def open_door(folder: Path, provider: Provider) -> AsyncIterator[Opening]:
    """Opens a door onto the provider; settings, limits, model fields and egress hosts may be given."""
    async with AsyncExitStack() as stack:

        async def opening(
            settings: GatewaySettings | None = None,
            *,
            limits: Limits | None = None,
            phase_limits: Limits | None = None,
            egress: tuple[str, ...] = (),
            egress_bytes: int | None = None,
            transcript: Path | None = None,
            socket: Path | None = None,
            on_exchange: Callable[[Exchange], None] | None = None,
            **fields: Any,
        ) -> Opened:
            gateway: Gateway = await stack.enter_async_context(
                open_gateway(settings or GatewaySettings(retry=NO_WAIT))
            )
            seen: list[Exchange] = []
            source = {} if "script" in fields else {"upstream": provider.url}
            named = {"id": "mock/mock-1", "provider": "mock", "name": "mock-1", "wire": "openai_chat"}
            spec = DoorSpec(
                socket=socket or folder / "door.sock",
                model=Model.model_validate({**named, **source, **fields}),
                key=CANARY,
                transcript=transcript or folder / "transcript.jsonl",
                downloads=folder / "downloads.jsonl",
                egress=egress,
                egress_bytes=egress_bytes,
                limits=limits,
                rendering=AGENT,
            )
            door = await stack.enter_async_context(gateway.open_door(spec, on_exchange or seen.append))
            door.begin_phase("build", phase_limits or Limits())
            connector = aiohttp.UnixConnector(str(spec.socket))
            client = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            return Opened(door, client, spec.socket, folder, seen)

        yield opening
