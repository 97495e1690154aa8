"""What whoever is in the sandbox may throw at the socket."""

from __future__ import annotations

import asyncio
import stat
from io import BytesIO
from pathlib import Path

import pytest
from fake_provider import Opened, Opening, Provider

from runner.core.errors import SetupError
from runner.gateway.calls.proxy import BODY_BYTES
from runner.gateway.listener import HEAD_BYTES, MOST_CONNECTIONS
from runner.gateway.settings import GatewaySettings


async def sent(opened: Opened, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """Everything that comes back, b"" also for a reset."""
    reader, writer = await asyncio.open_unix_connection(str(opened.socket))
    received = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(5):
            received = await reader.read()
    except ConnectionError:
        pass
    finally:
        writer.close()
    return received


async def works(opened: Opened) -> bool:
    return (await opened.ask())[0] == 200


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_garbage_is_answered_with_400(open_door: Opening, garbage: bytes) -> None:
    opened = await open_door()
    assert (await sent(opened, garbage)).startswith(b"HTTP/1.1 400 ")
    assert await works(opened)


async def test_malformed_headers_are_answered_with_400(open_door: Opening) -> None:
    opened = await open_door()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nno colon here\r\n\r\n"
    assert b" 400 " in (await sent(opened, head)).split(b"\r\n")[0]
    lengths = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
    assert b" 400 " in (await sent(opened, lengths)).split(b"\r\n")[0]
    assert await works(opened)


async def test_an_endless_head_is_cut_off(open_door: Opening) -> None:
    opened = await open_door()
    assert await sent(opened, b"GET /", *[b"x" * 10_000] * (HEAD_BYTES // 10_000 + 2)) == b""
    whole = b"GET / HTTP/1.1\r\nX: " + b"y" * HEAD_BYTES + b"\r\n\r\n"
    assert (await sent(opened, whole)).startswith((b"HTTP/1.1 400", b""))
    assert await works(opened)


async def test_a_client_that_dawdles_over_its_head_is_dropped(open_door: Opening) -> None:
    opened = await open_door(GatewaySettings(head_s=0.2))
    started = asyncio.get_running_loop().time()
    assert await sent(opened, *[b"G"] * 50, pause_s=0.05) == b""
    assert asyncio.get_running_loop().time() - started < 2
    assert await works(opened)


async def test_a_head_in_small_pieces_is_understood(open_door: Opening) -> None:
    opened = await open_door()
    head = f"GET /v1/models HTTP/1.0\r\nAuthorization: Bearer {opened.door.token}\r\n\r\n".encode()
    reply = await sent(opened, *[head[i : i + 7] for i in range(0, len(head), 7)], pause_s=0.001)
    assert b" 200 OK" in reply


async def test_connections_are_bounded(open_door: Opening) -> None:
    opened = await open_door()
    idle = [await asyncio.open_unix_connection(str(opened.socket)) for _ in range(MOST_CONNECTIONS)]
    await asyncio.sleep(0.05)
    assert await sent(opened, b"GET /v1/models HTTP/1.1\r\n\r\n") == b""
    for _, writer in idle:
        writer.close()
    await asyncio.sleep(0.05)
    assert await works(opened)


async def test_a_body_that_is_too_large_is_refused(open_door: Opening, provider: Provider) -> None:
    opened = await open_door()
    status, _ = await opened.post(BytesIO(b"x" * (BODY_BYTES + 1)))
    assert status == 413
    assert provider.bodies == []
    assert await works(opened)


async def test_a_body_without_the_token_is_not_even_read(open_door: Opening) -> None:
    opened = await open_door()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    reader, writer = await asyncio.open_unix_connection(str(opened.socket))
    writer.write(head)
    async with asyncio.timeout(5):
        assert b" 401 " in await reader.readline()
    writer.close()


async def test_everybody_may_connect_and_the_socket_goes_with_the_door(open_door: Opening) -> None:
    opened = await open_door()
    mode = opened.socket.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o666


async def test_a_path_that_is_too_long_says_so(open_door: Opening, folder: Path) -> None:
    deep = folder / ("d" * 100)
    deep.mkdir()
    with pytest.raises(SetupError, match="too long"):
        await open_door(socket=deep / "s")
