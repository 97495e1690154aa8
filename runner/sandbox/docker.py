"""The Docker backend: sealed containers over the Docker SDK."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from docker import APIClient
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from runner.core.errors import SandboxError, SandboxGone, SetupError, UnpackError
from runner.core.protocols import ExecResult, SandboxSpec
from runner.core.tree import SourceTree
from runner.sandbox.container import as_tar, configuration, host_configuration, program
from runner.sandbox.lease import OWNER, Lease
from runner.sandbox.streams import STDOUT, Stream, upgrade

HEARTBEAT_S = 5.0
_T = TypeVar("_T")


class _Command(NamedTuple):
    argv: tuple[str, ...]
    stdin: bytes
    env: dict[str, str]
    cwd: str


class DockerBackend:
    """Opens containers that nothing gets out of; see DESIGN's security invariants.

    `runtime` is the engine's runtime (`runc`, `runsc`, ...). `engine_url` is `unix://` or `tcp://`.
    """

    def __init__(self, client: APIClient, engine_url: str, lease: Lease, runtime: str = "runc") -> None:
        self.client = client
        self.engine_url = engine_url
        self.lease = lease
        self.runtime = runtime
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="engine")

    def open(self, spec: SandboxSpec) -> AbstractAsyncContextManager[DockerSandbox]:
        """One sealed container; removed when the context ends."""
        return self._open(spec)

    @asynccontextmanager
    async def _open(self, spec: SandboxSpec) -> AsyncIterator[DockerSandbox]:
        creating = asyncio.create_task(self._create(spec))
        try:
            identity = await asyncio.shield(creating)
        except asyncio.CancelledError:  # the engine may make it all the same
            with suppress(SetupError, SandboxError):
                await self._remove(await creating)
            raise
        try:
            sandbox = DockerSandbox(self, identity, await self._attach(identity))
            async with sandbox.alive():
                yield sandbox
        finally:
            await asyncio.shield(self._remove(identity))

    async def sweep(self) -> list[str]:
        """Remove the containers and folders of dead runners, and only those; returns their names."""
        removed = []
        for found in await self.call(self.client.containers, all=True, filters={"label": OWNER}):
            if self.lease.is_orphan(found["Labels"]):
                await self._remove(found["Id"])
                removed.append(found["Names"][0].lstrip("/"))
        self.lease.sweep_folders()
        return removed

    def close(self) -> None:
        """Let go of the threads; the client is its maker's."""
        self._threads.shutdown()

    async def call(self, work: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        """One blocking SDK call in a thread; engine trouble becomes a SandboxError."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))
        except NotFound as error:
            raise SandboxGone(str(error)) from error
        except APIError as error:
            kind = SandboxGone if error.status_code == 409 else SandboxError
            raise kind(str(error)) from error
        except (DockerException, RequestException) as error:
            raise SandboxError(f"the container engine broke off: {error}") from error

    async def _create(self, spec: SandboxSpec) -> str:
        arguments = configuration(spec, self.lease.labels)
        host = self.client.create_host_config(**host_configuration(spec), runtime=self.runtime)
        try:
            loop = asyncio.get_running_loop()
            created = await loop.run_in_executor(
                self._threads, lambda: self.client.create_container(**arguments, host_config=host)
            )
        except ImageNotFound as error:
            raise SetupError(f"image {spec.image} is not built; run: shipworthy image build") from error
        except (DockerException, RequestException) as error:
            raise SandboxError(f"no container could be created: {error}") from error
        return str(created["Id"])

    async def _attach(self, identity: str) -> Stream:
        api = f"/v{self.client.api_version}/containers/{identity}"
        stream = await upgrade(self.engine_url, f"{api}/attach?stream=1&stdin=1&stdout=1&stderr=1")
        await self.call(self.client.start, identity)
        await stream.send(program())
        return stream

    async def _remove(self, identity: str) -> None:
        for _ in range(3):
            try:
                await self.call(self.client.remove_container, identity, force=True, v=True)
            except SandboxGone as error:
                if "in progress" not in str(error):
                    return
                await asyncio.sleep(0.2)
            else:
                return


class DockerSandbox:
    """One running container; see the Sandbox protocol."""

    def __init__(self, backend: DockerBackend, identity: str, lease: Stream) -> None:
        self.id = identity
        self._backend = backend
        self._lease = lease
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
            line = await asyncio.wait_for(self._answers.get(), timeout_s)
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
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/workspace",
        timeout_s: float = 60,
        on_output: Callable[[bytes], None] | None = None,
        keep_bytes: int = 1_000_000,
    ) -> ExecResult:
        """Run a command to its end; see the protocol."""
        kept = {True: bytearray(), False: bytearray()}
        cut = False

        def take(is_stdout: bool, data: bytes) -> None:
            nonlocal cut
            room = keep_bytes - len(kept[is_stdout])
            kept[is_stdout] += data[:room]
            cut = cut or len(data) > room
            if on_output is not None:
                on_output(data)

        started = time.monotonic()
        command = _Command(tuple(argv), stdin, dict(env or {}), cwd)
        exit_code = await self._run(command, timeout_s, take)
        return ExecResult(
            exit_code=exit_code,
            wall_s=time.monotonic() - started,
            stdout=bytes(kept[True]),
            stderr=bytes(kept[False]),
            timed_out=exit_code is None,
            truncated=cut,
        )

    async def _run(
        self, command: _Command, timeout_s: float, take: Callable[[bool, bytes], None]
    ) -> int | None:
        """The exit code, None after a time-out; `take` gets (is it stdout, bytes)."""
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
                await _converse(stream, command.stdin, take)
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
        if state["ExitCode"] == 137:  # killed: by the memory limit, or because the container ended
            await self._backend.call(self._backend.client.inspect_container, self.id)
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

                def take(is_stdout: bool, data: bytes) -> None:
                    if not is_stdout:
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


async def _converse(stream: Stream, stdin: bytes, take: Callable[[bool, bytes], None]) -> None:
    """Feed standard input while output is read: neither side can block the other."""
    feeding = asyncio.create_task(stream.send(stdin, end=True))
    try:
        async for kind, data in stream.frames():
            take(kind == STDOUT, data)
    finally:
        feeding.cancel()
