"""The load: the same requests, by the same client, to whatever answers."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import aiohttp

from benchmarks.gateway.upstream import CHUNKS, MODEL

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Target:
    """Something that answers chat completions; `pid` is the server whose processor time is counted."""

    name: str
    url: str
    token: str
    pid: int
    socket: str | None = None


@dataclass(frozen=True)
class Figures:
    """Milliseconds, and requests per second of wall time and of the server's processor time."""

    plain_p50_ms: float
    plain_p99_ms: float
    first_chunk_p50_ms: float
    stream_p50_ms: float
    wide_per_s: float
    wide_per_cpu_s: float


async def measured(target: Target, requests: int, wide: int) -> Figures:
    connector = aiohttp.UnixConnector(target.socket) if target.socket else aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(50):
            await ask(session, target, stream=False)
            await ask(session, target, stream=True)
        plain = [(await ask(session, target, stream=False))[1] for _ in range(requests)]
        streamed = [await ask(session, target, stream=True) for _ in range(requests)]
        before, started = cpu_s(target.pid), perf_counter()
        await asyncio.gather(*(lane(session, target, requests // wide) for _ in range(wide)))
        wall, cpu = perf_counter() - started, cpu_s(target.pid) - before
    done = requests // wide * wide
    return Figures(
        plain_p50_ms=statistics.median(plain),
        plain_p99_ms=percentile(plain, 99),
        first_chunk_p50_ms=statistics.median(first for first, _ in streamed),
        stream_p50_ms=statistics.median(whole for _, whole in streamed),
        wide_per_s=done / wall,
        wide_per_cpu_s=done / cpu if cpu else float("inf"),
    )


async def lane(session: aiohttp.ClientSession, target: Target, requests: int) -> None:
    for _ in range(requests):
        await ask(session, target, stream=True)


async def ask(session: aiohttp.ClientSession, target: Target, stream: bool) -> tuple[float, float]:
    """Milliseconds to the first chunk and to the end."""
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    body = {"model": MODEL, "messages": [{"role": "user", "content": "x" * 4000}], **options}
    headers = {"Authorization": f"Bearer {target.token}", "Content-Type": "application/json"}
    started, first, received = perf_counter(), 0.0, b""
    async with session.post(target.url, data=json.dumps(body), headers=headers) as reply:
        async for chunk in reply.content.iter_any():
            first = first or perf_counter() - started
            received += chunk
        assert reply.status == 200, received
    assert received.count(b"word") >= CHUNKS, received
    return 1000 * first, 1000 * (perf_counter() - started)


def percentile(values: Sequence[float], n: int) -> float:
    return statistics.quantiles(values, n=100)[n - 1]


def cpu_s(pid: int) -> float:
    """Processor time of a process and its children so far."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if pid in (int(stat.parent.name), int(fields[1])):
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total
