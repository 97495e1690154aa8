"""What stands behind a door in these tests, what calls on it from inside, and what is left over."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from docker import APIClient

from runner.core.protocols import Sandbox
from runner.sandbox.lease import OWNER, PURPOSE

SIZE = 50_000_000
PATTERN = hashlib.sha512(b"pattern").digest() * 1024
CLIENT = """
import hashlib, json, socket, struct, sys, threading, time

def connect(order):
    connection = socket.create_connection(("127.0.0.1", 8080))
    connection.settimeout(60)
    connection.sendall(order.encode() + b"\\n")
    return connection

def everything(connection):
    got = hashlib.sha256()
    while data := connection.recv(65536):
        got.update(data)
    return got.hexdigest()

def say(what):
    print(json.dumps(what))

"""


class Desk:
    """Listens where a gateway would. A connection's first line says what is to be done with it."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.flooded = 0
        self.broken = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            order, *rest = (await reader.readline()).decode().split() or ["abort"]
            await getattr(self, order)(reader, writer, *rest)
        except OSError:
            self.broken.set()
        finally:
            writer.close()

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    async def digest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer only when the other way has ended."""
        got = hashlib.sha256()
        while data := await reader.read(65536):
            got.update(data)
        writer.write(got.hexdigest().encode())

    async def give(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size: str) -> None:
        left = int(size)
        while left > 0:
            writer.write(PATTERN[:left])
            left -= len(PATTERN)
            await writer.drain()

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """End the way out at once and still hear what comes in."""
        writer.write_eof()
        self.heard.put_nowait(await reader.read(-1))

    async def flood(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(PATTERN)
            await writer.drain()
            self.flooded += len(PATTERN)

    async def ignore(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1000)

    async def abort(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()


@asynccontextmanager
async def open_desk(socket: Path) -> AsyncIterator[Desk]:
    desk = Desk(socket)
    serving: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        serving.add(task := asyncio.current_task())  # type: ignore[arg-type]
        with suppress(asyncio.CancelledError):
            await desk.serve(reader, writer)
        serving.discard(task)  # type: ignore[arg-type]

    server = await asyncio.start_unix_server(serve, socket)
    socket.chmod(0o666)
    yield desk
    server.close()
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    for writer in writers:
        transport = writer.transport
        if not transport.is_closing() or transport.get_write_buffer_size():  # a stalled reader keeps it open
            transport.abort()
    await asyncio.sleep(0.05)


async def client(sandbox: Sandbox, script: str) -> Any:
    """What a Python program inside says."""
    result = await sandbox.exec(["python3", "-c", CLIENT + script], timeout_s=120)
    assert result.ok, result.stderr.decode()
    return json.loads(result.stdout)


def left(engine: APIClient, owner: str) -> tuple[int, int]:
    """How many containers and volumes an owner has."""
    mine = {"label": f"{OWNER}={owner}"}
    return len(engine.containers(all=True, filters=mine)), len(engine.volumes(filters=mine)["Volumes"] or [])


async def until_nothing_is_left(engine: APIClient, owner: str) -> tuple[int, int]:
    for _ in range(50):
        if left(engine, owner) == (0, 0):
            break
        await asyncio.sleep(0.2)
    return left(engine, owner)


def relays(engine: APIClient, owner: str) -> list[str]:
    labels = [f"{OWNER}={owner}", f"{PURPOSE}=relay"]
    return [found["Id"] for found in engine.containers(filters={"label": labels})]
