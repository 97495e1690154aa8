"""The site on this machine: served to its own browser only, and told when it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web

from runner.report.site.writer import MANIFEST

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost", "[::1]")
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LiveSite:
    """Serves one folder's pages, and `/events`, which says `changed` whenever `announce` is called."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._changed = asyncio.Condition()
        self._version = 0

    async def announce(self) -> None:
        """Tell every open page that there is something new."""
        async with self._changed:
            self._version += 1
            self._changed.notify_all()

    @asynccontextmanager
    async def serve(self, port: int) -> AsyncIterator[int]:
        """Listen on 127.0.0.1 as long as it is open; yields the port (a free one for 0)."""
        application = web.Application(middlewares=[_only_own_names])
        application.router.add_get("/events", self._events)
        application.router.add_get("/{path:(?s:.*)}", self._file)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, port)
            await site.start()
            yield int(runner.addresses[0][1])
        finally:
            await runner.cleanup()

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """A page, style, script or picture below the root; everything else is not there."""
        path = self._root / (request.match_info["path"] or "index.html")
        try:
            place = path.resolve(strict=True)
            if place.is_dir():
                place = (place / "index.html").resolve(strict=True)
        except (OSError, ValueError):
            raise web.HTTPNotFound(headers=_HEADERS) from None
        kind = _KINDS.get(place.suffix)
        if kind is None or place.name == MANIFEST or not place.is_relative_to(self._root):
            raise web.HTTPNotFound(headers=_HEADERS)
        charset = "" if kind == "image/png" else "; charset=utf-8"
        return web.FileResponse(place, headers=_HEADERS | {"Content-Type": kind + charset})

    def _newer_than(self, seen: int) -> bool:
        return self._version != seen

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=_HEADERS | {"Content-Type": "text/event-stream"})
        await response.prepare(request)
        seen = self._version
        while True:
            try:
                async with asyncio.timeout(15), self._changed:
                    await self._changed.wait_for(partial(self._newer_than, seen))
                seen = self._version
                await response.write(b"event: changed\ndata: \n\n")
            except TimeoutError:
                await response.write(b": still here\n\n")
            except ConnectionError:
                return response


@web.middleware
async def _only_own_names(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Another site's name that was made to point at this machine (DNS rebinding) gets nothing."""
    name = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    if name not in _NAMES:
        raise web.HTTPForbidden(text="this site is only for this machine's own browser", headers=_HEADERS)
    return await handler(request)
