"""The relay: sealed, chosen where it is needed, and gone with its sandbox and its runner."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import pytest
from conformance import SMALL, sh
from desk import CLIENT, Desk, client, left, relays, until_nothing_is_left
from docker import APIClient
from docker.errors import APIError

from runner.core.errors import SandboxGone, SetupError
from runner.core.protocols import SandboxSpec
from runner.sandbox.docker import DockerBackend
from runner.sandbox.doors import DoorMode, choose_door, obstacle, shares_files
from runner.sandbox.engine import DEFAULT_URL as ENGINE
from runner.sandbox.host import Host
from runner.sandbox.lease import Lease

RUNNER = """
import asyncio, sys
from docker import APIClient
from pathlib import Path
from runner.core.protocols import SandboxSpec
from runner.sandbox.docker import DockerBackend
from runner.sandbox.doors import DoorMode
from runner.sandbox.lease import Lease

async def main(engine, folder, image, door):
    with Lease(Path(folder)) as lease:
        backend = DockerBackend(APIClient(engine, version="auto"), engine, lease, door=DoorMode.RELAY)
        async with backend.open(SandboxSpec(image=image, run="orphan", door=Path(door))) as sandbox:
            print(lease.owner, flush=True)
            await sandbox.exec(["sleep", "1000"], timeout_s=1000)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def backend(engine: APIClient, lease: Lease) -> Iterator[DockerBackend]:
    backend = DockerBackend(engine, ENGINE, lease, door=DoorMode.RELAY)
    yield backend
    backend.close()


@pytest.fixture
def spec(image: str, desk: Desk) -> SandboxSpec:
    return SandboxSpec(image=image, run="relay", resources=SMALL, door=desk.socket)


@pytest.mark.docker
async def test_a_relay_is_sealed_like_a_sandbox(
    backend: DockerBackend, engine: APIClient, lease: Lease, spec: SandboxSpec
) -> None:
    async with backend.open(spec):
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


# --- the end


@pytest.mark.docker
async def test_nothing_is_left_when_a_sandbox_closes(
    backend: DockerBackend, engine: APIClient, lease: Lease, spec: SandboxSpec
) -> None:
    async with backend.open(spec):
        assert left(engine, lease.owner) == (2, 1)
    assert await until_nothing_is_left(engine, lease.owner) == (0, 0)


@pytest.mark.docker
async def test_without_a_door_there_is_no_relay(
    backend: DockerBackend, engine: APIClient, lease: Lease, image: str
) -> None:
    async with backend.open(SandboxSpec(image=image, run="x", resources=SMALL)):
        assert left(engine, lease.owner) == (1, 0)


@pytest.mark.docker
async def test_nothing_is_left_when_opening_is_cancelled_at_any_moment(
    backend: DockerBackend, engine: APIClient, lease: Lease, spec: SandboxSpec
) -> None:
    async def use() -> None:
        async with backend.open(spec) as sandbox:
            await sandbox.exec(["sleep", "1000"])

    for step in range(16):
        opening = asyncio.create_task(use())
        await asyncio.sleep(step * 0.05)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    assert await until_nothing_is_left(engine, lease.owner) == (0, 0)


@pytest.mark.docker
async def test_a_missing_image_is_a_set_up_error_and_leaves_nothing(
    backend: DockerBackend, engine: APIClient, lease: Lease, desk: Desk
) -> None:
    with pytest.raises(SetupError, match="shipworthy image build"):
        async with backend.open(SandboxSpec(image="shipworthy/none:0", run="x", door=desk.socket)):
            pass
    assert await until_nothing_is_left(engine, lease.owner) == (0, 0)


