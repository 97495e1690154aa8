"""What the user sets for all doors."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True)
class RetrySettings:
    """How often a call is tried, and how long is waited between two tries.

    The n-th wait is random, up to `first_s` times 2 to the n-1, at most `longest_s`; so long a Retry-After
    is respected, a longer one is the agent's to deal with. Clock, chance and sleep are arguments for tests.
    """

    tries: int = 4
    first_s: float = 2
    longest_s: float = 60
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    now: Callable[[], float] = time.time


@dataclass(frozen=True)
class GatewaySettings:
    """`proxy`: an HTTP proxy (http://[user:password@]host:port) for providers and downloads alike.

    `ca_bundle`: certificates trusted beside the system's. `stream_idle_s` bounds the silence between two
    pieces of a streamed reply, `reply_s` the silence before a plain one, which models may think long over.
    `spend_cap_usd` bounds what all doors together may spend. `ends_loops`: whether a model that says the same
    again and again is stopped, which a benchmark of the gateway does not want.
    The last two exist for tests: ports of downloads, and whether names may resolve to private addresses.
    """

    ca_bundle: Path | None = None
    proxy: str | None = None
    connect_s: float = 30
    stream_idle_s: float = 300
    reply_s: float = 900
    head_s: float = 10
    spend_cap_usd: float | None = None
    retry: RetrySettings = field(default_factory=RetrySettings)
    ends_loops: bool = True
    egress_ports: frozenset[int] = frozenset({80, 443})
    private_egress: bool = False


def without_waits(settings: GatewaySettings) -> GatewaySettings:
    """For a replay: what was recorded comes back however long is waited for it."""

    async def at_once(seconds: float) -> None:
        await asyncio.sleep(0)

    return replace(settings, retry=replace(settings.retry, sleep=at_once))
