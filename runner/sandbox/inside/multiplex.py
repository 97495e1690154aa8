"""Many two-way connections over one pair of pipes: what the relay and the runner speak with each other.

Standard library only: this file is sent into the relay's container as it is, and the runner imports it.

A frame is a header (connection, kind, length) and data. Of each connection at most WINDOW bytes are on the
way in either direction until the other side has passed them on; so memory is bounded, and one connection
whose reader stalls stops its own sender and no other's: incoming frames are always taken at once.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

WINDOW = 131072
CHUNK = 16384
MOST_CONNECTIONS = 192
BEAT, OPEN, DATA, END, RESET, CREDIT = range(6)
_HEADER = struct.Struct(">IBI")


class ProtocolError(Exception):
    """The other side does not keep to the protocol."""


class _Connection:
    """What this side knows of one connection."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()  # empty bytes are the end
        self.room = WINDOW  # what the other side may still send
        self.credit = WINDOW  # what this side may still send
        self.granted = asyncio.Event()
        self.carrying: asyncio.Task[None] | None = None


class Multiplex:
    """One side. `send` writes to the pipe and waits while it is full.

    `beaten` hears of each beat of the other side, `opened` of each connection that it opens.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        beaten: Callable[[], None],
        opened: Callable[[int], None],
    ) -> None:
        self._send = send
        self._beaten = beaten
        self._opened = opened
        self._connections: dict[int, _Connection] = {}
        self._pending = bytearray()

    @property
    def is_full(self) -> bool:
        """Whether there is one connection too many."""
        return len(self._connections) > MOST_CONNECTIONS

    async def tell(self, kind: int, number: int = 0, data: bytes = b"") -> None:
        """Send one frame."""
        await self._send(_HEADER.pack(number, kind, len(data)) + data)

    async def open(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Open a connection to the other side and carry it to its end."""
        self._connections[number] = _Connection()
        await self.tell(OPEN, number)
        await self.carry(number, reader, writer)

    async def refuse(self, number: int) -> None:
        """Answer an opened connection that leads nowhere."""
        self._connections.pop(number, None)
        await self.tell(RESET, number)

    async def carry(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry an opened connection until both its ways ended, or either side broke it off."""
        connection = self._connections.get(number)
        if connection is None:  # broken off meanwhile
            writer.transport.abort()
            return
        connection.carrying = asyncio.current_task()
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._outward(number, connection, reader))
                ways.create_task(self._inward(number, connection, writer))
            writer.close()
            await writer.wait_closed()  # a reader that stalls now still counts, so that it cannot pile up
        except* OSError:
            await self.tell(RESET, number)
        finally:
            self._connections.pop(number, None)
            if not writer.is_closing():
                writer.transport.abort()

    def feed(self, data: bytes) -> None:
        """Take bytes that came from the other side, cut anywhere. Never waits. Raises ProtocolError."""
        self._pending += data
        start = 0
        while len(self._pending) - start >= _HEADER.size:
            number, kind, size = _HEADER.unpack_from(self._pending, start)
            if size > CHUNK:
                raise ProtocolError(f"a frame of {size} bytes")
            end = start + _HEADER.size + size
            if len(self._pending) < end:
                break
            self._take(number, kind, bytes(self._pending[end - size : end]))
            start = end
        del self._pending[:start]

    def _take(self, number: int, kind: int, data: bytes) -> None:
        connection = self._connections.get(number)
        if kind == BEAT:
            self._beaten()
        elif kind == OPEN:
            if connection is not None:
                raise ProtocolError(f"connection {number} is opened twice")
            self._connections[number] = _Connection()
            self._opened(number)
        elif connection is None:
            return  # was on its way when this side broke the connection off
        elif kind == CREDIT:
            connection.credit += int.from_bytes(data)
            connection.granted.set()
        elif kind == RESET:
            del self._connections[number]
            if connection.carrying is not None:
                connection.carrying.cancel()
        else:
            connection.room -= len(data)
            if connection.room < 0:
                raise ProtocolError(f"connection {number} sent more than it may")
            connection.inbox.put_nowait(data)

    async def _outward(self, number: int, connection: _Connection, reader: asyncio.StreamReader) -> None:
        while True:
            while connection.credit <= 0:
                connection.granted.clear()
                await connection.granted.wait()
            data = await reader.read(min(CHUNK, connection.credit))
            connection.credit -= len(data)
            await self.tell(DATA if data else END, number, data)
            if not data:
                return

    async def _inward(self, number: int, connection: _Connection, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while data := await connection.inbox.get():
            writer.write(data)
            await writer.drain()
            passed += len(data)
            if passed >= WINDOW // 4:
                connection.room += passed
                await self.tell(CREDIT, number, passed.to_bytes(4))
                passed = 0
        with suppress(OSError):  # the other way may still have something to say
            writer.write_eof()
