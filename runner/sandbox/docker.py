"""The Docker backend: sealed containers over the Docker SDK."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from docker import APIClient

from runner.core.errors import SandboxError, SandboxGone, UnpackError
from runner.core.protocols import ExecResult, SandboxSpec
from runner.core.tree import SourceTree
from runner.sandbox.container import (
    HEARTBEAT_S,
    as_tar,
    configuration,
    host_configuration,
    mounted,
    program,
)
from runner.sandbox.containers import Containers
from runner.sandbox.host import DoorMode
from runner.sandbox.lease import Lease
from runner.sandbox.relay import Relay, relaying
from runner.sandbox.streams import STDOUT, Output, Stream, Take, converse, upgrade


class _Command(NamedTuple):
    argv: tuple[str, ...]
    stdin: bytes | AsyncIterable[bytes]
    env: dict[str, str]
    cwd: str


class DockerBackend(Containers):
    """Opens containers that nothing gets out of; see DESIGN's security invariants.

    `door` is how a sandbox reaches the gateway's socket: see `runner.sandbox.doors`.
    """

    def __init__(
        self,
        client: APIClient,
        engine_url: str,
        lease: Lease,
        runtime: str = "runc",
        door: DoorMode = DoorMode.MOUNT,
    ) -> None:
        super().__init__(client, engine_url, lease, runtime)
        self.door = door

    def open(self, spec: SandboxSpec) -> AbstractAsyncContextManager[DockerSandbox]:
        """One sealed container; removed when the context ends."""
        return self._open(spec)

    @asynccontextmanager
    async def _open(self, spec: SandboxSpec) -> AsyncIterator[DockerSandbox]:
        async with AsyncExitStack() as stack:
            relay, entrance = None, None if spec.door is None else mounted(spec.door)
            if spec.door is not None and self.door is DoorMode.RELAY:
                relay = await stack.enter_async_context(relaying(self, spec, spec.door))
                entrance = relay.entrance
            arguments = configuration(spec, self.lease.labels, entrance)
            host = host_configuration(spec, entrance)
            identity = await stack.enter_async_context(self.created(arguments, host))
            sandbox = DockerSandbox(self, identity, await self.started(identity, program()), relay)
            await stack.enter_async_context(sandbox.alive())
            if relay is not None:
                await stack.enter_async_context(relay.needed_by(identity))
            yield sandbox


class DockerSandbox:
    """One running container; see the Sandbox protocol."""

    def __init__(
        self, backend: DockerBackend, identity: str, lease: Stream, relay: Relay | None = None
    ) -> None:
        self.id = identity
        self._backend = backend
        self._lease = lease
        self._relay = relay
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()
        self._killing = asyncio.Lock()

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Wait until PID 1 is ready, then renew the lease while the context is open."""
        tasks = [asyncio.create_task(self._listen())]
        try:
            await self._answer(30)
            tasks.append(asyncio.create_task(self._beat()))
            yield
        finally:
            for task in tasks:
                task.cancel()
            await self._lease.close()

    async def _listen(self) -> None:
        pending = b""
        async for kind, data in self._lease.frames():
            if kind != STDOUT:
                continue
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                self._answers.put_nowait(line)
        self._answers.put_nowait(b"")

    async def _beat(self) -> None:
        while True:
            await self._lease.send(b".\n")
            await asyncio.sleep(HEARTBEAT_S)

    async def _answer(self, timeout_s: float) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):  # wait_for of Python 3.11 may swallow a Ctrl-C
                line = await self._answers.get()
        except TimeoutError:
            raise SandboxError(f"PID 1 of container {self.id[:12]} does not answer") from None
        if line not in (b"ready", b"killed"):
            self._answers.put_nowait(b"")
            raise SandboxGone(f"container {self.id[:12]} ended: {line.decode('utf-8', 'replace') or 'gone'}")
        return line

    async def _kill(self, cookie: str) -> None:
        async with self._killing:
            await self._lease.send(f"kill {cookie}\n".encode())
            await self._answer(30)

    async def exec(  # noqa: PLR0913 (see the protocol)
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | AsyncIterable[bytes] = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/workspace",
        timeout_s: float = 60,
        on_output: Callable[[bytes], None] | None = None,
        keep_bytes: int = 1_000_000,
    ) -> ExecResult:
        """Run a command to its end; see the protocol."""
        output = Output(keep_bytes, on_output)
        started = time.monotonic()
        command = _Command(tuple(argv), stdin, dict(env or {}), cwd)
        exit_code = await self._run(command, timeout_s, output.take)
        return ExecResult(
            exit_code=exit_code,
            wall_s=time.monotonic() - started,
            stdout=bytes(output.stdout),
            stderr=bytes(output.stderr),
            timed_out=exit_code is None,
            truncated=output.truncated,
        )

    async def _run(self, command: _Command, timeout_s: float, take: Take) -> int | None:
        """The exit code, None after a time-out."""
        cookie = secrets.token_hex(8)
        client = self._backend.client
        created = await self._backend.call(
            client.exec_create,
            self.id,
            list(command.argv),
            stdin=True,
            environment={**command.env, "SHIPWORTHY_EXEC": cookie},
            workdir=command.cwd,
        )
        path = f"/v{client.api_version}/exec/{created['Id']}/start"
        stream = await upgrade(self._backend.engine_url, path, {"Tty": False, "Detach": False})
        try:
            async with asyncio.timeout(timeout_s):
                await converse(stream, command.stdin, take)
                return await self._exit_code(created["Id"])
        except TimeoutError:
            await self._kill(cookie)
            return None
        except BaseException:
            with suppress(SandboxError):
                await asyncio.shield(self._kill(cookie))
            raise
        finally:
            await stream.close()

    async def _exit_code(self, identity: str) -> int:
        delay = 0.002
        while True:
            state = await self._backend.call(self._backend.client.exec_inspect, identity)
            if not state["Running"] and state["ExitCode"] is not None:
                break
            await asyncio.sleep(delay)
            delay = min(delay * 2, 0.2)
        if state["ExitCode"] == 137:  # killed: by the memory limit, or because the container is ending
            await self._kill("nothing")  # which PID 1 answers if it lives
        if self._relay is not None:
            await self._relay.confirm()  # without it, no failure is the command's own
        return int(state["ExitCode"])

    async def put(self, files: Mapping[str, bytes] | SourceTree, path: str = "/workspace") -> None:
        """Write files below `path`; see the protocol."""
        result = await self.exec(
            ["sh", "-c", 'mkdir -p "$0" && exec tar -x --no-same-owner -f - -C "$0"', path],
            stdin=as_tar(files),
            cwd="/",
            timeout_s=300,
        )
        if not result.ok:
            raise SandboxError(f"files could not be put to {path}: {result.stderr[-500:]!r}")

    async def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Copy one file out; see the protocol."""
        part = destination.with_name(destination.name + ".part")
        errors = bytearray()
        try:
            with part.open("wb") as target:

                def take(kind: int, data: bytes) -> None:
                    if kind != STDOUT:
                        errors.extend(data[:500])
                    elif target.write(data) and target.tell() > max_bytes:
                        raise UnpackError(f"{path} is larger than {max_bytes} bytes")

                code = await self._run(_Command(("cat", "--", path), b"", {}, "/"), 600, take)
            if code != 0:
                raise SandboxError(f"{path} could not be read: {errors.decode('utf-8', 'replace')}")
            part.replace(destination)
        finally:
            part.unlink(missing_ok=True)

    async def restart(self) -> None:
        """Kill every process inside but PID 1; see the protocol."""
        await self._kill("*")
