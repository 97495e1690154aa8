"""A shipped image at work: joined to a helper with provider stub and page driver, without any network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from runner.core.errors import SandboxError
from runner.core.protocols import ExecResult, Sandbox, SandboxSpec, Subject, Workpiece
from runner.core.tree import SourceFile, SourceTree, tar_of
from runner.probes.kit.lab.lab import Lab
from runner.probes.kit.lab.recipes import App, Command, Mode, recipes
from runner.probes.kit.lab.stub import HOSTS, Scenario
from runner.probes.kit.shipped.state import State

PORT = 3000


@dataclass(frozen=True)
class Service:
    """What is started, and with what. `files` are laid into it first, by absolute path."""

    name: str
    image: str
    state: State
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, SourceFile] = field(default_factory=dict)
    port: int = PORT


class _AsSandbox:
    """A workpiece with the manners of a sandbox, so that the lab can work with it."""

    def __init__(self, piece: Workpiece, service: Service) -> None:
        self.id = piece.id
        self._piece = piece
        self._service = service

    async def exec(  # noqa: PLR0913 (see the protocol)
        self,
        argv: Sequence[str],
        *,
        stdin: object = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        timeout_s: float = 60,
        on_output: Callable[[bytes], None] | None = None,
        keep_bytes: int = 1_000_000,
    ) -> ExecResult:
        """In the image's own folder, as its own user, with its own variables."""
        del stdin, cwd
        state = self._service.state
        return await self._piece.exec(
            argv,
            env={**state.passed, **(env or {}), **self._service.env},
            cwd=state.folder,
            user=state.user or "0:0",
            timeout_s=timeout_s,
            on_output=on_output,
            keep_bytes=keep_bytes,
        )

    async def put(self, files: Mapping[str, bytes] | SourceTree, path: str = "/") -> None:
        """As root, readable by all."""
        assert not isinstance(files, SourceTree)
        laid = {f"{path}/{name}": SourceFile(name, 0o100644, data) for name, data in files.items()}
        await lay(self._piece, laid)

    async def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Not needed of a shipped image."""
        raise SandboxError(f"{path} of {destination} ({max_bytes}) cannot be had")

    async def restart(self) -> None:
        """Not needed of a shipped image."""
        raise SandboxError("a shipped image is not restarted")


async def lay(piece: Workpiece, files: Mapping[str, SourceFile]) -> None:
    """Write files by absolute path, as root."""
    await piece.exec(["tar", "-x", "-o", "-f", "-", "-C", "/"], stdin=tar_of(files))


@asynccontextmanager
async def serving(subject: Subject, services: Sequence[Service], scenario: Scenario) -> AsyncIterator[Lab]:
    """All services in one network namespace without a way out; the lab drives the first of them."""
    if subject.backend is None or subject.helper_image is None or subject.workshop is None:
        raise SandboxError("the lab needs a container engine and images")
    names = tuple(service.name for service in services)
    spec = SandboxSpec(subject.helper_image, subject.run, "lab", local_hosts=(*HOSTS, *names))
    async with subject.backend.open(spec) as helper, _started(subject, services[1:], helper.id):
        first = services[0]
        opening = subject.workshop.open(first.image, subject.run, subject.resources, helper.id)
        async with opening as piece:
            await lay(piece, first.files)
            start = Command(first.state.argv)
            rails = next(recipe for recipe in recipes() if recipe.id == "rails")
            plain = {"development": Mode()}  # what the image sets holds
            recipe = replace(rails, start=(start,), prepare=(), port=first.port, env={}, modes=plain)
            sandbox: Sandbox = _AsSandbox(piece, first)
            lab = Lab(subject.tree, App(recipe, ""), sandbox)
            async with lab.helped(helper, scenario):
                yield lab


@asynccontextmanager
async def _started(subject: Subject, services: Sequence[Service], joins: str) -> AsyncIterator[None]:
    """The services beside the first, one inside the other."""
    if not services:
        yield
        return
    assert subject.workshop is not None
    service = services[0]
    opening = subject.workshop.open(service.image, subject.run, subject.resources, joins)
    async with opening as piece:
        await lay(piece, service.files)
        work = asyncio.create_task(_AsSandbox(piece, service).exec(service.state.argv, timeout_s=900))
        try:
            async with _started(subject, services[1:], joins):
                yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
