"""What happened in a visitor's browser, as it happened: requests, messages, errors, scripts that ran.

Part of the browser driver, which runs inside the helper sandbox.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

MAX_EVENTS = 3000
MAX_BODY = 3_000_000
MAX_SENT = 500_000
STREAM_TAG = "<turbo-stream"
TEXTUAL = ("text/", "javascript", "json", "xml")
SENDING = ("document", "fetch", "xhr", "eventsource", "ping")

Json = dict[str, Any]


class Records:
    """A visitor's events, each {"at": seconds since the epoch, "what": kind, ...}, up to a bound.

    Kinds: step, request, sent, answer, failed, loaded (a document), navigated (also within one), socket,
    message (of a socket or an event stream), stream (Turbo rendered one), controller (Stimulus connected
    one), turbo, console, dialog, ran (a script of the lab's own markup), leak (a needle was in what the app
    sent), crashed, opened (another window).
    """

    def __init__(self, port: int, needles: Iterable[str]) -> None:
        self.events: list[Json] = []
        self.open_requests = 0
        self._port = port
        self._needles = [needle for needle in needles if needle]
        self._room = 20 * MAX_SENT
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, what: str, **facts: Any) -> None:
        """Keep an event."""
        if len(self.events) < MAX_EVENTS:
            self.events.append({"at": round(time.time(), 3), "what": what, **facts})

    def count(self, *kinds: str) -> int:
        """How many events there are of these kinds."""
        return sum(event["what"] in kinds for event in self.events)

    def is_own(self, url: str) -> bool:
        """Whether an address belongs to the app."""
        try:
            parts = urlsplit(url)
            return parts.hostname in ("localhost", "127.0.0.1") and (parts.port or 80) == self._port
        except ValueError:
            return False

    # --- what Playwright tells

    def follow(self, context: Any) -> None:
        """Listen to a browser context and to every page of it."""
        context.on("request", self._requested)
        context.on("response", self._answered)
        context.on("requestfailed", self._failed)
        context.on("requestfinished", self._finished)
        context.on("console", self._said)
        context.on(
            "weberror", lambda error: self.add("console", kind="exception", text=str(error.error)[:500])
        )
        context.on("dialog", self._asked)

    def follow_page(self, page: Any) -> None:
        """Listen to what only a page tells."""
        page.on("crash", lambda _: self.add("crashed"))
        page.on("websocket", self._socket)
        page.on("domcontentloaded", lambda page: self.add("loaded", url=page.url[:500]))
        page.on("framenavigated", self._navigated)

    def told(self, _source: Any, facts: Any) -> None:
        """A message of browser_page.js, which a page might forge: kept as short text."""
        if isinstance(facts, dict) and facts.get("what") in ("stream", "controller", "turbo"):
            more = {str(k): str(v)[:100] for k, v in list(facts.items())[:4] if k != "what"}
            self.add(str(facts["what"]), **more)

    def ran(self, _source: Any, mark: Any = "") -> None:
        """A script that came as text of a message did run."""
        self.add("ran", mark=str(mark)[:100])

    def _kept(self, body: str) -> str:
        """As much of a body as there is room for: a page may send without end."""
        body = body[: min(MAX_SENT, self._room)]
        self._room -= len(body)
        return body

    def _navigated(self, frame: Any) -> None:
        if frame.parent_frame is None:
            self.add("navigated", url=frame.url[:500])

    def _requested(self, request: Any) -> None:
        self.open_requests += 1
        if request.url.startswith(("data:", "blob:")):
            return
        kind = request.resource_type
        self.add(
            "request", method=request.method, url=request.url[:500], type=kind, own=self.is_own(request.url)
        )
        if kind in SENDING:
            try:
                body = request.post_data
            except Exception:  # bytes that are no text
                body = None
            self.add("sent", method=request.method, url=request.url[:2000], body=self._kept(body or ""))

    def _answered(self, response: Any) -> None:
        kind = (response.headers.get("content-type") or "").partition(";")[0].strip()
        request = response.request
        self.add(
            "answer",
            method=request.method,
            url=response.url[:500],
            status=response.status,
            type=kind,
            resource=request.resource_type,
            policy="content-security-policy" in response.headers,
        )

    def _failed(self, request: Any) -> None:
        self.open_requests -= 1
        own = self.is_own(request.url)
        facts = {"method": request.method, "url": request.url[:500], "type": request.resource_type}
        self.add("failed", **facts, why=request.failure, own=own)

    def _finished(self, request: Any) -> None:
        self.open_requests -= 1
        if self._needles and self.is_own(request.url):
            task = asyncio.ensure_future(self._search(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _search(self, request: Any) -> None:
        try:
            response = await request.response()
            kind = (response.headers.get("content-type") or "") if response else ""
            if any(part in kind for part in TEXTUAL):
                body = (await response.body())[:MAX_BODY].decode("utf-8", "replace")
                self.look_for_leaks(body, request.url)
        except Exception:
            return  # the page went on: its body is gone

    def look_for_leaks(self, text: str, where: str) -> None:
        """Note each needle that something holds."""
        for needle in self._needles:
            if needle in text:
                self.add("leak", needle=needle[:8], where=where[:300])

    async def searched(self) -> None:
        """Until every finished answer was looked through."""
        while self._tasks:
            await asyncio.wait(set(self._tasks), timeout=2)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.add("console", kind=message.type, text=message.text[:500])

    async def _asked(self, dialog: Any) -> None:
        self.add("dialog", kind=dialog.type, text=dialog.message[:300])
        await dialog.dismiss()

    def _socket(self, socket: Any) -> None:
        self.add("socket", url=socket.url[:500], own=self.is_own(socket.url.replace("ws", "http", 1)))
        socket.on("framesent", lambda data: self.add("sent", method="WS", url="", body=self._kept(str(data))))
        socket.on("framereceived", lambda data: self.message("socket", str(data)))

    def message(self, by: str, data: str) -> None:
        """One message of a socket or an event stream; those that only keep it alive are left out."""
        if '"type":"ping"' in data[:200]:
            return
        stream = STREAM_TAG in data or json.dumps(STREAM_TAG)[1:-1] in data or "\\u003cturbo-stream" in data
        self.add("message", by=by, turbo=stream, size=len(data), start=data[:200])
        self.look_for_leaks(data, by)

    # --- questions

    def carried(self, since: int, word: str) -> Json | None:
        """The first thing sent after `since` events that holds a word; for no word, the first post."""
        forms = {word, quote(word), quote_plus(word)}
        for event in self.events[since:]:
            if event["what"] != "sent":
                continue
            posts = event["method"] not in ("GET", "HEAD", "WS")
            if not word and posts:
                return event
            if word and any(form in event["body"] or form in event["url"] for form in forms):
                return event
            if word and posts and not event["body"]:
                return event  # a body that the browser does not show, a file upload's form for example
        return None

    def status_of(self, since: int, sent: Json | None) -> int:
        """What the request that carried a message was answered with in the end; 0 if it was not (yet)."""
        if sent is None or sent["method"] == "WS":
            return 200 if sent else 0
        answers = [e for e in self.events[since:] if e["what"] == "answer"]
        own = next(
            (e for e in answers if e["url"] == sent["url"][:500] and e["method"] == sent["method"]), None
        )
        if own is None:
            return 0
        if 300 <= own["status"] < 400:
            after = [e for e in answers if e["at"] >= own["at"] and e["resource"] == own["resource"]]
            return int(next((e["status"] for e in after if not 300 <= e["status"] < 400), own["status"]))
        return int(own["status"])
