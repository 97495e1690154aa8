"""Keeps the packages that a tree names, from registries that the agent itself used in that run.

A run never fails for it: what cannot be had is told in an event, and the lab then says what is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from pydantic import ValidationError

from runner.archive.packages import Packages, content_digest
from runner.archive.repository import Repository
from runner.core.errors import ArchiveError, SetupError
from runner.core.records import Package, PackageIndex
from runner.core.tree import SourceTree
from runner.gateway.door import Gateway
from runner.gateway.downloads.fetching import Fetcher, Unavailable
from runner.pipeline.events import EventLog
from runner.pipeline.packages.locks import Wanted, locked, unfollowed
from runner.pipeline.packages.wheels import SIMPLE_JSON, Wheels, requirements

PYPI = "https://pypi.org/simple/"
MOST_PACKAGES = 2_000
MOST_FILE_BYTES = 60_000_000
MOST_BYTES = 300_000_000
MOST_PAGE_BYTES = 20_000_000
KEEP_S = 180
AT_ONCE = 8
TOLD = 20


class PackageKeeper:
    """Keeps what the trees of one run need. `index` is where Python packages are listed."""

    def __init__(self, packages: Packages, gateway: Gateway, events: EventLog, index: str = PYPI) -> None:
        self._packages = packages
        self._gateway = gateway
        self._events = events
        self._index = index

    async def keep(self, repository: Repository, tree: str, hosts: Sequence[str]) -> None:
        """A tree's. `hosts` are those that the run fetched from; nothing is done without any."""
        if hosts:
            await self.keep_of(await asyncio.to_thread(repository.read, tree), hosts)

    async def keep_of(self, tree: SourceTree, hosts: Sequence[str]) -> None:
        """The same for a tree that was read already."""
        try:
            async with self._gateway.open_fetcher(hosts, MOST_BYTES) as fetcher:
                collection = _Collection(self._packages, fetcher, frozenset(hosts))
                try:
                    async with asyncio.timeout(KEEP_S):
                        await collection.fill(tree, self._index)
                except TimeoutError:
                    collection.missing.append(f"the rest: not fetched in {KEEP_S} s")
        except SetupError as error:
            return self._events.emit("warning", message=f"no packages were kept: {error}")
        kept = sorted(collection.kept.values(), key=lambda package: package.canonical())
        if kept:
            self._packages.add(PackageIndex(tree=tree.digest, packages=tuple(kept)))
        if kept or collection.missing:
            missing = collection.missing
            self._events.emit("packages", kept=len(kept), missing=missing[:TOLD], missing_count=len(missing))


class _Collection:
    """What is kept for one tree, and what is missing, with reasons."""

    def __init__(self, packages: Packages, fetcher: Fetcher, hosts: frozenset[str]) -> None:
        self.kept: dict[Wanted, Package] = {}
        self.missing: list[str] = []
        self._packages = packages
        self._fetcher = fetcher
        self._hosts = hosts
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def fill(self, tree: SourceTree, index: str) -> None:
        named = locked(tree)
        wanted = [each for each in named if each.host in self._hosts]
        self.missing += unfollowed(tree)
        others = sorted({each.host for each in named} - self._hosts)
        self.missing += [f"packages of {host[:100]}: this run did not fetch from it" for host in others]
        self.missing += [
            f"{each.name}: more than {MOST_PACKAGES} packages" for each in wanted[MOST_PACKAGES:]
        ]
        async with asyncio.TaskGroup() as group:
            for each in wanted[:MOST_PACKAGES]:
                group.create_task(self._keep(each))
        if (asked := requirements(tree)) and urlsplit(index).hostname in self._hosts:
            self.missing += await Wheels(index, self._page, self._wheel).follow(asked)

    async def _page(self, url: str) -> bytes | None:
        with suppress(Unavailable):
            return await self._fetcher.get(url, MOST_PAGE_BYTES, SIMPLE_JSON)
        return None

    async def _wheel(self, wanted: Wanted) -> bytes | None:
        """The wheel's content, kept."""
        if wanted.host not in self._hosts or len(self.kept) >= MOST_PACKAGES:
            self.missing.append(f"{wanted.name}: not from a host of this run, or one package too many")
            return None
        await self._keep(wanted)
        kept = self.kept.get(wanted)
        return self._packages.path(kept).read_bytes() if kept else None

    async def _keep(self, wanted: Wanted) -> None:
        if wanted in self.kept:
            return
        try:
            digest = wanted.digest
            if digest is None or not self._packages.has(digest):
                digest = await self._fetched(wanted)
            self.kept[wanted] = Package(
                kind=wanted.kind,
                name=wanted.name,
                version=wanted.version,
                url=wanted.url,
                file=wanted.file,
                content=digest,
                locked=wanted.digest is not None,
            )
        except (Unavailable, ArchiveError, ValidationError, OSError) as error:
            self.missing.append(f"{wanted.name} {wanted.version}: {str(error).splitlines()[0]}")

    async def _fetched(self, wanted: Wanted) -> str:
        """The digest under which it now is in the archive."""
        if wanted.digest is None and not wanted.url.startswith("https:"):
            raise Unavailable(f"{wanted.url}: has neither a digest nor a safe way here")
        async with self._slots:
            data = await self._fetcher.get(wanted.url, MOST_FILE_BYTES)
        digest = wanted.digest or content_digest(data)
        await asyncio.to_thread(self._packages.add_file, digest, data)
        return digest
