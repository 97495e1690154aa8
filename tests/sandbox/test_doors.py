"""The gateway's socket inside a sandbox, mounted and through a relay: the same promises for both."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator

import pytest
from conformance import SMALL, Seal, out, sh
from desk import SIZE, Desk, client, open_desk, relays
from docker import APIClient

from runner.core.protocols import Sandbox, SandboxSpec
from runner.core.records import Resources
from runner.sandbox.docker import DockerBackend, DockerSandbox
from runner.sandbox.doors import DoorMode
from runner.sandbox.engine import DEFAULT_URL as ENGINE
from runner.sandbox.lease import Lease

WIDE = Resources(cpus=1, memory_mb=256, disk_mb=64, pids=512)


@pytest.fixture(params=[DoorMode.MOUNT, DoorMode.RELAY])
def backend(request: pytest.FixtureRequest, engine: APIClient, lease: Lease) -> Iterator[DockerBackend]:
    backend = DockerBackend(engine, ENGINE, lease, door=request.param)
    yield backend
    backend.close()


@pytest.fixture
async def sandbox(backend: DockerBackend, desk: Desk, image: str) -> AsyncIterator[DockerSandbox]:
    async with backend.open(
        SandboxSpec(image=image, run="doors", resources=WIDE, door=desk.socket)
    ) as sandbox:
        yield sandbox


# --- the door


@pytest.mark.docker
async def test_the_door_is_reached_as_a_local_port_and_as_a_proxy(
    backend: DockerBackend, lease: Lease, image: str
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        body = request.split(b" ")[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    door = lease.folder / "door.sock"
    server = await asyncio.start_unix_server(answer, door)
    door.chmod(0o666)
    async with server, backend.open(SandboxSpec(image=image, run="x", door=door)) as sandbox:
        assert await out(sandbox, "curl -s http://127.0.0.1:8080/v1/path") == "/v1/path"
        assert await out(sandbox, "curl -s http://elsewhere.example/x") == "http://elsewhere.example/x"
        server.close()
        door.unlink()
        assert (await sh(sandbox, "curl -s http://127.0.0.1:8080/")).exit_code in (52, 56)  # no answer


@pytest.mark.docker
async def test_many_connections_at_once_are_kept_apart(sandbox: Sandbox) -> None:
    script = """
open_now = [connect("echo") for _ in range(64)]
for number, connection in enumerate(open_now):
    connection.sendall(b"%d " % number * 1000)
    connection.shutdown(socket.SHUT_WR)
wanted = [hashlib.sha256(b"%d " % number * 1000).hexdigest() for number in range(64)]
say([everything(connection) for connection in open_now] == wanted)
"""
    assert await client(sandbox, script) is True


@pytest.mark.docker
async def test_much_goes_both_ways_intact(sandbox: Sandbox) -> None:
    script = f"""
