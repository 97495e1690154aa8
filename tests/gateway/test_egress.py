"""Downloads through a door: the list, the ports, private addresses, the log, hostile requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from fake_provider import Opened, Opening

from runner.core.records import Model
from runner.gateway.door import DoorSpec, open_gateway
from runner.gateway.downloads.egress import Refused, is_private, parsed_target
from runner.gateway.settings import GatewaySettings

Serving = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PAGE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngone"


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Serving], Awaitable[int]]]:
    """Starts a TCP server on localhost and tells its port."""
    async with AsyncExitStack() as stack:

        async def starting(serving: Serving) -> int:
            async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    with suppress(asyncio.IncompleteReadError):  # the gateway cut it off
                        await serving(reader, writer)
                finally:
                    writer.close()

            server = await asyncio.start_server(serve_and_close, "127.0.0.1", 0)
            stack.push_async_callback(server.wait_closed)
            stack.callback(server.close)
            return int(server.sockets[0].getsockname()[1])

        yield starting


def lenient(port: int, proxy: str | None = None) -> GatewaySettings:
    return GatewaySettings(private_egress=True, egress_ports=frozenset({port}), proxy=proxy)


async def exchange(opened: Opened, *sent: bytes) -> bytes:
    """What comes back until the gateway closes."""
    reader, writer = await asyncio.open_unix_connection(str(opened.socket))
    for piece in sent:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    async with asyncio.timeout(10):
        received = await reader.read()
    writer.close()
    return received


async def logged(opened: Opened, count: int = 1) -> list[dict[str, object]]:
    async with asyncio.timeout(10):
        while len(opened.downloads) < count:
            await asyncio.sleep(0.01)
    return opened.downloads


async def test_a_tunnel_carries_bytes_both_ways_and_is_logged(
    open_door: Opening, serve: Callable[[Serving], Awaitable[int]]
) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"you said " + await reader.readexactly(4))
        await writer.drain()

    port = await serve(echo)
    opened = await open_door(lenient(port), egress=("localhost",))
    head = f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
    assert await exchange(opened, head, b"\0\xffhi") == (
        b"HTTP/1.1 200 Connection established\r\n\r\nyou said \0\xffhi"
    )
    [line] = await logged(opened)
    assert (line["method"], line["host"], line["port"]) == ("CONNECT", "localhost", port)
    assert (line["status"], line["sent"], line["received"], line["path"]) == (200, 4, 13, None)


async def test_bytes_sent_together_with_the_head_are_not_lost(
    open_door: Opening, serve: Callable[[Serving], Awaitable[int]]
) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(5))
        await writer.drain()

    port = await serve(echo)
    opened = await open_door(lenient(port), egress=("localhost",))
    reply = await exchange(opened, f"CONNECT localhost:{port} HTTP/1.1\r\n\r\nhello".encode())
    assert reply.endswith(b"\r\n\r\nhello")


async def test_a_plain_request_reaches_its_origin_without_proxy_headers(
    open_door: Opening, serve: Callable[[Serving], Awaitable[int]]
) -> None:
    heads: list[bytes] = []

    async def origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(PAGE)
        await writer.drain()

    port = await serve(origin)
    opened = await open_door(lenient(port), egress=("localhost",))
    request = (
        f"GET http://LOCALHOST:{port}/dists/x?y=1 HTTP/1.1\r\nHost: elsewhere.example\r\n"
        "User-Agent: apt\r\nProxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\n\r\n"
    )
    smuggled = b"POST /upload HTTP/1.1\r\nHost: x\r\n\r\n"
    assert await exchange(opened, request.encode() + smuggled) == PAGE
    assert heads == [
        f"GET /dists/x?y=1 HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: apt\r\n"
        "Connection: close\r\n\r\n".encode()
    ]
    [line] = await logged(opened)
    assert (line["path"], line["status"], line["received"]) == ("/dists/x?y=1", 404, len(PAGE))


@pytest.mark.parametrize(
    ("request_line", "status", "reason"),
    [
        ("CONNECT evil.example:443 HTTP/1.1", 403, "evil.example is not on this task's list"),
        ("CONNECT registry.npmjs.org.evil.example:443 HTTP/1.1", 403, "not on this task's list"),
        ("CONNECT deb.example:443 HTTP/1.1", 403, "not on this task's list"),
        ("CONNECT xdeb.example:443 HTTP/1.1", 403, "not on this task's list"),
        ("CONNECT registry.npmjs.org:22 HTTP/1.1", 403, "port 22"),
        ("CONNECT 127.0.0.1:443 HTTP/1.1", 403, "not on this task's list"),
        ("CONNECT localhost:443 HTTP/1.1", 403, "private address"),
        ("GET http://localhost/ HTTP/1.1", 403, "private address"),
        ("POST http://registry.npmjs.org/ HTTP/1.1", 405, "only GET and HEAD"),
        ("GET ftp://registry.npmjs.org/ HTTP/1.1", 405, "only GET and HEAD"),
        ("GET https://registry.npmjs.org/ HTTP/1.1", 405, "only GET and HEAD"),
        ("CONNECT registry.npmjs.org HTTP/1.1", 400, "no host and port"),
        ("CONNECT registry.npmjs.org:99999 HTTP/1.1", 400, "not a proxy request"),
        ("OPTIONS * HTTP/1.1", 400, "no host and port"),
        ("GET http://[::1 HTTP/1.1", 400, "not a proxy request"),
        ("CONNECT a..deb.example:443 HTTP/1.1", 502, "cannot be reached"),
        ("CONNECT no-such-name.invalid:443 HTTP/1.1", 502, "cannot be reached"),
    ],
)
async def test_what_is_not_allowed_is_refused_and_logged(
    open_door: Opening, request_line: str, status: int, reason: str
) -> None:
    hosts = ("registry.npmjs.org", "*.deb.example", "localhost", "no-such-name.invalid")
    opened = await open_door(egress=hosts)
    reply = (await exchange(opened, f"{request_line}\r\nHost: x\r\n\r\n".encode())).decode()
    assert reply.startswith(f"HTTP/1.1 {status} ")
    assert reason in reply
    [line] = await logged(opened)
    assert line["status"] == status
    assert reason in str(line["error"])


async def test_an_empty_list_allows_nothing(open_door: Opening) -> None:
    opened = await open_door()
    assert b" 403 " in await exchange(opened, b"CONNECT registry.npmjs.org:443 HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize("plain", [True, False])
async def test_downloads_go_through_the_upstream_proxy(
    open_door: Opening, serve: Callable[[Serving], Awaitable[int]], plain: bool
) -> None:
    heads: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(PAGE if plain else b"HTTP/1.1 200 OK\r\n\r\ntunnelled")
        await writer.drain()

    port = await serve(proxy)
    settings = GatewaySettings(proxy=f"http://us%65r:p%40ss@127.0.0.1:{port}")
    opened = await open_door(settings, egress=("gems.invalid",))
    if plain:
        assert await exchange(opened, b"GET http://gems.invalid/a HTTP/1.1\r\n\r\n") == PAGE
        assert heads[0].startswith(b"GET http://gems.invalid/a HTTP/1.1\r\nHost: gems.invalid\r\n")
    else:
        reply = await exchange(opened, b"CONNECT gems.invalid:443 HTTP/1.1\r\n\r\n")
        assert reply.endswith(b"\r\n\r\ntunnelled")
        assert heads[0].startswith(b"CONNECT gems.invalid:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in heads[0]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 No\r\n\r\n", b"nonsense\r\n\r\n", b"", b"x" * 200_000])
async def test_an_upstream_proxy_that_refuses_is_told(
    open_door: Opening, serve: Callable[[Serving], Awaitable[int]], answer: bytes
) -> None:
    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    port = await serve(proxy)
    opened = await open_door(GatewaySettings(proxy=f"http://127.0.0.1:{port}"), egress=("gems.invalid",))
    assert b" 502 " in await exchange(opened, b"CONNECT gems.invalid:443 HTTP/1.1\r\n\r\n")


async def test_a_client_that_leaves_ends_its_download(
    serve: Callable[[Serving], Awaitable[int]], open_door: Opening
) -> None:
    stuck = asyncio.Event()

    async def origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stuck.set()
        await reader.read()

    port = await serve(origin)
    opened = await open_door(lenient(port), egress=("localhost",))
    _, writer = await asyncio.open_unix_connection(str(opened.socket))
    writer.write(f"CONNECT localhost:{port} HTTP/1.1\r\n\r\n".encode())
    await stuck.wait()
    writer.close()
    [line] = await logged(opened)
    assert line["status"] == 200


async def test_closing_the_door_ends_and_logs_downloads(
    serve: Callable[[Serving], Awaitable[int]], folder: Path
) -> None:
    stuck = asyncio.Event()

    async def origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stuck.set()
        await reader.read()

    port = await serve(origin)
    model = Model(id="m/m", provider="m", name="m", wire="openai_chat", upstream="http://127.0.0.1:1")
    spec = DoorSpec(folder / "s", model, None, folder / "t", folder / "downloads.jsonl", ("localhost",))
    async with open_gateway(lenient(port)) as gateway:
        async with gateway.open_door(spec, lambda exchange: None):
            reader, writer = await asyncio.open_unix_connection(str(spec.socket))
            writer.write(f"CONNECT localhost:{port} HTTP/1.1\r\n\r\n".encode())
            await stuck.wait()
        assert len(spec.downloads.read_text().splitlines()) == 1
        async with asyncio.timeout(5):
            with suppress(ConnectionError):
                await reader.read()
        writer.close()


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.1.2.3", "172.17.0.1", "192.168.1.1", "169.254.169.254"]
)
def test_local_addresses_are_private(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize(
    "address", ["::ffff:127.0.0.1", "fe80::1%eth0", "fd00::1", "0.0.0.0", "100.64.0.1", "64:ff9b::7f00:1"]
)
def test_disguised_local_addresses_are_private(address: str) -> None:
    assert is_private(address)


def test_public_addresses_are_not_private() -> None:
    assert not any(map(is_private, ["151.101.1.1", "2a04:4e42::1", "172.32.0.1"]))


def test_heads_that_are_not_ascii_are_refused() -> None:
    with pytest.raises(Refused, match="not a proxy request"):
        parsed_target("CONNECT é.example:443 HTTP/1.1\r\n\r\n".encode())


# --- the cap on bytes


async def test_a_download_beyond_the_cap_is_cut_and_the_next_refused(
    open_door: Opening, serve: Callable[[Serving], Awaitable[int]]
) -> None:
    async def large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000)
        with suppress(OSError):
            await writer.drain()

    port = await serve(large)
    opened = await open_door(lenient(port), egress=("localhost",), egress_bytes=100_000)
    ask = f"GET http://localhost:{port}/gem HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with suppress(ConnectionResetError):
        assert len(await exchange(opened, ask)) <= 100_000
    [cut] = await logged(opened)
    assert "used up" in str(cut["error"])
    assert (cut["host"], cut["path"], cut["status"]) == ("localhost", "/gem", 200)
    assert isinstance(cut["received"], int)
    assert 0 < cut["received"] <= 100_000
    refused = await exchange(opened, ask)
    assert refused.startswith(b"HTTP/1.1 403 ")
    assert b"used up the bytes" in refused
    assert (await logged(opened, 2))[1]["status"] == 403


async def test_the_cap_counts_both_ways_and_over_all_downloads(
    open_door: Opening, serve: Callable[[Serving], Awaitable[int]]
) -> None:
    async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4000)
        writer.write(b"thanks")

    port = await serve(sink)
    opened = await open_door(lenient(port), egress=("localhost",), egress_bytes=5000)
    connect = f"CONNECT localhost:{port} HTTP/1.1\r\n\r\n".encode()
    assert (await exchange(opened, connect, b"x" * 4000)).endswith(b"thanks")
    assert opened.door.fetched == {"localhost": 4006}
    with suppress(ConnectionResetError):
        assert not (await exchange(opened, connect, b"x" * 4000)).endswith(b"thanks")
    assert "used up" in str((await logged(opened, 2))[1]["error"])
    assert (await exchange(opened, connect)).startswith(b"HTTP/1.1 403 ")


async def test_without_a_cap_there_is_none(
    open_door: Opening, serve: Callable[[Serving], Awaitable[int]]
) -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(PAGE)

    port = await serve(page)
    opened = await open_door(lenient(port), egress=("localhost",))
    ask = f"GET http://localhost:{port}/ HTTP/1.1\r\n\r\n".encode()
    assert await exchange(opened, ask) == PAGE
    assert opened.door.fetched == {"localhost": len(PAGE)}
