"""Serving the site while runs finish: the archive is watched, and what is new is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from runner.core.errors import ShipworthyError, UserError
from runner.pipeline.settings import Settings
from runner.pipeline.showing.site import build_site
from runner.report.site.server import HOST, LiveSite

EVERY_S = 2.0
_WATCHED = ("runs/*/*/run.json", "scores/*/*/*.json*", "artifacts/*")


@dataclass(frozen=True)
class View:
    """The live site of an archive; `say` gets lines for people."""

    settings: Settings
    out: Path
    rubric: str | None
    say: Callable[[str], None]
    every_s: float = EVERY_S

    async def serve(self, port: int) -> None:
        """Until it is cancelled. Raises UserError if the port is taken."""
        seen = signature(self.settings.archive)  # before the first build: what comes meanwhile is new
        await asyncio.to_thread(self._build)
        site = LiveSite(self.out)
        async with AsyncExitStack() as stack:
            bound = await self._listen(stack, site, port)
            self.say(f"http://{HOST}:{bound}/ shows {self.settings.archive}; Ctrl-C ends it")
            if "SSH_CONNECTION" in self.settings.variables:
                tunnel = f"ssh -L {bound}:{HOST}:{bound}"
                self.say(f"you came here by SSH: open a way to it from your own machine, {tunnel} THIS_HOST")
            await self._follow(site, seen)

    async def _listen(self, stack: AsyncExitStack, site: LiveSite, port: int) -> int:
        try:
            return await stack.enter_async_context(site.serve(port))
        except OSError as error:
            other = "another program may have it; choose one with --port, or 0 for a free one"
            raise UserError(f"--port: {HOST}:{port}: {error.strerror}; {other}") from error

    async def _follow(self, site: LiveSite, seen: str) -> None:
        """Make the site again whenever a run was sealed or graded; a fault is told, and it goes on."""
        while True:
            await asyncio.sleep(self.every_s)
            now = await asyncio.to_thread(signature, self.settings.archive)
            if now == seen:
                continue
            seen = now
            try:
                written = await asyncio.to_thread(self._build)
            except (ShipworthyError, OSError) as error:
                self.say(f"the site was not made again: {error}")
                continue
            if written:
                await site.announce()

    def _build(self) -> int:
        return build_site(self.settings, self.out, self.rubric, self.say, live=True)[1]


def live_folder(settings: Settings, rubric: str | None) -> Path:
    """Where the live site of an archive under a rubric is kept; it may be deleted at any time."""
    return settings.cache / "view" / sha256(f"{settings.archive}\0{rubric}".encode()).hexdigest()[:12]


def signature(archive: Path) -> str:
    """Changes when a run is sealed, a score is added or an artifact comes."""
    digest = sha256()
    for pattern in _WATCHED:
        for path in sorted(archive.glob(pattern)):
            digest.update(f"{path} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()
