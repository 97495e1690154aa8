"""The real browser in its sealed helper: one container for pages of every kind, one browser for all."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator

import pytest

from runner.core.protocols import Sandbox, SandboxBackend, SandboxSpec
from runner.probes.kit.lab.browser import Browser, BrowserError, NoBrowser, open_browser

pytestmark = pytest.mark.docker

SERVER = '''
import http.server, time
PAGES = {
    "/form": """<form role=search><input name=q aria-label="Search messages"></form><div id=log></div>
        <form method=post action=/say><label for=t>Your message</label><textarea id=t name=text></textarea>
        <button>Send</button></form>""",
    "/": "<a href=/imprint>Imprint</a><a href=/form>Start a chat</a>",
    "/live": """<div id=log></div><div id=box contenteditable role=textbox aria-label=Message
        style="width:20em;height:2em"></div><div><button id=go disabled>\\u27a4</button></div><script>
        const box = document.getElementById("box"), log = document.getElementById("log")
        const send = () => { fetch("/say", {method: "POST", body: box.innerText})
          const say = w => log.append("word-" + w + " ")
          "one two three".split(" ").forEach((w, n) => setTimeout(say, 300 * n, w)) }
        box.oninput = () => go.disabled = false
        go.onclick = send
        box.onkeydown = e => { if (e.key === "Enter") { e.preventDefault(); send() } }</script>""",
    "/events": """<textarea></textarea><script>
        new EventSource("/feed").onmessage = e => document.title = e.data
        labRan("page"); alert("hello"); console.error("oops")</script>
        <script src="https://cdn.example/turbo.js"></script><!-- secret-needle -->""",
}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        feed = self.path == "/feed"
        page = PAGES.get(self.path)
        self.send_response(200 if page or feed else 404)
        self.send_header("Content-Type", "text/event-stream" if feed else "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"data: <turbo-stream></turbo-stream>\\n\\n" if feed else (page or "none").encode())
        if feed:
            self.wfile.flush(); time.sleep(3)
    def do_POST(self):
        said = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.send_header("Content-Type", "text/html"); self.end_headers()
        self.wfile.write(b"<p>answer-k1</p><textarea></textarea>" if b"k1" in said else b"?")
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 3000), Handler).serve_forever()
'''


async def serve(sandbox: Sandbox) -> None:
    await sandbox.put({"server.py": SERVER.encode()})
    await sandbox.exec(["python3", "server.py"], timeout_s=200)


@pytest.fixture
async def helper(backend: SandboxBackend, images: dict[str, str]) -> AsyncIterator[Sandbox]:
    async with backend.open(SandboxSpec(image=images["lab"], run="browser", purpose="lab")) as sandbox:
        serving = asyncio.create_task(serve(sandbox))
        yield sandbox
        serving.cancel()
        await asyncio.wait({serving})


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    assert zlib.crc32(png[12:29]) == struct.unpack(">L", png[29:33])[0]
    width, height = struct.unpack(">LL", png[16:24])
    return width, height


async def through_an_entrance(browser: Browser) -> None:
    """A form behind a link; Enter only breaks the line, and the answer is a page of its own."""
    anna = browser.visitor("anna")
    sight = await anna.open("/")
    assert (sight.composer or {})["label"] == "Your message"
    assert not (await anna.send("", by="enter")).by
    sent = await anna.send("What is k1?", key="k1", words=["answer-k1"])
    assert sent.by == "button"
    sight = await anna.look(["answer-k1"], patience_s=5)
    assert "answer-k1" in sight.seen
    assert sight.loads == sent.loads + 1
    assert await anna.status(sent.since, "k1") == 200
    assert size_of(await anna.shot()) == (1280, 800)
    assert size_of(await anna.shot(narrow=True)) == (390, 844)


async def in_place(browser: Browser) -> None:
    """A page that works by scripts alone; its words come one by one."""
    ben = browser.visitor("ben")
    await ben.open("/live")
    words = [f"word-{word}" for word in ("one", "two", "three")]
    for way in ("enter", "button"):
        sent = await ben.send("What is k1?", key="k1", by=way, words=words)
        assert sent.by == way, sent.why
        sight = await ben.look(words, patience_s=5)
        assert sight.loads == sent.loads
    one, two, three = (sight.seen[word] for word in words)
    assert 0.1 < two - one < 1.5
    assert 0.1 < three - two < 1.5
    assert (await ben.reload(words, patience_s=0.2)).seen == {}


async def what_happened(browser: Browser) -> None:
    """Events, a leak, a script that ran, a dialog, an error and a third party, all on one page."""
    clara = browser.visitor("clara", ["secret-needle"])
    await clara.open("/events")
    await asyncio.sleep(0.3)
    report = await clara.report()
    assert [event["mark"] for event in report.of("ran")] == ["page"]
    assert report.of("leak")
    assert [event["text"] for event in report.of("dialog")] == ["hello"]
    assert any("oops" in event["text"] for event in report.of("console"))
    assert [event["turbo"] for event in report.of("message")] == [True]
    foreign = [event for event in report.of("failed") if not event["own"]]
    assert [(event["type"], event["url"]) for event in foreign] == [
        ("script", "https://cdn.example/turbo.js")
    ]


async def test_visitors_of_many_pages(helper: Sandbox) -> None:
    async with open_browser(helper, 3000) as browser:
        await through_an_entrance(browser)
        await in_place(browser)
        await what_happened(browser)
        with pytest.raises(BrowserError, match="there is no step 'fly'"):
            await browser.do({"visitor": "anna", "do": "fly"})
    left = await helper.exec(["sh", "-c", "ps -eo args | grep -c '[c]hromium'"])
    assert left.stdout.strip() == b"0"


async def test_no_browser_in_the_image(backend: SandboxBackend, images: dict[str, str]) -> None:
    async with backend.open(SandboxSpec(image=images["base"], run="browser")) as sandbox:
        with pytest.raises(NoBrowser, match="the helper's image has none"):
            async with open_browser(sandbox, 3000):
                pass
