"""An app that is started once, for several probes that look at it one after the other.

    async with on_stage(subject, app, scenario, alone=number > 1) as stage:
        if stage.installed.ok:
            page = await stage.page()          # started if it does not run
            browser = await stage.browser()    # raises NoBrowser

Booting costs most of what looking costs, so the probes of one examination share an app. Each has its turn,
with a provider that has been asked nothing yet and a log that begins with the start of the app. What a probe
finds amiss there may come from those before it: it looks again `alone`, at a fresh app of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from runner.core.errors import SandboxError
from runner.core.protocols import Subject
from runner.probes.kit.lab.browser import Browser, open_browser
from runner.probes.kit.lab.installed import Installed
from runner.probes.kit.lab.lab import READY_S, Lab, RootPage, open_lab
from runner.probes.kit.lab.recipes import App
from runner.probes.kit.lab.stub import Scenario


class Stage:
    """A lab with its app installed; what is started in it keeps running until the stage is closed."""

    def __init__(self, lab: Lab, installed: Installed) -> None:
        self.lab = lab
        self.installed = installed
        self._page: RootPage | None = None
        self._app = AsyncExitStack()
        self._browsing = AsyncExitStack()
        self._browser: Browser | None = None

    async def page(self, ready_s: float = READY_S) -> RootPage:
        """The root page of the running app; an app that has ended since it was ready is started again."""
        if self._page is None or (self._page.is_ready and not self.lab.runs):
            await self._app.aclose()
            self._page = await self._app.enter_async_context(self.lab.running(ready_s))
            self.lab.has_started()
        return self._page

    async def page_with(self, env: Mapping[str, str]) -> RootPage:
        """The root page of the app started again under other settings, for the rest of this turn."""
        await self.stop()
        return await self._app.enter_async_context(self.lab.running(env=env))

    async def stop(self) -> None:
        """End the app; the next one to ask for its page starts it again."""
        await self._app.aclose()
        self._page = None

    async def browser(self) -> Browser:
        """A browser beside the app. Raises NoBrowser."""
        if self._browser is None:
            opening = open_browser(self.lab.helper, self.lab.app.recipe.port)
            self._browser = await self._browsing.enter_async_context(opening)
        return self._browser

    @asynccontextmanager
    async def turn(self, scenario: Scenario) -> AsyncIterator[Stage]:
        """A probe's own time on it; an app under other settings is not handed on."""
        await self.lab.begin(scenario)
        try:
            yield self
        finally:
            if self._page is None:
                await self._app.aclose()

    async def close(self) -> None:
        """End browser and app."""
        await self.close_browser()
        await self._app.aclose()

    async def close_browser(self) -> None:
        """End the browser; the next one to ask for it gets a new one."""
        self._browser = None
        await self._browsing.aclose()


class SharedStage:
    """The stage of one examination: opened for the first probe that comes, closed when the last has left."""

    def __init__(self, subject: Subject, app: App) -> None:
        self._subject = subject
        self._app = app
        self._users = 0
        self._one_at_a_time = asyncio.Lock()
        self._stage: asyncio.Future[Stage] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._is_broken = False

    @asynccontextmanager
    async def turn(self, scenario: Scenario) -> AsyncIterator[Stage]:
        """Wait for one's turn; after a broken sandbox everybody gets one of their own."""
        self._users += 1
        if self._life is None:
            self._life = asyncio.create_task(self._live(), name="shared stage")
        try:
            async with self._one_at_a_time:
                if self._is_broken:
                    async with _opened(self._subject, self._app) as own, own.turn(scenario):
                        yield own
                    return
                try:
                    stage = await asyncio.shield(self._stage)
                    async with stage.turn(scenario):
                        yield stage
                except SandboxError:
                    self._is_broken = True
                    raise
        finally:
            self._users -= 1
            if not self._users:
                self._subject.shared.pop(_KEY, None)
                self._over.set()
                await asyncio.wait({self._life})

    async def _live(self) -> None:
        """In a task of its own: whoever comes first need not be the last to leave."""
        try:
            async with _opened(self._subject, self._app) as stage:
                self._stage.set_result(stage)
                await self._over.wait()
        except BaseException as error:
            if self._stage.done():
                raise
            self._stage.set_exception(error)
            self._stage.exception()  # seen, even if nobody waits for it any more


_KEY = "stage"


@asynccontextmanager
async def on_stage(subject: Subject, app: App, scenario: Scenario, *, alone: bool) -> AsyncIterator[Stage]:
    """A turn on the stage of this examination, or `alone` on a fresh one."""
    if alone:
        async with _opened(subject, app) as stage, stage.turn(scenario):
            yield stage
        return
    shared = subject.shared.get(_KEY)
    if not isinstance(shared, SharedStage):
        shared = subject.shared[_KEY] = SharedStage(subject, app)
    async with shared.turn(scenario) as stage:
        yield stage


@asynccontextmanager
async def _opened(subject: Subject, app: App) -> AsyncIterator[Stage]:
    async with open_lab(subject, app, Scenario()) as lab:
        stage = Stage(lab, await lab.install())
        try:
            yield stage
        finally:
            await stage.close()
