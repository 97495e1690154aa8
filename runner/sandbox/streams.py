"""The engine's raw two-way streams (attach and exec), as asyncio streams.

The Docker SDK hands out a socket whose first bytes may already sit in a hidden buffer, and it blocks a
thread for each; both matter with many long commands side by side, so the upgrade is done here.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from runner.core.errors import SandboxError, SandboxGone

STDOUT, STDERR = 1, 2
_HEADER = struct.Struct(">BxxxL")


@dataclass(frozen=True)
class Stream:
    """One upgraded connection: frames come in, standard input goes out."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def frames(self) -> AsyncIterator[tuple[int, bytes]]:
        """(STDOUT or STDERR, bytes) until the other side ends the stream."""
        while True:
            try:
                kind, size = _HEADER.unpack(await self.reader.readexactly(_HEADER.size))
                yield kind, await self.reader.readexactly(size)
            except (asyncio.IncompleteReadError, ConnectionError):
                return

    async def send(self, data: bytes, end: bool = False) -> None:
        """Write to standard input; `end` closes it."""
        try:
            self.writer.write(data)
            await self.writer.drain()
            if end:
                self.writer.write_eof()
        except (ConnectionError, RuntimeError):
            return  # the command ended without reading its input: its exit code tells

    async def close(self) -> None:
        """Drop the connection."""
        await _close(self.writer)


Take = Callable[[int, bytes], None]  # gets STDOUT or STDERR, and the next piece of it


@dataclass
class Output:
    """What a command prints: kept up to `keep_bytes` of either stream, and handed on in full."""

    keep_bytes: int
    hand_on: Callable[[bytes], None] | None = None
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    truncated: bool = False

    def take(self, kind: int, data: bytes) -> None:
        """The next piece of STDOUT or STDERR."""
        kept = self.stdout if kind == STDOUT else self.stderr
        room = self.keep_bytes - len(kept)
        kept += data[:room]
        self.truncated = self.truncated or len(data) > room
        if self.hand_on is not None:
            self.hand_on(data)


async def converse(stream: Stream, stdin: bytes | AsyncIterable[bytes], take: Take) -> None:
    """Feed standard input while output is read: neither side can block the other."""
    feeding = asyncio.create_task(_feed(stream, stdin))
    try:
        async for kind, data in stream.frames():
            take(kind, data)
    finally:
        feeding.cancel()


async def _feed(stream: Stream, stdin: bytes | AsyncIterable[bytes]) -> None:
    if isinstance(stdin, bytes):
        await stream.send(stdin, end=True)
        return
    async for piece in stdin:
        await stream.send(piece)
    await stream.send(b"", end=True)


async def upgrade(engine_url: str, path: str, body: dict[str, Any] | None = None) -> Stream:
    """POST `path` to the engine and take over the connection.

    Raises SandboxGone if the container is not there or not running, SandboxError on any other refusal.
    """
    try:
        reader, writer = await _connect(engine_url)
    except OSError as error:
        raise SandboxError(f"the container engine broke off: {error}") from error
    data = json.dumps(body or {}).encode()
    try:
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode()
            + data
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except BaseException as error:  # also when it is cancelled: nobody else knows of the connection
        writer.close()
        if isinstance(error, OSError | asyncio.IncompleteReadError):
            raise SandboxError(f"the container engine broke off: {error}") from error
        raise
    status = int(head.split(" ", 2)[1])
    if status in (101, 200):
        return Stream(reader, writer)
    await _close(writer)
    message = f"the container engine refused {path.partition('?')[0]}: {head.splitlines()[0]}"
    raise SandboxGone(message) if status in (404, 409) else SandboxError(message)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _connect(engine_url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = urlsplit(engine_url)
    if url.scheme == "unix":
        return await asyncio.open_unix_connection(url.path)
    return await asyncio.open_connection(url.hostname, url.port)
