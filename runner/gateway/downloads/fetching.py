"""Downloads of the runner's own, held to the same list, ports, addresses and bytes as those of an agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from runner.gateway.downloads.egress import Egress

GET_S = 60
CHUNK = 65536
MOST_REDIRECTS = 5


class Unavailable(Exception):
    """What was asked for cannot be had, with the reason."""


class Fetcher:
    """Gets files over HTTP through an egress proxy; redirects pass its checks too."""

    def __init__(self, session: aiohttp.ClientSession, proxy: str) -> None:
        self._session = session
        self._proxy = proxy

    async def get(self, url: str, most_bytes: int, accept: str = "*/*") -> bytes:
        """The body. Raises Unavailable if it is no whole reply of status 200, or larger than `most_bytes`."""
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        try:
            async with (
                asyncio.timeout(GET_S),
                self._session.get(
                    url, proxy=self._proxy, headers=headers, max_redirects=MOST_REDIRECTS
                ) as reply,
            ):
                if reply.status != 200:
                    raise Unavailable(f"{url}: status {reply.status}")
                return await _body(reply, most_bytes)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unavailable(f"{url}: {type(error).__name__}: {error}".rstrip(": ")) from error


@asynccontextmanager
async def open_fetcher(session: aiohttp.ClientSession, egress: Egress) -> AsyncIterator[Fetcher]:
    """A fetcher whose every connection is checked by this egress proxy, which listens on loopback for it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            writer.close()
            return
        await egress.serve(head, reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield Fetcher(session, f"http://127.0.0.1:{port}")
    finally:
        server.close()


async def _body(reply: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in reply.content.iter_chunked(CHUNK):
        body += chunk
        if len(body) > most_bytes:
            raise Unavailable(f"{reply.url}: is larger than {most_bytes:,} bytes")
    return bytes(body)
