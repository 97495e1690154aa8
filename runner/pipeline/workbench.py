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

from runner.archive.archive import Archive
from runner.core.errors import SetupError
from runner.gateway.door import Gateway, open_gateway
from runner.gateway.settings import GatewaySettings
from runner.pipeline.images import set_up_engine
from runner.pipeline.settings import Settings
from runner.sandbox.docker import DockerBackend
from runner.sandbox.host import Progress
from runner.sandbox.images import ensure_image
from runner.sandbox.lease import Lease
from runner.storage.local import LocalStore

__all__ = ["Archive", "Workbench", "check_disk", "open_archive", "open_workbench"]

LEAST_DISK_MB = 500
HELPER_IMAGE = "base"


@dataclass(frozen=True)
class Workbench:
    """`images` maps sandbox names to tags that are built."""

    settings: Settings
    archive: Archive
    backend: DockerBackend
    gateway: Gateway
    lease: Lease
    images: dict[str, str]


def open_archive(settings: Settings) -> Archive:
    """The archive, which needs nothing else to be there."""
    return Archive(settings.archive, LocalStore(settings.archive))


@asynccontextmanager
async def open_workbench(
    settings: Settings, sandboxes: set[str], progress: Progress
) -> AsyncIterator[Workbench]:
    """Everything that runs in these sandboxes need; what dead runners left is swept away first.

    Raises SetupError that says what to do when the engine, an image or disk space cannot be had.
    """
    check_disk(settings.archive)
    async with AsyncExitStack() as stack:
        client = stack.enter_context(closing(set_up_engine(settings, progress)))
        images = _images(client, settings, {*sandboxes, HELPER_IMAGE}, progress)
        lease = stack.enter_context(Lease(Path(tempfile.gettempdir()) / f"shipworthy-{os.getuid()}"))
        backend = DockerBackend(client, settings.engine_url, lease, settings.runtime)
        stack.callback(backend.close)
        for name in await backend.sweep():
            progress(f"removed container {name} of a dead runner")
        gateway = await stack.enter_async_context(open_gateway(_gateway_settings(settings)))
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


def _images(client: APIClient, settings: Settings, names: set[str], progress: Progress) -> dict[str, str]:
    return {name: ensure_image(client, name, settings.images, progress) for name in sorted(names)}


def _gateway_settings(settings: Settings) -> GatewaySettings:
    proxies = {name.lower(): value for name, value in settings.proxies}
    proxy = proxies.get("https_proxy") or proxies.get("http_proxy")
    return GatewaySettings(ca_bundle=settings.ca_bundle, proxy=proxy)
