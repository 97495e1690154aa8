"""A real browser beside an app in the lab: several visitors, each with cookies of their own.

    async with open_browser(lab) as browser:        # raises NoBrowser where the helper has none
        anna = browser.visitor("anna")
        sight = await anna.open("/")                # finds the composer as a person would
        sent = await anna.send("Hello k12", key="k12", by="enter")        # or by="button", or by="any"
        sight = await anna.look(["zq77"], patience_s=10)                  # until the words are on the page
        sight.seen["zq77"]                          # when it became visible, seconds since the epoch
        await anna.reload(["zq77"])
        picture = await anna.shot(narrow=True)      # PNG
        report = await anna.report()                # all events: see inside/browser_records.py

A visitor outlives a restart of the app. What a page does is never an error here; BrowserError says that
browser or page do not answer any more.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.core.errors import SandboxError
from runner.core.protocols import ExecResult, Sandbox
from runner.probes.kit.lab.inside.slowness import slowness

PYTHON = "/opt/lab/bin/python"
FOLDER = "/home/agent/browser"
START_S, STEP_S = 60.0, 120.0
LIFE_S = 3600.0
_INSIDE = Path(__file__).with_name("inside")
_FILES = ("__init__.py", "page.py", "slowness.py")


class NoBrowser(Exception):
    """There is no browser in the helper, or it does not start; the message says why."""


class BrowserError(Exception):
    """The browser or the page before it does not answer any more."""


@dataclass(frozen=True)
class Sight:
    """What stands before a visitor. `composer` holds facts of the field to type into, None if there is none.

    `seen` are the words that were looked for and found, each with the time since it is visible. `loads`
    counts documents: it grows when the page is left, not when it changes in place.
    """

    url: str = ""
    title: str = ""
    text: str = ""
    composer: dict[str, Any] | None = None
    events: int = 0
    loads: int = 0
    busy: bool = False
    seen: dict[str, float] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether a message can be typed."""
        return bool(self.composer and self.composer["enabled"])


@dataclass(frozen=True)
class Sent:
    """How a message was sent: `by` enter or button, empty if it was not; then `why` says what was in the way.

    `since` and `loads` are the numbers of events and documents before it.
    """

    by: str
    why: str
    since: int
    loads: int
    sight: Sight


@dataclass(frozen=True)
class Report:
    """All events, and the Stimulus controllers that the page names and that connected."""

    events: tuple[dict[str, Any], ...]
    named: tuple[str, ...]
    connected: tuple[str, ...]

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """The events of these kinds, in order."""
        return [event for event in self.events if event["what"] in kinds]


