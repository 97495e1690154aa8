"""The containers of one runner: made, started, attached to, and removed whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from docker import APIClient
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from runner.core.errors import SandboxError, SandboxGone, SetupError
from runner.sandbox.lease import OWNER, Lease
from runner.sandbox.streams import Stream, upgrade

_T = TypeVar("_T")


class Containers:
    """What this runner has in an engine, marked by its lease.

    `runtime` is the engine's runtime (`runc`, `runsc`, ...). `engine_url` is `unix://` or `tcp://`.
    """

    def __init__(self, client: APIClient, engine_url: str, lease: Lease, runtime: str = "runc") -> None:
        self.client = client
        self.engine_url = engine_url
        self.lease = lease
        self.runtime = runtime
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="engine")

    @asynccontextmanager
    async def created(self, arguments: Mapping[str, Any], host: Mapping[str, Any]) -> AsyncIterator[str]:
        """The id of a container that is not started yet; removed when the context ends."""
        creating = asyncio.create_task(self._create(arguments, host))
        try:
            identity = await asyncio.shield(creating)
        except asyncio.CancelledError:  # the engine may make it all the same
            with suppress(SetupError, SandboxError):
                await self.remove(await creating)
            raise
        try:
            yield identity
        finally:
            await asyncio.shield(self.remove(identity))

    async def started(self, identity: str, program: bytes) -> Stream:
        """Start a container; its standard streams, with its program sent into them."""
        api = f"/v{self.client.api_version}/containers/{identity}"
        stream = await upgrade(self.engine_url, f"{api}/attach?stream=1&stdin=1&stdout=1&stderr=1")
        try:
            await self.call(self.client.start, identity)
            await stream.send(program)
        except BaseException:
            await stream.close()
            raise
        return stream

    async def remove(self, identity: str) -> None:
        """Remove a container with its volumes, running or not; one that is gone is fine."""
        for _ in range(25):
            try:
                await self.call(self.client.remove_container, identity, force=True, v=True)
            except SandboxGone as error:
                if "in progress" not in str(error):
                    return
                await asyncio.sleep(0.2)
            else:
                return

    async def remove_image(self, identity: str) -> None:
        """Remove an image that was made of a container; one that is gone is fine."""
        for _ in range(25):
            try:
                await self.call(self.client.remove_image, identity, force=True)
            except SandboxGone as error:
                if isinstance(error.__cause__, NotFound):
                    return
                await asyncio.sleep(0.2)  # the engine may still be taking its container down
            else:
                return

    async def sweep(self) -> list[str]:
        """Remove what dead runners left in the engine and in folders, and only that; returns the names."""
        mine = {"label": OWNER}
        removed = []
        for found in await self.call(self.client.containers, all=True, filters=mine):
            if self.lease.is_orphan(found["Labels"]):
                await self.remove(found["Id"])
                removed.append(found["Names"][0].lstrip("/"))
        for found in await self.call(self.client.images, all=True, filters=mine):
            if self.lease.is_orphan(found["Labels"]):
                await self.remove_image(found["Id"])
                removed.append(found["Id"])
        volumes = (await self.call(self.client.volumes, filters=mine))["Volumes"] or []
        orphans = [found["Name"] for found in volumes if self.lease.is_orphan(found["Labels"])]
        gone = [name for name in orphans if await self._remove_volume(name)]
        if gone == orphans:
            self.lease.sweep_folders()  # not before: without its folder, no volume is known as an orphan
        return removed + gone

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

    async def _create(self, arguments: Mapping[str, Any], host: Mapping[str, Any]) -> str:
        host_config = self.client.create_host_config(**host, runtime=self.runtime)
        try:
            loop = asyncio.get_running_loop()
            created = await loop.run_in_executor(
                self._threads, lambda: self.client.create_container(**arguments, host_config=host_config)
            )
        except ImageNotFound as error:
            image = arguments["image"]
            raise SetupError(f"image {image} is not built; run: shipworthy image build") from error
        except (DockerException, RequestException) as error:
            raise SandboxError(f"no container could be created: {error}") from error
        return str(created["Id"])

    async def _remove_volume(self, name: str) -> bool:
        """Whether it is gone; the engine may still be taking its container down."""
        for _ in range(10):
            try:
                await self.call(self.client.remove_volume, name)
            except SandboxGone as error:
                if not isinstance(error.__cause__, NotFound):
                    await asyncio.sleep(0.2)
                    continue
            return True
        return False
