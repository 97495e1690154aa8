"""What the relay and the runner speak, both sides in this process, over sockets and cut anywhere."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from runner.sandbox.inside.multiplex import (
    BEAT,
    CHUNK,
    DATA,
    MOST_CONNECTIONS,
    OPEN,
    WINDOW,
    Multiplex,
    ProtocolError,
)

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def frame(number: int, kind: int, data: bytes = b"") -> bytes:
    return struct.pack(">IBI", number, kind, len(data)) + data


class Pair:
    """Two sides without pipes between: what one sends is fed to the other, `piece` bytes at a time."""

    def __init__(self, piece: int) -> None:
        self.piece = piece
        self.tasks: list[asyncio.Task[None]] = []
        self.doors: asyncio.Queue[Ends] = asyncio.Queue()
        self.numbers = itertools.count(1)
        self.relay = Multiplex(self._to_runner, lambda: None, lambda number: None)
        self.runner = Multiplex(self._to_relay, lambda: None, lambda number: self.start(self._answer(number)))

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    async def connect(self) -> tuple[Ends, Ends]:
        """What a client in the sandbox holds, and what the door holds."""
        mine, theirs = socket.socketpair()
        client = await asyncio.open_unix_connection(sock=mine, limit=CHUNK)
        carried = await asyncio.open_unix_connection(sock=theirs, limit=CHUNK)
        self.start(self.relay.open(next(self.numbers), *carried))
        return client, await self.doors.get()

    async def _answer(self, number: int) -> None:
        mine, theirs = socket.socketpair()
        await self.doors.put(await asyncio.open_unix_connection(sock=mine, limit=CHUNK))
        await self.runner.carry(number, *await asyncio.open_unix_connection(sock=theirs, limit=CHUNK))

    async def _to_runner(self, data: bytes) -> None:
        self._feed(self.runner, data)
        await asyncio.sleep(0)

    async def _to_relay(self, data: bytes) -> None:
        self._feed(self.relay, data)
        await asyncio.sleep(0)

    def _feed(self, side: Multiplex, data: bytes) -> None:
        for start in range(0, len(data), self.piece):
            side.feed(data[start : start + self.piece])


@pytest.fixture(params=[7, 1_000_000])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    pair = Pair(request.param)
    yield pair
    for task in pair.tasks:
        task.cancel()
    await asyncio.gather(*pair.tasks, return_exceptions=True)


async def closed(*ends: Ends) -> None:
    for _, writer in ends:
        writer.close()


async def flood(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * CHUNK)
        await writer.drain()
        await asyncio.sleep(0.001)


async def test_both_ways_intact_and_each_ends_by_itself(pair: Pair) -> None:
    client, door = await pair.connect()
    question, answer = bytes(range(256)) * 2000, b"answer" * 50_000

    async def ask() -> bytes:
        client[1].write(question)
        client[1].write_eof()
        return await client[0].read(-1)

    asking = asyncio.create_task(ask())
    assert await door[0].read(-1) == question
    door[1].write(answer)  # after the other way has ended
    door[1].close()
    assert await asking == answer
    await closed(client)
    await asyncio.gather(*pair.tasks)


async def test_a_stalled_reader_stops_its_own_sender_and_no_other(pair: Pair) -> None:
    stalled, flooding = await pair.connect()
    sent = 0
    try:
        while True:
            flooding[1].write(b"x" * CHUNK)
            async with asyncio.timeout(0.5):
                await flooding[1].drain()
            sent += CHUNK
    except TimeoutError:
        pass
    assert WINDOW < sent < WINDOW + 2_000_000  # the rest is what sockets hold
    client, door = await pair.connect()
    client[1].write(b"through")
    assert await door[0].readexactly(7) == b"through"
    await closed(client, door, stalled, flooding)


async def test_a_side_that_breaks_off_is_noticed_at_the_other(pair: Pair) -> None:
    client, door = await pair.connect()
    client[1].close()
    await client[1].wait_closed()
    with pytest.raises(ConnectionError):
        await flood(door[1])
    await closed(door)
    await asyncio.gather(*pair.tasks, return_exceptions=True)
    assert not pair.relay.is_full


async def test_an_opened_connection_that_leads_nowhere_ends() -> None:
    sent: list[bytes] = []

    async def send(data: bytes) -> None:
        sent.append(data)

    mine, theirs = socket.socketpair()
    relay = Multiplex(send, lambda: None, lambda number: None)
    client = await asyncio.open_unix_connection(sock=mine)
    opening = asyncio.create_task(relay.open(5, *await asyncio.open_unix_connection(sock=theirs)))
    await asyncio.sleep(0.01)
    runner = Multiplex(send, lambda: None, lambda number: None)
    runner.feed(sent.pop(0))
    await runner.refuse(5)
    relay.feed(sent.pop(0))
    assert await client[0].read(-1) == b""
    await asyncio.gather(opening, return_exceptions=True)
    await closed(client)


@pytest.mark.parametrize(
    ("sent", "complaint"),
    [
        (frame(1, OPEN) + frame(1, OPEN), "opened twice"),
        (frame(1, OPEN) + frame(1, DATA, b"x" * CHUNK) * (WINDOW // CHUNK + 1), "more than it may"),
        (struct.pack(">IBI", 1, DATA, CHUNK + 1), "a frame of"),
        (b"HTTP/1.1 200 OK\r\n", "a frame of"),
    ],
)
def test_nobody_is_trusted_to_keep_to_the_window(sent: bytes, complaint: str) -> None:
    async def send(data: bytes) -> None:
        raise AssertionError

    with pytest.raises(ProtocolError, match=complaint):
        Multiplex(send, lambda: None, lambda number: None).feed(sent)


def test_too_many_connections_are_told_and_late_frames_are_passed_over() -> None:
    async def send(data: bytes) -> None:
        raise AssertionError

    beats: list[str] = []
    side = Multiplex(send, lambda: beats.append("beat"), lambda number: None)
    side.feed(frame(0, BEAT) + frame(9, DATA, b"of a connection that was broken off") + frame(0, BEAT))
    assert beats == ["beat", "beat"]
    for number in range(MOST_CONNECTIONS):
        side.feed(frame(number + 1, OPEN))
    assert not side.is_full
    side.feed(frame(1000, OPEN))
    assert side.is_full
