"""The workshop: sealed containers in which the images of produced repositories are made and run.

Whatever a repository asks for, a container from here has no host path, no device, no network, no port and no
namespace of the host: there is no argument by which it could be asked for.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from docker.errors import ImageNotFound

from runner.core.errors import SandboxError, SandboxGone
from runner.core.protocols import BaseImage, ExecResult
from runner.core.records import Resources
from runner.sandbox.build.mirror import MirrorMap
from runner.sandbox.container import seal
from runner.sandbox.containers import Containers
from runner.sandbox.lease import PURPOSE, RUN
from runner.sandbox.streams import Output, Stream, Take, converse, upgrade

WATCH_S = 1.0
MOST_FILES = 400_000
# Its end of standard input is the lease: when the runner dies, the program ends and all others with it.
_HOLD = ["sh", "-c", "exec cat >/dev/null"]
# What package managers and entry points need of root; nothing by which a container is left.
_CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETGID", "SETUID"]


class DockerWorkshop:
    """See the Workshop protocol. `images` maps names of sandboxes to tags that are built."""

    def __init__(self, containers: Containers, images: Mapping[str, str], mirrors: MirrorMap) -> None:
        self._containers = containers
        self._images = images
        self._mirrors = mirrors

    def base(self, reference: str) -> BaseImage | None:
        """What stands for an image; see the protocol."""
        mirror = self._mirrors.find(reference)
        if mirror is None or mirror.sandbox not in self._images:
            return None
        try:
            client: Any = self._containers.client
            found = client.inspect_image(self._images[mirror.sandbox])
        except ImageNotFound:
            return None
        pairs = (pair.partition("=") for pair in found["Config"]["Env"] or [])
        env = {name: value for name, _, value in pairs if name not in mirror.drops} | mirror.env
        return BaseImage(found["Id"], env, mirror.prepare, mirror.drops)

    def open(
        self, image: str, run: str, resources: Resources, joins: str | None = None
    ) -> AbstractAsyncContextManager[DockerWorkpiece]:
        """A sealed container; see the protocol."""
        return self._open(image, run, resources, joins)

    @asynccontextmanager
    async def _open(
        self, image: str, run: str, resources: Resources, joins: str | None
    ) -> AsyncIterator[DockerWorkpiece]:
        labels = {**self._containers.lease.labels, RUN: run, PURPOSE: "build"}
        arguments = workpiece_configuration(image, labels)
        host = workpiece_host_configuration(resources, joins)
        async with self._containers.created(arguments, host) as identity:
            stream = await self._containers.started(identity, b"")
            piece = DockerWorkpiece(self._containers, identity, labels)
            watching = asyncio.create_task(piece.watch(resources.disk_mb * 10**6))
            try:
                yield piece
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                await stream.close()


def workpiece_configuration(image: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """What Docker calls the container's configuration: the image's own start and health check are not run."""
    return {
        "image": image,
        "entrypoint": _HOLD,
        "command": [],
        "user": "0:0",
        "working_dir": "/",
        "labels": dict(labels),
        "stdin_open": True,
        "healthcheck": {"test": ["NONE"]},
    }


def workpiece_host_configuration(resources: Resources, joins: str | None) -> dict[str, Any]:
    """The seal of every sandbox, but for a disk that can be written and the rights of a plain root."""
    sealed = seal(resources.memory_mb * 2**20, resources.cpus, resources.pids)
    size = {"Name": "fsize", "Soft": resources.disk_mb * 2**20, "Hard": resources.disk_mb * 2**20}
    return sealed | {
        "cap_add": _CAPABILITIES,
        "network_mode": f"container:{joins}" if joins else "none",
        "read_only": False,
        "ulimits": [*sealed["ulimits"], size],
    }


def free_files(place: str) -> int:
    """How many files the engine's disk has room for; 0 if it is on another machine or has no limit.

    An engine tells how large a container is, and not of how many files.
    """
    try:
        return os.statvfs(place).f_favail
    except (OSError, ValueError):
        return 0


class DockerWorkpiece:
    """See the Workpiece protocol."""

    def __init__(self, containers: Containers, identity: str, labels: Mapping[str, str]) -> None:
        self.id = identity
        self._containers = containers
        self._labels = labels
        self._ended = ""

    async def watch(self, disk_bytes: int) -> None:
        """End the container when more than `disk_bytes` were written to it, or files without end."""
        client = self._containers.client
        place = str((await self._containers.call(client.info)).get("DockerRootDir", ""))
        at_first = free_files(place)
        while not self._ended:
            if at_first - free_files(place) > MOST_FILES:
                self._ended = f"more than {MOST_FILES:,} files were made"
            found = await self._containers.call(
                client.containers, all=True, size=True, filters={"id": self.id}
            )
            if found and found[0].get("SizeRw", 0) > disk_bytes:
                self._ended = f"more than {disk_bytes // 10**6} MB were written"
            await asyncio.sleep(0 if self._ended else WATCH_S)
        await self._containers.remove(self.id)

    async def exec(  # noqa: PLR0913 (see the protocol)
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        user: str = "0:0",
        timeout_s: float = 60,
        on_output: Callable[[bytes], None] | None = None,
        keep_bytes: int = 1_000_000,
    ) -> ExecResult:
        """Run a command to its end; see the protocol."""
        output = Output(keep_bytes, on_output)
        started = time.monotonic()
        options = {"environment": dict(env or {}), "workdir": cwd, "user": user, "stdin": True}
        code = await self._run(argv, options, stdin, timeout_s, output.take)
        return ExecResult(
            exit_code=code,
            wall_s=time.monotonic() - started,
            stdout=bytes(output.stdout),
            stderr=bytes(output.stderr),
            timed_out=code is None,
            truncated=output.truncated,
        )

    async def _run(
        self,
        argv: Sequence[str],
        options: Mapping[str, Any],
        stdin: bytes,
        timeout_s: float,
        take: Take,
    ) -> int | None:
        client = self._containers.client
        try:
            created = await self._containers.call(client.exec_create, self.id, list(argv), **options)
            path = f"/v{client.api_version}/exec/{created['Id']}/start"
            stream = await upgrade(self._containers.engine_url, path, {"Tty": False, "Detach": False})
        except SandboxGone as error:
            raise SandboxGone(self._ended or str(error)) from error
        try:
            async with asyncio.timeout(timeout_s):
                await converse(stream, stdin, take)
                return await self._exit_code(created["Id"])
        except TimeoutError:
            await self._end(stream)
            return None
        except SandboxGone as error:
            raise SandboxGone(self._ended or "a command ended its container") from error
        except BaseException:
            with suppress(SandboxError):
                await asyncio.shield(self._end(stream))
            raise
        finally:
            await stream.close()

    async def _end(self, stream: Stream) -> None:
        """Remove the container; the engine waits long for a reader that is there and does not read."""
        await stream.close()
        await self._containers.remove(self.id)

    async def _exit_code(self, identity: str) -> int:
        delay = 0.002
        while True:
            state = await self._containers.call(self._containers.client.exec_inspect, identity)
            if not state["Running"] and state["ExitCode"] is not None:
                return int(state["ExitCode"])
            await asyncio.sleep(delay)
            delay = min(delay * 2, 0.2)

    @asynccontextmanager
    async def committed(self) -> AsyncIterator[str]:
        """Its files as an image of ours; see the protocol."""
        client = self._containers.client
        conf = {"Labels": dict(self._labels), "Cmd": [], "Env": [], "Volumes": {}}
        made = asyncio.create_task(self._containers.call(client.commit, self.id, conf=conf))
        try:
            image = str((await asyncio.shield(made))["Id"])
        except asyncio.CancelledError:  # the engine may make it all the same
            with suppress(SandboxError):
                await self._containers.remove_image(str((await made)["Id"]))
            raise
        try:
            yield image
        finally:
            await asyncio.shield(self._containers.remove_image(image))