@pytest.mark.docker
async def test_a_relay_that_cannot_start_is_the_infrastructures_fault(
    backend: DockerBackend,
    engine: APIClient,
    lease: Lease,
    spec: SandboxSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runner.sandbox.relay.program", lambda: b"raise SystemExit('no room')")
    with pytest.raises(SandboxGone, match=r"the relay .* ended: no room"):
        async with backend.open(spec):
            pass
    assert await until_nothing_is_left(engine, lease.owner) == (0, 0)


@pytest.mark.docker
@pytest.mark.parametrize("script", ['connect("ignore").recv(1); sys.exit(3)', "time.sleep(1000)"])
async def test_a_sandbox_ends_with_its_relay(
    backend: DockerBackend, engine: APIClient, lease: Lease, spec: SandboxSpec, script: str
) -> None:
    async with backend.open(spec) as sandbox:
        working = asyncio.create_task(sandbox.exec(["python3", "-c", CLIENT + script], timeout_s=60))
        await asyncio.sleep(1)
        (relay,) = relays(engine, lease.owner)
        await asyncio.to_thread(engine.kill, relay)
        with pytest.raises(SandboxGone):  # never a failed command, which would be the model's fault
            await working
    assert await until_nothing_is_left(engine, lease.owner) == (0, 0)


@pytest.mark.docker
async def test_a_silent_runner_loses_its_relay(
    backend: DockerBackend,
    engine: APIClient,
    lease: Lease,
    spec: SandboxSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runner.sandbox.container.SILENCE_S", 1.5)  # a fault: the heart stops beating
    async with backend.open(spec):
        assert await until_nothing_is_left(engine, lease.owner) == (0, 0)


@pytest.mark.docker
async def test_a_killed_runner_leaves_nothing_behind(
    backend: DockerBackend, engine: APIClient, lease: Lease, image: str, desk: Desk
) -> None:
    arguments = (backend.engine_url, str(lease.root), image, str(desk.socket))
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, *arguments], stdout=subprocess.PIPE, text=True)
    assert runner.stdout is not None
    owner = await asyncio.to_thread(runner.stdout.readline)
    owner = owner.strip()
    assert left(engine, owner) == (2, 1)
    runner.send_signal(signal.SIGKILL)
    runner.communicate()
    assert await until_nothing_is_left(engine, owner) == (
        0,
        0,
    )  # both ended by themselves, the volume with them
    await backend.sweep()
    assert [f.name for f in lease.root.iterdir()] == [lease.owner]


@pytest.mark.docker
async def test_sweeping_removes_volumes_of_dead_runners_and_only_them(
    backend: DockerBackend, engine: APIClient, lease: Lease, spec: SandboxSpec
) -> None:
    with Lease(lease.root) as dead:
        elsewhere = {**dead.labels, "org.shipworthy.host": "another"}
        orphan, foreign, kept = (
            engine.create_volume(labels=labels)["Name"]
            for labels in (dead.labels, {"some": "label"}, elsewhere)
        )
        async with backend.open(spec) as mine:
            assert orphan not in await backend.sweep()  # all owners live
            dead.__exit__(None, None, None)
            dead.folder.mkdir()  # as SIGKILL leaves it: there, and not locked
            assert orphan in await backend.sweep()
            assert (await sh(mine, "test -S /run/shipworthy/door.sock")).ok
    for name in (foreign, kept):
        engine.remove_volume(name)  # were still there


@pytest.mark.docker
async def test_a_volume_that_cannot_be_removed_yet_is_remembered(
    backend: DockerBackend, engine: APIClient, lease: Lease, image: str
) -> None:
    with Lease(lease.root) as dead:
        name = engine.create_volume(labels=dead.labels)["Name"]
    host = engine.create_host_config(binds={name: {"bind": "/x"}})
    holder = engine.create_container(image, ["true"], host_config=host)["Id"]
    dead.folder.mkdir()
    try:
        assert name not in await backend.sweep()
        assert dead.folder.exists()  # without it, nothing would tell that the volume is an orphan
    finally:
        engine.remove_container(holder)
    assert name in await backend.sweep()
    assert not dead.folder.exists()


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

    forwarding: set[asyncio.Task[None]] = set()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        forwarding.add(asyncio.current_task())  # type: ignore[arg-type]
        inner, outer = await asyncio.open_unix_connection(ENGINE.removeprefix("unix://"))
        try:
            await asyncio.gather(pump(reader, outer), pump(inner, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            outer.close()
            writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for task in forwarding:
        task.cancel()
    await asyncio.gather(*forwarding, return_exceptions=True)


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
