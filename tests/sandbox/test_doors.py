"""The gateway's socket inside a sandbox, mounted and through a relay: the same promises for both."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from conformance import SMALL, Seal, out, sh
from docker import APIClient
from docker.errors import APIError

from runner.core.protocols import Sandbox, SandboxSpec
from runner.core.records import Resources
from runner.sandbox.docker import DockerBackend, DockerSandbox
from runner.sandbox.doors import DoorMode, choose_door, obstacle, shares_files
from runner.sandbox.engine import DEFAULT_URL as ENGINE
from runner.sandbox.host import Host
from runner.sandbox.lease import OWNER, PURPOSE, Lease

WIDE = Resources(cpus=1, memory_mb=256, disk_mb=64, pids=512)
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
        order, *rest = (await reader.readline()).decode().split()
        try:
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


@pytest.fixture
def image(images: dict[str, str]) -> str:
    return images["base"]


@pytest.fixture(params=[DoorMode.MOUNT, DoorMode.RELAY])
def backend(request: pytest.FixtureRequest, engine: APIClient, lease: Lease) -> Iterator[DockerBackend]:
    backend = DockerBackend(engine, ENGINE, lease, door=request.param)
    yield backend
    backend.close()


@asynccontextmanager
async def open_desk(socket: Path) -> AsyncIterator[Desk]:
    desk = Desk(socket)
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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


@pytest.fixture
async def desk(lease: Lease) -> AsyncIterator[Desk]:
    async with open_desk(lease.folder / "desk.sock") as desk:
        yield desk


@pytest.fixture
async def sandbox(backend: DockerBackend, desk: Desk, image: str) -> AsyncIterator[DockerSandbox]:
    async with backend.open(
        SandboxSpec(image=image, run="doors", resources=WIDE, door=desk.socket)
    ) as sandbox:
        yield sandbox


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
        specs = [
            SandboxSpec(image=image, run=d.socket.stem, resources=SMALL, door=d.socket) for d in (one, two)
        ]
        async with backend.open(specs[0]) as first, backend.open(specs[1]) as second:
            for desk, sandbox, word in ((one, first, "mine"), (two, second, "yours")):
                await client(sandbox, f'c = connect("listen"); c.sendall(b"{word}"); c.close(); say(0)')
                assert await asyncio.wait_for(desk.heard.get(), 10) == word.encode()
            assert one.heard.empty()
            assert two.heard.empty()


@pytest.mark.docker
async def test_a_relay_is_sealed_like_a_sandbox(
    engine: APIClient, lease: Lease, desk: Desk, image: str
) -> None:
    backend = DockerBackend(engine, ENGINE, lease, door=DoorMode.RELAY)
    async with backend.open(SandboxSpec(image=image, run="x", resources=SMALL, door=desk.socket)):
        (relay,) = relays(engine, lease.owner)
        found = engine.inspect_container(relay)
        host = found["HostConfig"]
        assert found["Config"]["User"] == "65534:65534"
        assert (host["NetworkMode"], host["CapDrop"], host["Binds"]) == ("none", ["ALL"], None)
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["ReadonlyRootfs"]
        assert host["AutoRemove"]
        assert (host["Memory"], host["PidsLimit"]) == (128 * 2**20, 16)
        look = "find / -path /proc -prune -o -path /dev -prune -o -type d -writable -print 2>/dev/null"
        command = engine.exec_create(relay, ["sh", "-c", f"cut -d: -f1 /proc/net/dev | tail -n +3; {look}"])
        assert engine.exec_start(command["Id"]).decode().split() == ["lo", "/run/shipworthy"]
    backend.close()
    assert await until_nothing_is_left(engine, lease.owner) == (0, 0)


# --- the choice


HERE = {"OperatingSystem": "Debian GNU/Linux 12 (bookworm)", "KernelVersion": "6.1"}


@pytest.mark.parametrize(
    ("url", "system", "info", "word"),
    [
        ("unix:///var/run/docker.sock", "Linux", HERE, None),
        ("tcp://elsewhere:2375", "Linux", HERE, "not reached by a socket"),
        ("ssh://me@elsewhere", "Linux", HERE, "not reached by a socket"),
        ("unix:///var/run/docker.sock", "Darwin", HERE, "on Darwin"),
        ("unix:///x", "Linux", HERE | {"OperatingSystem": "Docker Desktop"}, "Docker Desktop"),
        ("unix:///x", "Linux", HERE | {"KernelVersion": "5.15-lima"}, "another kernel"),
    ],
)
def test_what_speaks_against_mounting(url: str, system: str, info: dict[str, str], word: str | None) -> None:
    found = obstacle(url, system, "6.1", info)
    assert (found is None) if word is None else (word in str(found))


class BlindEngine:
    """An engine that does not see this host's files."""

    def info(self) -> dict[str, str]:
        return {"KernelVersion": os.uname().release}

    def create_host_config(self, **arguments: object) -> dict[str, object]:
        return arguments

    def create_container(self, *arguments: object, **more: object) -> None:
        raise APIError("invalid mount config for type bind: bind source path does not exist")


def test_an_engine_that_does_not_see_this_hosts_files_gets_a_relay() -> None:
    engine: Any = BlindEngine()
    linux = Host("Linux", ("debian",), False, False, "")
    door = choose_door(DoorMode.AUTO, engine, ENGINE, linux)
    assert (door.mode, door.why) == (DoorMode.RELAY, "the engine does not see this host's files")
    assert choose_door(DoorMode.MOUNT, engine, ENGINE, linux).mode is DoorMode.MOUNT


@pytest.mark.docker
def test_this_engine_mounts_unless_told_otherwise(engine: APIClient) -> None:
    host = Host.here("", may_install=False)
    before = len(engine.containers(all=True, filters={"ancestor": "shipworthy/none:probe"}))
    assert shares_files(engine)
    assert choose_door(DoorMode.AUTO, engine, ENGINE, host).mode is DoorMode.MOUNT
    assert choose_door(DoorMode.RELAY, engine, ENGINE, host).mode is DoorMode.RELAY
    assert before == len(engine.containers(all=True, filters={"ancestor": "shipworthy/none:probe"})) == 0


@pytest.fixture
async def remote_url() -> AsyncIterator[str]:
    """The engine, as it is reached from another host."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_unix_connection(ENGINE.removeprefix("unix://"))
        with suppress(OSError):
            await asyncio.gather(pump(reader, outer), pump(inner, writer))
        outer.close()
        writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await asyncio.sleep(0.1)


@pytest.mark.docker
async def test_a_remote_engine_is_used_through_a_relay(
    remote_url: str, lease: Lease, desk: Desk, image: str
) -> None:
    remote = await asyncio.to_thread(APIClient, remote_url, version="auto")
    host = Host.here("", may_install=False)
    door = await asyncio.to_thread(choose_door, DoorMode.AUTO, remote, remote_url, host)
    assert door.mode is DoorMode.RELAY
    backend = DockerBackend(remote, remote_url, lease, door=door.mode)
    spec = SandboxSpec(image=image, run="remote", resources=SMALL, door=desk.socket)
    async with backend.open(spec) as sandbox:
        assert await client(sandbox, 'say(len(everything(connect("give 3"))))') == 64
    backend.close()
    await asyncio.to_thread(remote.close)
