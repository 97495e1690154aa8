"""One Unix socket, two protocols: the first bytes tell a model call from a package download."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from runner.core.errors import SetupError
from runner.gateway.downloads.egress import Egress

PATH_BYTES = 100
MOST_CONNECTIONS = 128
HEAD_BYTES = 65536
KEEPALIVE_S = 600
CLOSING_S = 0.5
REQUEST_LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n")
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Listener:
    """The connections of one socket. Whoever is in the sandbox may connect, so everything is bounded."""

    def __init__(self, handler: Handler, egress: Egress, head_s: float) -> None:
        # A logger of its own, silent: aiohttp would log each malformed request of hostile code as an error.
        silent = logging.Logger("gateway", level=logging.CRITICAL + 1)
        self.server = web.Server(
            self._tracked(handler),
            handler_cancellation=True,
            keepalive_timeout=KEEPALIVE_S,
            access_log=None,
            logger=silent,
        )
        self.egress = egress
        self.head_s = head_s
        self.waiting: set[asyncio.Transport] = set()
        self.downloads: dict[asyncio.Task[None], asyncio.Transport] = {}
        self._requests: set[asyncio.Task[Any]] = set()

    @property
    def full(self) -> bool:
        """Whether one more connection is one too many."""
        open_now = len(self.waiting) + len(self.downloads) + len(self.server.connections)
        return open_now >= MOST_CONNECTIONS

    def download(self, head: bytes, rest: bytes, transport: asyncio.Transport) -> None:
        """Give a connection to the forward proxy."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        reader.feed_data(rest)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        task = loop.create_task(self.egress.serve(head, reader, writer))
        self.downloads[task] = transport
        task.add_done_callback(self.downloads.pop)

    def model_call(self, received: bytes, transport: asyncio.Transport) -> None:
        """Give a connection to aiohttp, with all that was read from it."""
        protocol = self.server()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(received)

    async def close(self) -> None:
        """Break off what is still open, after which every exchange is in the ledger."""
        self.server.pre_shutdown()
        transports = [*self.waiting, *self.downloads.values()]
        tasks = [*self._requests, *self.downloads]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for transport in transports:
            transport.abort()
        await self.server.shutdown(CLOSING_S)

    def _tracked(self, handler: Handler) -> Handler:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            task = asyncio.current_task()
            assert task is not None
            self._requests.add(task)
            try:
                return await handler(request)
            finally:
                self._requests.discard(task)

        return handle


class Doorstep(asyncio.Protocol):
    """Reads the first head of a connection, then hands the connection on."""

    transport: asyncio.Transport

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock: a client that dawdles is dropped."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._clock = asyncio.get_running_loop().call_later(self._listener.head_s, transport.abort)
        if self._listener.full:
            transport.abort()
        self._listener.waiting.add(transport)

    def data_received(self, data: bytes) -> None:
        """Collect up to the blank line."""
        self._received += data
        end = self._received.find(b"\r\n\r\n") + 4
        if end >= 4:
            self._leave()
            self._hand_on(self._received[:end], self._received[end:])
        elif len(self._received) > HEAD_BYTES:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left before its head was complete."""
        self._leave()

    def _leave(self) -> None:
        self._clock.cancel()
        self._listener.waiting.discard(self.transport)

    def _hand_on(self, head: bytes, rest: bytes) -> None:
        request = REQUEST_LINE.match(head)
        if request is None or len(head) > HEAD_BYTES:
            self.transport.write(BAD_REQUEST)
            self.transport.close()
        elif request[1] != b"CONNECT" and request[2].startswith(b"/"):
            self._listener.model_call(head + rest, self.transport)
        else:
            self._listener.download(head, rest, self.transport)


@asynccontextmanager
async def listening(path: Path, listener: Listener) -> AsyncIterator[None]:
    """Accept on a Unix socket that everybody may connect to: the folder is what guards it."""
    door = _bound(path)
    server = await asyncio.get_running_loop().create_unix_server(lambda: Doorstep(listener), sock=door)
    try:
        yield
    finally:
        server.close()
        _remove(path)
        await listener.close()


def _bound(path: Path) -> socket.socket:
    if len(bytes(path)) >= PATH_BYTES:
        raise SetupError(f"{path}: too long for a Unix socket ({PATH_BYTES} bytes); choose a shorter folder")
    _remove(path)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        door.bind(str(path))
        path.chmod(0o666)
    except OSError as error:
        door.close()
        raise SetupError(f"{path}: the gateway's socket cannot be made: {error}") from error
    return door


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