pattern = hashlib.sha512(b"pattern").digest() * 1024
data = (pattern * ({SIZE} // len(pattern) + 1))[:{SIZE}]
got = []
down = threading.Thread(target=lambda: got.append(everything(connect("give {SIZE}"))))
down.start()
up = connect("digest")
up.sendall(data)
up.shutdown(socket.SHUT_WR)
answer = up.recv(100).decode()
down.join()
wanted = hashlib.sha256(data).hexdigest()
say([answer == wanted, got == [wanted]])
"""
    assert await client(sandbox, script) == [True, True]


@pytest.mark.docker
async def test_each_way_ends_by_itself(sandbox: Sandbox, desk: Desk) -> None:
    script = """
inner = connect("digest")
inner.sendall(b"x")
inner.shutdown(socket.SHUT_WR)
outer = connect("listen")
ended = outer.recv(1)
outer.sendall(b"after the end")
outer.close()
say([inner.recv(100).decode(), ended.decode()])
"""
    assert await client(sandbox, script) == [hashlib.sha256(b"x").hexdigest(), ""]
    assert await asyncio.wait_for(desk.heard.get(), 10) == b"after the end"


@pytest.mark.docker
async def test_stalled_connections_hold_up_no_other_and_stay_small(
    sandbox: Sandbox, backend: DockerBackend, lease: Lease, desk: Desk
) -> None:
    script = """
stalled = [connect("flood") for _ in range(40)]
deaf = [connect("ignore") for _ in range(40)]
sent = 0
for connection in deaf:
    connection.setblocking(False)
for _ in range(30):
    for connection in deaf:
        try:
            while True:
                sent += connection.send(bytes(65536))
        except BlockingIOError:
            pass
    time.sleep(0.05)
started = time.monotonic()
other = connect("echo")
other.sendall(b"through")
say([other.recv(100).decode(), sent])
"""
    answer, sent = await client(sandbox, script)
    assert answer == "through"
    assert sent / 40 < 8_000_000
    assert desk.flooded / 40 < 8_000_000
    for relay in relays(backend.client, lease.owner):
        memory = backend.client.stats(relay, stream=False)["memory_stats"]
        assert memory["usage"] < memory["limit"] * 0.75
    assert await client(sandbox, 'other = connect("give 3"); say(len(everything(other)))') == 64


@pytest.mark.docker
async def test_a_connection_that_breaks_off_is_told_to_the_other_side(sandbox: Sandbox, desk: Desk) -> None:
    script = """
connection = connect("abort")
try:
    said = len(connection.recv(100))
except ConnectionError:
    said = 0
flood = connect("flood")
flood.recv(100)
flood.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
flood.close()
say(said)
"""
    assert await client(sandbox, script) == 0
    await asyncio.wait_for(desk.broken.wait(), 10)


@pytest.mark.docker
async def test_more_connections_than_are_allowed_harm_nobody(sandbox: Sandbox) -> None:
    script = """
held = []
for _ in range(400):
    try:
        held.append(connect("echo"))
    except OSError:
        break
say(len(held) > 100)
"""
    assert await client(sandbox, script) is True
    assert await client(sandbox, 'say(len(everything(connect("give 3"))))') == 64


# --- isolation


@pytest.mark.docker
class TestSealWithDoor(Seal):
    """The seal of a sandbox that has a door."""

    @pytest.fixture
    def entrance(self, backend: DockerBackend) -> set[str]:
        return {"/run/shipworthy" if backend.door is DoorMode.RELAY else "/run/shipworthy.sock"}

    @pytest.fixture
    async def sandbox(self, backend: DockerBackend, desk: Desk, image: str) -> AsyncIterator[Sandbox]:
        spec = SandboxSpec(image=image, run="seal", resources=SMALL, door=desk.socket)
        async with backend.open(spec) as sandbox:
            yield sandbox


@pytest.mark.docker
async def test_the_socket_cannot_be_replaced_or_taken_away(sandbox: Sandbox, backend: DockerBackend) -> None:
    socket = "/run/shipworthy/door.sock" if backend.door is DoorMode.RELAY else "/run/shipworthy.sock"
    tries = {
        f"rm -f {socket}",
        f"mv {socket} /tmp/mine",
        f"ln -sf /tmp/mine {socket}",
        f"chmod 0 {socket}",
        f"touch {socket}",
        f"touch {socket}.other",
        f"mkdir {socket}.d",
        f"rm -rf $(dirname {socket})",
        f"mount -o remount,rw $(dirname {socket})",
        f"""python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("{socket}.mine")'""",
    }
    done = [attempt for attempt in tries if (await sh(sandbox, attempt)).ok]
    assert done == []
    assert await client(sandbox, 'say(len(everything(connect("give 3"))))') == 64


@pytest.mark.docker
async def test_a_relay_lets_a_sandbox_see_and_write_no_more(
    engine: APIClient, lease: Lease, desk: Desk, image: str
) -> None:
    looks = {
        "writable": "find / -path /proc -prune -o -writable -print 2>/dev/null | sort",
        "processes": "ps -eo pid,user,args --no-headers | grep -v -e 'ps -eo' -e 'sh -c' -e grep",
        "environment": "env | grep -v SHIPWORTHY_EXEC | sort",
        "names": "hostname; cat /etc/hosts",
        "network": "cat /proc/net/dev | cut -d: -f1; cat /proc/net/route",
        "run": "ls -RA /run",
    }
    seen = {}
    for mode in (DoorMode.MOUNT, DoorMode.RELAY):
        backend = DockerBackend(engine, ENGINE, lease, door=mode)
        spec = SandboxSpec(image=image, run="look", resources=SMALL, door=desk.socket)
        async with backend.open(spec) as sandbox:
            seen[mode] = {name: await out(sandbox, look) for name, look in looks.items()}
        backend.close()
    mount, relay = seen[DoorMode.MOUNT], seen[DoorMode.RELAY]
    relay = {k: v.replace("/run/shipworthy/door.sock", "/run/shipworthy.sock") for k, v in relay.items()}
    assert relay.pop("run") == "/run:\nlock\nshipworthy\n\n/run/lock:\n\n/run/shipworthy:\ndoor.sock"
    assert mount.pop("run") == "/run:\nlock\nshipworthy.sock\n\n/run/lock:"
    assert relay == mount


@pytest.mark.docker
async def test_each_sandbox_has_a_door_of_its_own(backend: DockerBackend, lease: Lease, image: str) -> None:
    sockets = [lease.folder / f"{name}.sock" for name in ("one", "two")]
    async with open_desk(sockets[0]) as one, open_desk(sockets[1]) as two:
        mine = SandboxSpec(image=image, run="one", resources=SMALL, door=one.socket)
        yours = SandboxSpec(image=image, run="two", resources=SMALL, door=two.socket)
        async with backend.open(mine) as first, backend.open(yours) as second:
            for desk, sandbox, word in ((one, first, "mine"), (two, second, "yours")):
                await client(sandbox, f'c = connect("listen"); c.sendall(b"{word}"); c.close(); say(0)')
                assert await asyncio.wait_for(desk.heard.get(), 10) == word.encode()
            assert one.heard.empty()
            assert two.heard.empty()
