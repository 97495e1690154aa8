"""Sandboxes in the container that this program is in: for grading inside another harness, which seals it.

There is one sandbox at a time, with nothing in it but files and processes of the unprivileged user, and the
next begins anew. It shares the network of its container, so what needs a network of its own is refused.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from runner.core.errors import SandboxError, SetupError, UnpackError
from runner.core.protocols import ExecResult, SandboxSpec
from runner.core.tree import SourceTree
from runner.sandbox.container import USER, as_tar
from runner.sandbox.streams import STDERR, STDOUT, Output

MARKER = Path("/etc/shipworthy-verifier")
FOLDERS = (Path("/workspace"), Path("/home/agent"), Path("/tmp"))
_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home/agent"}
_KILL = "import os\ntry: os.kill(-1, 9)\nexcept OSError: pass"
_CHUNK = 65_536


class LocalBackend:
    """See the SandboxBackend protocol. `env` is what commands get beside their own, as an image's ENV."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Raises SetupError anywhere but in a container that was made to grade in."""
        if not MARKER.is_file():
            raise SetupError(f"nothing is run here: this is no container to grade in (there is no {MARKER})")
        self._env = {**_ENV, **env, "HOME": _ENV["HOME"]}
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def open(self, spec: SandboxSpec) -> AsyncIterator[LocalSandbox]:
        """A sandbox of this container, emptied; raises SandboxError for one that needs a network."""
        if spec.joins or spec.local_hosts or spec.door:
            raise SandboxError("it needs a network of its own, which a container of another harness has not")
        async with self._turn:
            sandbox = LocalSandbox({**self._env, **spec.env})
            await sandbox.restart()
            for folder in FOLDERS:
                await asyncio.to_thread(_emptied, folder)
            try:
                yield sandbox
            finally:
                await sandbox.restart()


class LocalSandbox:
    """See the Sandbox protocol."""

    id = "here"

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)

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
        code: int | None
        process = await self._start(argv, {**self._env, **(env or {})}, cwd)
        try:
            async with asyncio.timeout(timeout_s):
                await _converse(process, stdin, output)
                code = await process.wait()
        except TimeoutError:
            code = None
        finally:
            if process.returncode is None:
                await self.restart()
                await process.wait()
        wall_s = time.monotonic() - started
        kept = bytes(output.stdout), bytes(output.stderr)
        return ExecResult(code, wall_s, *kept, timed_out=code is None, truncated=output.truncated)

    async def _start(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: str
    ) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        try:
            return await asyncio.create_subprocess_exec(
                *argv,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                env=env,
                cwd=cwd,
                user=USER,
                group=USER,
                extra_groups=[],
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"{argv[0]} could not be started: {error.strerror}") from error

    async def put(self, files: Mapping[str, bytes] | SourceTree, path: str = "/workspace") -> None:
        """Write files as the unprivileged user, so that no link leads further than it may go."""
        await self.exec(["mkdir", "-p", path], cwd="/")
        done = await self.exec(
            ["tar", "-x", "-f", "-", "-C", path], stdin=as_tar(files), cwd="/", timeout_s=300
        )
        if not done.ok:
            told = done.stderr[-200:].decode("utf-8", "replace")
            raise SandboxError(f"files could not be written below {path}: {told}")

    async def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Copy one file out, as far as the unprivileged user may read it."""
        done = await self.exec(["cat", path], cwd="/", keep_bytes=max_bytes, timeout_s=300)
        if not done.ok or done.truncated:
            why = f"is larger than {max_bytes} bytes" if done.truncated else "cannot be read"
            raise UnpackError(f"{path} {why}")
        await asyncio.to_thread(destination.write_bytes, done.stdout)

    async def restart(self) -> None:
        """Kill every process of the unprivileged user: a helper of the same user may, root need not."""
        killer = await self._start(["python3", "-I", "-c", _KILL], self._env, "/")
        await killer.communicate()


async def _converse(
    process: asyncio.subprocess.Process, stdin: bytes | AsyncIterable[bytes], output: Output
) -> None:
    """Feed standard input while both outputs are read to their end."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    feeding = asyncio.create_task(_feed(process.stdin, stdin))
    try:
        await asyncio.gather(_drain(process.stdout, STDOUT, output), _drain(process.stderr, STDERR, output))
    finally:
        feeding.cancel()


async def _feed(pipe: asyncio.StreamWriter, stdin: bytes | AsyncIterable[bytes]) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        if isinstance(stdin, bytes):
            pipe.write(stdin)
            await pipe.drain()
        else:
            async for piece in stdin:
                pipe.write(piece)
                await pipe.drain()
        pipe.close()


async def _drain(pipe: asyncio.StreamReader, number: int, output: Output) -> None:
    while chunk := await pipe.read(_CHUNK):
        output.take(number, chunk)


def _emptied(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if folder != FOLDERS[-1]:
        shutil.chown(folder, USER, USER)
