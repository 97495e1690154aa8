"""What a command works with: engine, sandboxes, gateway, archive, opened once and closed together."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from docker import APIClient

from runner.core.errors import SetupError
from runner.core.protocols import Agent
from runner.core.records import Task
from runner.gateway.door import Gateway, open_gateway
from runner.gateway.settings import GatewaySettings
from runner.pipeline.archives import Archive, open_archive
from runner.pipeline.images import set_up_engine
from runner.pipeline.settings import Settings
from runner.sandbox.docker import DockerBackend
from runner.sandbox.doors import choose_door
from runner.sandbox.engine import connect
from runner.sandbox.host import Progress
from runner.sandbox.images import ensure_image
from runner.sandbox.lease import Lease
from runner.sandbox.recipes import with_agent

__all__ = ["Archive", "Workbench", "check_disk", "open_archive", "open_workbench", "set_up"]

LEAST_DISK_MB = 500
HELPER_IMAGE, SMALLEST = "lab", "base"


@dataclass(frozen=True)
class Workbench:
    """`images` maps the names of images to tags that are built."""

    settings: Settings
    archive: Archive
    backend: DockerBackend
    gateway: Gateway
    lease: Lease
    images: dict[str, str]

    def image(self, task: Task, agent: Agent) -> str:
        """The image that a task's runs with an agent use."""
        return self.images[with_agent(task.sandbox, agent.id, self.settings.images)]


def set_up(settings: Settings, images: set[str], progress: Progress) -> dict[str, str]:
    """Make sure that all is there that runs in these images need; returns their tags by name.

    Blocks, perhaps for minutes, so that Ctrl-C ends it at once. Raises SetupError that says what to do.
    """
    check_disk(settings.archive)
    with closing(set_up_engine(settings, progress)) as client:
        known = sorted(client.info().get("Runtimes") or [settings.runtime])
        if settings.runtime not in known:
            choice = f"set SHIPWORTHY_RUNTIME to one of: {', '.join(known)}"
            raise SetupError(f"the engine has no runtime {settings.runtime!r}; {choice}")
        wanted = sorted({*images, SMALLEST})  # which stands for some that produced Dockerfiles name
        tags = {name: ensure_image(client, name, settings.images, progress) for name in wanted}
        return {**tags, HELPER_IMAGE: _helper(client, settings, progress)}


def _helper(client: APIClient, settings: Settings, progress: Progress) -> str:
    """The image that joins apps in the lab; findings of pages say so where it has no browser."""
    try:
        return ensure_image(client, HELPER_IMAGE, settings.images, progress)
    except SetupError as error:
        progress(f"pages are used without a browser, by plain HTTP: {error}")
        return ensure_image(client, SMALLEST, settings.images, progress)


@asynccontextmanager
async def open_workbench(
    settings: Settings, images: dict[str, str], spend_cap_usd: float | None = None
) -> AsyncIterator[Workbench]:
    """Engine, gateway and archive, after `set_up`; what dead runners left is swept away first.

    `spend_cap_usd` bounds what model calls may cost as long as it is open.
    """
    async with AsyncExitStack() as stack:
        client = stack.enter_context(closing(connect(settings.engine_url, settings.host)))
        lease = stack.enter_context(Lease(Path(tempfile.gettempdir()) / f"shipworthy-{os.getuid()}"))
        door = choose_door(settings.door, client, settings.engine_url, settings.host)
        backend = DockerBackend(client, settings.engine_url, lease, settings.runtime, door.mode)
        stack.callback(backend.close)
        await backend.sweep()
        gateway = await stack.enter_async_context(open_gateway(_gateway_settings(settings, spend_cap_usd)))
        yield Workbench(settings, open_archive(settings), backend, gateway, lease, images)


def check_disk(archive: Path) -> None:
    """Raises SetupError if the archive cannot be written or has no room for a run."""
    try:
        archive.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=archive) as probe:
            probe.write(b"\0" * 4096)
        free = shutil.disk_usage(archive).free
    except OSError as error:
        full = "; make room or choose another with --archive" if error.errno == errno.ENOSPC else ""
        raise SetupError(f"{archive}: the archive cannot be written: {error.strerror}{full}") from error
    if free < LEAST_DISK_MB * 1_000_000:
        have = f"only {free // 1_000_000} MB free"
        raise SetupError(
            f"{archive}: {have}, {LEAST_DISK_MB} MB are needed; make room or choose another with --archive"
        )


def _gateway_settings(settings: Settings, spend_cap_usd: float | None) -> GatewaySettings:
    proxies = {name.lower(): value for name, value in settings.proxies}
    proxy = proxies.get("https_proxy") or proxies.get("http_proxy")
    return GatewaySettings(ca_bundle=settings.ca_bundle, proxy=proxy, spend_cap_usd=spend_cap_usd)