class Browser:
    """One browser process; steps are taken one at a time. Made by open_browser."""

    def __init__(self) -> None:
        self.version = ""
        self._out: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._pending: list[bytes] = []
        self._turn = asyncio.Lock()
        self._count = 0

    def visitor(self, name: str, needles: Sequence[str] = ()) -> Visitor:
        """Somebody, who arrives with their first step; `needles` are looked for in all that the app sends."""
        return Visitor(self, name, tuple(needles))

    async def do(self, step: dict[str, Any]) -> dict[str, Any]:
        """Take one step (see inside/browser_driver.py). Raises BrowserError."""
        async with self._turn:
            self._count += 1
            self._out.put_nowait(json.dumps({"n": self._count, **step}).encode() + b"\n")
            try:
                async with asyncio.timeout(STEP_S * slowness()):
                    while (outcome := await self._in.get()).get("n") != self._count:
                        if "ended" in outcome:
                            self._in.put_nowait(outcome)
                            raise BrowserError("the browser ended")
            except TimeoutError:
                raise BrowserError("the browser does not answer") from None
        if "error" in outcome:
            raise BrowserError(f"{step['do']}: {outcome['error']}")
        return outcome

    async def words(self) -> AsyncIterator[bytes]:
        """What goes to the driver's standard input."""
        while (line := await self._out.get()) is not None:
            yield line

    def feed(self, chunk: bytes) -> None:
        """What comes from the driver's standard output."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._pending.append(line)
            self._heard(b"".join(self._pending))
            self._pending = []
        self._pending.append(rest)

    def _heard(self, line: bytes) -> None:
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return
        if isinstance(document, dict):
            self._in.put_nowait(document)

    async def started(self, process: asyncio.Task[ExecResult]) -> None:
        """Until it is ready. Raises NoBrowser."""
        hearing = asyncio.create_task(self._in.get())
        await asyncio.wait(
            {hearing, process}, timeout=START_S * slowness(), return_when=asyncio.FIRST_COMPLETED
        )
        if hearing.done() and hearing.result().get("ready"):
            self.version = str(hearing.result()["browser"])
            process.add_done_callback(lambda _: self._in.put_nowait({"ended": True}))
            return
        hearing.cancel()
        if not process.done():
            raise NoBrowser(f"it did not start within {START_S:.0f} s")
        if (error := process.exception()) is not None:
            raise error
        raise NoBrowser(_reason(process.result()))


class Visitor:
    """One person with one page; see the module's text."""

    def __init__(self, browser: Browser, name: str, needles: tuple[str, ...]) -> None:
        self.name = name
        self._browser = browser
        self._needles = needles

    async def _do(self, act: str, **step: Any) -> dict[str, Any]:
        return await self._browser.do({"visitor": self.name, "do": act, "needles": self._needles, **step})

    async def open(self, path: str = "/") -> Sight:
        """Go to a path; through the app's entrance where the page has no composer."""
        return _sight(await self._do("open", path=path))

    async def again(self, path: str = "/") -> Sight:
        """Come back to a path over connections of one's own, with the cookies and storage one had."""
        return _sight(await self._do("again", path=path))

    async def reload(self, words: Sequence[str] = (), patience_s: float = 3) -> Sight:
        """Load the page anew and look for words on it."""
        return _sight(await self._do("reload", words=list(words), patience_s=patience_s))

    async def send(self, text: str, *, key: str = "", by: str = "any", words: Sequence[str] = ()) -> Sent:
        """Type a text and send it: by `enter`, by `button`, or by `any` of them that works.

        `key` is a word of the text by which its request is known. `words` are watched for from here on.
        """
        for way in ("enter", "button") if by == "any" else (by,):
            outcome = await self._do("send", text=text, key=key, by=way, words=list(words))
            if outcome["sent"]:
                break
        by = way if outcome["sent"] else ""
        return Sent(by, str(outcome["why"]), outcome["since"], outcome["before"], _sight(outcome))

    async def look(self, words: Sequence[str] = (), patience_s: float = 0) -> Sight:
        """Wait until all words are on the page, at most `patience_s`."""
        return _sight(await self._do("look", words=list(words), patience_s=patience_s))

    async def status(self, since: int, key: str = "") -> int:
        """What the request with `key` was answered with; 0 if there was none, or no answer yet."""
        return int((await self._do("status", since=since, key=key))["status"])

    async def shot(self, narrow: bool = False) -> bytes:
        """A PNG of the screen, 1280 or 390 pixels wide."""
        return base64.b64decode((await self._do("shot", narrow=narrow))["png"])

    async def leave(self) -> None:
        """Close the page and forget its cookies."""
        await self._do("leave")

    async def report(self) -> Report:
        """All that happened."""
        outcome = await self._do("report")
        seen = outcome["controllers"]
        return Report(tuple(outcome["events"]), tuple(seen["named"]), tuple(seen["connected"]))


def _sight(outcome: dict[str, Any]) -> Sight:
    return Sight(**{name: outcome[name] for name in Sight.__dataclass_fields__ if name in outcome})


def _reason(result: ExecResult) -> str:
    if result.exit_code in (126, 127):
        return "the helper's image has none"
    lines = result.stdout.decode("utf-8", "replace").strip().splitlines()
    return f"it does not start: {lines[-1][:300] if lines else f'exit code {result.exit_code}'}"


@asynccontextmanager
async def open_browser(helper: Sandbox, port: int) -> AsyncIterator[Browser]:
    """A browser in a helper that shares an app's network. Raises NoBrowser, or SandboxError as exec does."""
    sent = [path for path in _INSIDE.iterdir() if path.name in _FILES or path.name.startswith("browser_")]
    await helper.put({f"inside/{path.name}": path.read_bytes() for path in sent}, FOLDER)
    browser = Browser()
    base = f"http://localhost:{port}"
    command = 'exec "$0" -m inside.browser_driver "$1" 2>errors.txt || { tail -n 3 errors.txt; exit 1; }'
    process = asyncio.create_task(
        helper.exec(
            ["sh", "-c", f'[ -x "$0" ] || exit 127; ({command})', PYTHON, base],
            stdin=browser.words(),
            cwd=FOLDER,
            timeout_s=LIFE_S,
            on_output=browser.feed,
        ),
        name="browser",
    )
    try:
        await browser.started(process)
        yield browser
    finally:
        process.cancel()
        await asyncio.wait({process})
        if not process.cancelled() and isinstance(process.exception(), SandboxError):
            pass  # the helper is gone: what comes next on it says so
