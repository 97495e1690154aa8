"""One visitor: a browser context of their own, and what a person does with a chat page.

Part of the browser driver, which runs inside the helper sandbox.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from .browser_composer import best_button, best_field, is_entrance
from .browser_records import Records
from .slowness import slowness

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
LOAD_MS, ACT_MS = 15_000, 3_000
POLL_S = 0.04
SENT_S, EMPTY_S = 1.5, 0.4
QUIET_S, MOST_S = 0.15, 2.0
READY_S = 5.0
RESTORE = (
    """try { const kept = KEPT; for (const name in kept) sessionStorage[name] ??= kept[name] } catch {}"""
)

Json = dict[str, Any]


class Visitor:
    """Somebody with cookies of their own. Made by `arrive`."""

    def __init__(self, context: Any, page: Any, base: str, records: Records) -> None:
        self.records = records
        self.page = page
        self._context = context
        self._base = base
        self._seen: dict[str, float] = {}
        self._wanted: list[str] = []
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    async def arrive(
        cls, browser: Any, base: str, script: str, needles: Sequence[str], kept: Json | None = None
    ) -> Visitor:
        """A visitor before an empty page: a new one, or one who brings along what they `kept`."""
        records = Records(int(base.rpartition(":")[2]), needles)
        kept = kept or {"cookies": None, "session": ""}
        context = await browser.new_context(
            viewport=WIDE, ignore_https_errors=True, accept_downloads=False, storage_state=kept["cookies"]
        )
        if kept["session"]:
            await context.add_init_script(RESTORE.replace("KEPT", kept["session"]))
        await context.expose_binding("labTold", records.told)
        await context.expose_binding("labRan", records.ran)
        await context.add_init_script(script)
        page = await context.new_page()
        records.follow(context)
        records.follow_page(page)
        visitor = cls(context, page, base, records)
        context.on("page", lambda other: asyncio.ensure_future(visitor._refuse(other)))
        await visitor._hear_event_streams()
        return visitor

    async def _refuse(self, other: Any) -> None:
        self.records.add("opened", url=other.url[:300])
        await other.close()

    async def _hear_event_streams(self) -> None:
        session = await self._context.new_cdp_session(self.page)
        await session.send("Network.enable")
        session.on("Network.eventSourceMessageReceived", lambda e: self.records.message("events", e["data"]))

    async def kept(self) -> Json:
        """What the browser keeps of the app: cookies, and both kinds of storage."""
        session = str(await self._told("JSON.stringify({...sessionStorage})", "{}"))
        return {"cookies": await self._context.storage_state(), "session": session}

    async def leave(self) -> None:
        """Close everything."""
        if self._watching:
            self._watching.cancel()
        await self._context.close()

    # --- steps

    async def open(self, step: Json) -> Json:
        """Go to a path of the app; where its first page has no composer, through its entrance."""
        await self._go(
            lambda: self.page.goto(self._base + step.get("path", "/"), timeout=LOAD_MS * slowness())
        )
        if await self._field(MOST_S) is None:
            await self._enter()
        return await self.sight()

    async def reload(self, step: Json) -> Json:
        """Load the page anew; `words` are then looked for only on the new page."""
        self._seen, self._wanted = {}, []
        await self._go(lambda: self.page.reload(timeout=LOAD_MS * slowness()))
        await self._field(MOST_S)
        return await self.look(step)

    async def send(self, step: Json) -> Json:
        """Type a text into the composer and send it by `enter` or by `button`."""
        before = {"since": len(self.records.events), "before": self.records.count("loaded")}
        field = await self._field(READY_S, enabled=True)
        if field is None:
            why = "there is no composer that can be used"
            return {"sent": False, "why": why, **before, **await self.sight()}
        self._watch(step.get("words", ()))
        is_enter = step["by"] == "enter"
        try:
            await field.fill(step["text"], timeout=ACT_MS * slowness())
            why = await (self._press_enter(field) if is_enter else self._press_button(field))
        except Exception as error:  # covered by something, drawn anew just now, or gone
            why = str(error).splitlines()[0][:200]
        sent = None if why else await self._carried(before["since"], step.get("key", ""))
        if sent is None and not why:
            why = f"{'Enter' if is_enter else 'the button'} sent nothing"
        return {"sent": sent is not None, "why": why, **before, **await self.sight()}

    async def look(self, step: Json) -> Json:
        """Until all `words` are on the page, or for `patience_s`; `seen` says since when each is."""
        words = step.get("words", ())
        self._watch(words)
        await _until(lambda: all(word in self._seen for word in words), step.get("patience_s", 0))
        sight = await self.sight()
        for word in words:
            if word in sight["text"]:
                self._seen.setdefault(word, round(time.time(), 3))
        return {"seen": {w: self._seen[w] for w in words if w in self._seen}, **sight}

    async def shot(self, step: Json) -> Json:
        """A picture of what is on the screen, wide or as on a phone."""
        narrow = bool(step.get("narrow"))
        await self.page.set_viewport_size(NARROW if narrow else WIDE)
        try:
            picture = await self.page.screenshot(
                timeout=5_000 * slowness(), animations="disabled", caret="initial"
            )
            overflow = await self._told("window.__lab.overflow()", 0)
        finally:
            if narrow:
                await self.page.set_viewport_size(WIDE)
        return {"png": base64.b64encode(picture).decode(), "overflow": overflow}

    async def report(self, step: Json) -> Json:
        """Everything that happened, without the bodies that were sent."""
        await self.records.searched()
        self.records.look_for_leaks(
            str(await self._told("document.documentElement.outerHTML", "")), self.page.url
        )
        return {
            "events": [{**event, "body": ""} if "body" in event else event for event in self.records.events],
            "controllers": await self._told("window.__lab.controllers()", {"named": [], "connected": []}),
        }

    async def status(self, step: Json) -> Json:
        """What the request that carried `key` was answered with; 0 for no request, or no answer yet."""
        sent = self.records.carried(step["since"], step.get("key", ""))
        return {"carried": sent is not None, "status": self.records.status_of(step["since"], sent)}

    async def sight(self) -> Json:
        """What stands before the visitor."""
        fields = await self._fields()
        place = best_field(fields)
        return {
            "url": self.page.url,
            "title": str(await self._told("document.title", ""))[:200],
            "text": (await self._text())[:100_000],
            "composer": fields[place] if place is not None else None,
            "events": len(self.records.events),
            "loads": self.records.count("loaded"),
            "busy": self.records.open_requests > 0,
        }

    # --- how

    async def _go(self, act: Callable[[], Awaitable[Any]]) -> None:
        try:
            await act()
        except Exception as error:  # slow pages, refused connections: what is there is looked at all the same
            self.records.add("failed", type="step", url=self.page.url, why=str(error)[:300], own=True)
        await self._quiet()

    async def _quiet(self) -> None:
        """Until nothing has been asked for during a moment; a stream of events keeps a request open."""
        slow, calm = slowness(), time.monotonic()
        deadline = calm + MOST_S * slow
        last = -1
        while time.monotonic() < deadline and time.monotonic() - calm < QUIET_S * slow:
            now = self.records.count("request", "answer")
            if now != last:
                last, calm = now, time.monotonic()
            await asyncio.sleep(0.02)

    async def _told(self, expression: str, otherwise: Any) -> Any:
        """What the page says, or something else between two pages and on the browser's own error page."""
        try:
            return await self.page.evaluate(expression)
        except Exception:
            return otherwise

    async def _text(self) -> str:
        return str(await self._told("window.__lab.text()", ""))

    async def _fields(self) -> list[Json]:
        return list(await self._told("window.__lab.fieldFacts(window.__lab.fields())", []))

    async def _field(self, patience_s: float, enabled: bool = False) -> Any | None:
        """The composer's element, waited for."""
        deadline = time.monotonic() + patience_s * slowness()
        while True:
            fields = await self._fields()
            place = best_field(fields)
            if place is not None and (fields[place]["enabled"] or not enabled):
                return await self._element("window.__lab.fields()", place)
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(POLL_S)

    async def _element(self, expression: str, place: int, argument: Any = None) -> Any:
        source = f"x => ({expression})[{place}]"
        handle = await self.page.evaluate_handle(source, argument)
        return handle.as_element()

    async def _enter(self) -> None:
        """Through a link or a button that leads to the chat."""
        for role in ("link", "button"):
            for found in (await self.page.get_by_role(role).all())[:20]:
                name = ((await found.text_content()) or "") + (
                    (await found.get_attribute("aria-label")) or ""
                )
                if is_entrance(name) and await found.is_visible():
                    await self._go(partial(found.click, timeout=ACT_MS * slowness()))
                    if await self._field(MOST_S) is not None:
                        return

    async def _press_enter(self, field: Any) -> str:
        await field.press("Enter", timeout=ACT_MS * slowness())
        return ""

    async def _press_button(self, field: Any) -> str:
        deadline = time.monotonic() + READY_S * slowness()
        while True:
            facts = await self.page.evaluate(
                "c => window.__lab.buttonFacts(window.__lab.buttons(c), c)", field
            )
            place = best_button(facts)
            if place is not None and facts[place]["enabled"]:
                button = await self._element("window.__lab.buttons(x)", place, field)
                await button.click(timeout=ACT_MS * slowness())
                return ""
            if time.monotonic() > deadline:
                return "there is no button that sends" if place is None else "the button cannot be pressed"
            await asyncio.sleep(POLL_S)

    async def _carried(self, since: int, key: str) -> Json | None:
        patience_s = SENT_S if key else EMPTY_S
        await _until(lambda: self.records.carried(since, key) is not None, patience_s)
        return self.records.carried(since, key)

    def _watch(self, words: Sequence[str]) -> None:
        """Note from now on when each word becomes visible."""
        self._wanted += words
        if words and (self._watching is None or self._watching.done()):
            self._watching = asyncio.ensure_future(self._watched())

    async def _watched(self) -> None:
        while missing := [word for word in self._wanted if word not in self._seen]:
            text = await self._text()
            for word in missing:
                if word in text:
                    self._seen[word] = round(time.time(), 3)
            await asyncio.sleep(POLL_S)


async def _until(holds: Callable[[], bool], patience_s: float) -> None:
    deadline = time.monotonic() + patience_s * slowness()
    while True:
        if holds() or time.monotonic() > deadline:
            return
        await asyncio.sleep(POLL_S)
