"""Serving the site while runs finish: the archive is watched, and what is new is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from runner.core.errors import ShipworthyError, UserError
from runner.pipeline.settings import Settings
from runner.pipeline.site import build_site
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
        try:
            async with site.serve(port) as bound:
                self.say(f"http://{HOST}:{bound}/ shows {self.settings.archive}; Ctrl-C ends it")
                await self._follow(site, seen)
        except OSError as error:
            raise UserError(f"--port: {HOST}:{port} cannot be listened on: {error.strerror}") from error

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
            except ShipworthyError as error:
                self.say(f"the site was not made again: {error}")
                continue
            if written:
                await site.announce()

    def _build(self) -> int:
        return build_site(self.settings, self.out, self.rubric, self.say, live=True)[1]


def live_folder(settings: Settings) -> Path:
    """Where the live site of an archive is kept; it may be deleted at any time."""
    return settings.cache / "view" / sha256(str(settings.archive).encode()).hexdigest()[:12]


def signature(archive: Path) -> str:
    """Changes when a run is sealed, a score is added or an artifact comes."""
    digest = sha256()
    for pattern in _WATCHED:
        for path in sorted(archive.glob(pattern)):
            digest.update(f"{path} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()
