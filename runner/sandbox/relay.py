"""A relay: a small container beside a sandbox that carries the gateway's socket to it, over a shared volume.

The sandbox mounts the volume read-only. Nothing is mounted from this host and neither container has a
network: every connection travels over the relay's standard streams to this process, which joins it with one
to the door.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from docker.types import DriverConfig, Mount

from runner.core.errors import SandboxError, SandboxGone
from runner.core.protocols import SandboxSpec
from runner.sandbox import container
from runner.sandbox.container import Entrance, entrypoint, seal
from runner.sandbox.containers import Containers
from runner.sandbox.inside.multiplex import BEAT, CHUNK, Multiplex, ProtocolError
from runner.sandbox.lease import PURPOSE, RUN
from runner.sandbox.streams import STDOUT

FOLDER = "/run/shipworthy"
SOCKET = f"{FOLDER}/door.sock"
ANSWER_S = 30.0
_USER = 65534  # not the sandbox's
_MEMORY, _CPUS, _PIDS = 128 * 2**20, 1.0, 16
_VOLUME = {
    "type": "tmpfs",
    "device": "tmpfs",
    "o": "size=64k,nr_inodes=8,mode=1777,nosuid,nodev,noexec",
}
_PROGRAM = """import sys, types
name = "runner.sandbox.inside.multiplex"
sys.modules[name] = types.ModuleType(name)
exec({multiplex!r}, vars(sys.modules[name]))
exec({relay!r})
"""


@cache
def program() -> bytes:
    """What PID 1 of a relay runs: its two modules."""
    inside = Path(__file__).with_name("inside")
    sources = {name: inside.joinpath(f"{name}.py").read_text() for name in ("multiplex", "relay")}
    return _PROGRAM.format(**sources).encode()


def relay_configuration(spec: SandboxSpec, labels: Mapping[str, str]) -> dict[str, Any]:
    """What Docker calls the configuration of a relay for this sandbox."""
    return {
        "image": spec.image,  # is there, and has Python
        "entrypoint": entrypoint(program(), SOCKET, str(container.SILENCE_S)),
        "command": [],
        "user": f"{_USER}:{_USER}",
        "working_dir": "/",
        "labels": _labels(spec, labels),
        "stdin_open": True,
        "hostname": "relay",
    }


def relay_host_configuration(spec: SandboxSpec, labels: Mapping[str, str]) -> dict[str, Any]:
    """The relay's seal and its volume, which has no name: it goes with the last container that has it."""
    driver = DriverConfig("local", _VOLUME)
    volume = Mount(FOLDER, None, type="volume", labels=_labels(spec, labels), driver_config=driver)
    return seal(_MEMORY, _CPUS, _PIDS) | {"mounts": [volume]}


def _labels(spec: SandboxSpec, labels: Mapping[str, str]) -> dict[str, str]:
    return {**labels, RUN: spec.run, PURPOSE: "relay"}


@asynccontextmanager
async def relaying(containers: Containers, spec: SandboxSpec, door: Path) -> AsyncIterator[Relay]:
    """A relay that is starting; its container is removed when the context ends."""
    labels = containers.lease.labels
    arguments = relay_configuration(spec, labels)
    async with containers.created(arguments, relay_host_configuration(spec, labels)) as identity:
        relay = Relay(containers, identity, door)
        try:
            yield relay
        finally:
            await relay.stop()


class Relay:
    """This process's side of one relay, at work from the first moment."""

    def __init__(self, containers: Containers, identity: str, door: Path) -> None:
        self.id = identity
        self.entrance = Entrance(SOCKET, volumes_from=(f"{identity}:ro",))
        self._containers = containers
        self._door = door
        self._multiplex: Multiplex
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked, self._heard, self._beaten = 0, 0, asyncio.Event()
        self._work = asyncio.create_task(self._serve())
        self._work.add_done_callback(lambda _: self._beaten.set())

    @asynccontextmanager
    async def needed_by(self, sandbox: str) -> AsyncIterator[None]:
        """Wait until it listens; from then on, should it end, that container ends with it."""
        await self._answer()
        watching = asyncio.create_task(self._end(sandbox))
        try:
            yield
        finally:
            watching.cancel()
            await self.stop()  # so that it ends while the sandbox is taken down

    async def confirm(self) -> None:
        """Raises SandboxGone if it does not live any more, even if nobody noticed yet."""
        await self._beat()
        await self._answer()

    async def _answer(self) -> None:
        """Wait for a beat for each that was sent, and one more: the first, which says that it listens."""
        wanted = self._asked + 1
        try:
            async with asyncio.timeout(ANSWER_S):
                while self._heard < wanted and not self._work.done():
                    self._beaten.clear()
                    await self._beaten.wait()
        except TimeoutError:
            raise SandboxError(f"the relay {self.id[:12]} does not answer") from None
        if self._work.cancelled():
            raise SandboxGone(f"the relay {self.id[:12]} was closed")
        if self._work.done():
            self._work.result()

    def _hear(self) -> None:
        self._heard += 1
        self._beaten.set()

    async def _beat(self) -> None:
        self._asked += 1
        await self._multiplex.tell(BEAT)

    async def stop(self) -> None:
        """Break off every connection and let go of the container, which then ends."""
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)

    async def _serve(self) -> None:
        complaint = b""
        stream = await self._containers.started(self.id, program())
        self._multiplex = Multiplex(stream.send, self._hear, lambda number: self._start(self._join(number)))
        self._start(self._keep_beating())
        try:
            async for kind, data in stream.frames():
                if kind == STDOUT:
                    self._multiplex.feed(data)
                else:
                    complaint = (complaint + data)[-500:]
        except ProtocolError as error:
            complaint = str(error).encode()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await stream.close()
        raise SandboxGone(f"the relay {self.id[:12]} ended: {complaint.decode('utf-8', 'replace') or 'gone'}")

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_beating(self) -> None:
        while True:
            await self._beat()
            await asyncio.sleep(container.HEARTBEAT_S)

    async def _join(self, number: int) -> None:
        """Join one connection with a fresh one to the door."""
        try:
            if self._multiplex.is_full:
                raise ConnectionRefusedError
            reader, writer = await asyncio.open_unix_connection(self._door, limit=CHUNK)
        except OSError:
            await self._multiplex.refuse(number)
        else:
            await self._multiplex.carry(number, reader, writer)

    async def _end(self, sandbox: str) -> None:
        await asyncio.wait([self._work])
        with suppress(SandboxError):
            await self._containers.remove(sandbox)
