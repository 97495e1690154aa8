"""A provider of raw bytes: it answers each connection as one fault of the matrix wants, and counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fake_provider import CANARY
from wire_samples import Sample

Serving = Callable[[Sample, bool, asyncio.StreamWriter], Awaitable[None]]
OVERLOADED: dict[str, bytes] = {
    "openai_chat": b'data: {"error":{"message":"The server is overloaded","code":503}}\n\n',
    "openai_responses": b'event: error\ndata: {"type":"error","error":{"type":"server_error",'
    b'"message":"The server is overloaded"}}\n\n',
    "anthropic_messages": b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
    b'"message":"Overloaded"}}\n\n',
    "gemini": b'data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}\n\n',
}
SSE, JSON = "text/event-stream", "application/json"


def head(status: int, kind: str | None, headers: Mapping[str, str] | None = None) -> bytes:
    """A reply's head; the body ends with the connection."""
    lines = [f"HTTP/1.1 {status} X", "Connection: close"]
    lines += [f"Content-Type: {kind}"] if kind else []
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()


def failing(status: int, headers: Mapping[str, str] | None = None) -> Serving:
    """An error status, with the key in its body."""

    async def serve(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
        body = {"type": "error", "error": {"message": f"no, {CANARY}", "code": status, "type": "x"}}
        writer.write(head(status, JSON, headers) + json.dumps(body).encode())

    return serve


async def reset(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
    """Nothing at all."""
    writer.transport.abort()


async def silence(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
    """Nothing for longer than anybody waits."""
    await asyncio.sleep(30)


async def half(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
    """The first half of a good reply."""
    body = b"".join(sample.chunks) if stream else sample.plain
    writer.write(head(200, SSE if stream else JSON) + body[: len(body) // 2])
    await writer.drain()


async def reset_half_way(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
    """The first half, of a body that says it is longer."""
    body = b"".join(sample.chunks) if stream else sample.plain
    length = {"Content-Length": str(len(body))}
    writer.write(head(200, SSE if stream else JSON, length) + body[: len(body) // 2])
    await writer.drain()


async def malformed(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
    """One event that is no JSON among good ones; a plain reply that is none."""
    if not stream:
        writer.write(head(200, JSON) + b"{" + sample.plain)
        return
    writer.write(head(200, SSE))
    await writer.drain()
    begin, event, rest = b"".join(sample.chunks).partition(b"\n\n")
    writer.write(begin + event + b'data: {"choices": [{\n\n' + rest)


async def overloaded(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
    """An error before anything else, under status 200."""
    event = OVERLOADED[sample.wire]
    body = event if stream else event[event.index(b"{") :].strip()
    writer.write(head(200, SSE if stream else JSON) + body)


async def overloaded_later(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
    """An error after the reply has begun; a plain reply has no later."""
    if not stream:
        return await half(sample, stream, writer)
    writer.write(head(200, SSE) + b"".join(sample.chunks[:2]))
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.write(b"\n\n" + OVERLOADED[sample.wire])


def saying(body: bytes, kind: str | None) -> Serving:
    """Status 200 with a body that is no reply."""

    async def serve(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, kind) + body)

    return serve


async def empty(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
    """Status 200 without a body."""
    writer.write(head(200, SSE if stream else JSON))


async def mistyped(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
    """The right bytes of the other kind: a plain reply to who wants a stream, a stream to who does not."""
    body = sample.plain if stream else b"".join(sample.chunks)
    writer.write(head(200, JSON if stream else SSE) + body)


async def good(sample: Sample, stream: bool, writer: asyncio.StreamWriter) -> None:
    """A good reply."""
    body = b"".join(sample.chunks) if stream else sample.plain
    writer.write(head(200, SSE if stream else JSON) + body)


@dataclass
class FaultyProvider:
    """Plays `turns` one after the other, the last one for ever. `arrived` counts whole requests."""

    sample: Sample
    stream: bool
    turns: list[Serving]
    url: str = ""
    arrived: int = 0
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in request.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            self.bodies.append(await reader.readexactly(length))
            turn = self.turns[min(self.arrived, len(self.turns) - 1)]
            self.arrived += 1
            await turn(self.sample, self.stream, writer)
        finally:
            writer.close()


@asynccontextmanager
async def faulty_provider(sample: Sample, stream: bool, *turns: Serving) -> AsyncIterator[FaultyProvider]:
    """One that listens."""
    provider = FaultyProvider(sample, stream, list(turns))
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    provider.url = f"http://127.0.0.1:{port}{sample.upstream}"
    try:
        yield provider
    finally:
        server.close()
