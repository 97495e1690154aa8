"""What an app may send to the page driver and to the real browser: neither hangs, fills up nor is led away.

One sealed container serves it all, a port or a path for each kind.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from runner.core.protocols import Sandbox, SandboxBackend, SandboxSpec
from runner.probes.kit.lab.browser import BrowserError, open_browser
from runner.sandbox.lease import OWNER, Lease

pytestmark = pytest.mark.docker
INSIDE = Path(__file__).parents[2] / "runner/probes/kit/lab/inside"
OK = "HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\n"
# What each port sends: (once, then again and again, with pauses of so many seconds).
RAW = {
    4001: (OK, "X-Filler: " + "a" * 200 + "\\r\\n", 0),  # headers without end
    4002: (OK + "\\r\\n<textarea></textarea>", "<p>more</p>" * 6000, 0),  # a page without end
    4003: (OK + "Transfer-Encoding: chunked\\r\\n\\r\\n", "1\\r\\na\\r\\n", 0.2),  # a byte at a time
    4004: ("HTTP/1.1 302 Found\\r\\nLocation: /\\r\\nContent-Length: 0\\r\\n\\r\\n", "", 0),
    4005: ("HTTP/1.1 302 Found\\r\\nLocation: http://[bad\\r\\nContent-Length: 0\\r\\n\\r\\n", "", 0),
    4006: ("\\0\\xff" * 5000, "", 0),  # no HTTP at all
    4007: ("", "", 60),  # nothing, ever
    4008: (OK + "Content-Length: 99999999999\\r\\n\\r\\nshort", "", 0),
    4009: (OK + "Content-Encoding: gzip\\r\\nContent-Length: 3\\r\\n\\r\\nabc", "", 0),
    4010: ("HTTP/1.1 200 " + "a" * 70000 + "\\r\\n\\r\\n", "", 0),
    4011: (OK + "Set-Cookie: a=" + "b" * 5000 + "\\r\\nContent-Length: 2\\r\\n\\r\\nok", "", 0),
}
SERVER = (
    "RAW = "
    + repr(RAW)
    + r"""
import http.server, socket, threading, time
def serve(port, once, again, pause):
    listening = socket.create_server(("127.0.0.1", port))
    while True:
        threading.Thread(target=answer, args=(listening.accept()[0], once, again, pause), daemon=True).start()
def answer(connection, once, again, pause):
    try:
        connection.recv(65536)
        connection.sendall(once.replace("\\r\\n", "\r\n").encode("latin-1"))
        while again or pause:
            time.sleep(pause)
            connection.sendall(again.replace("\\r\\n", "\r\n").encode("latin-1"))
    except OSError:
        pass
    finally:
        connection.close()
for port, told in RAW.items():
    threading.Thread(target=serve, args=(port, *told), daemon=True).start()
COMPOSER = "<form method=post action=/say><textarea name=t></textarea><button>Send</button></form>"
SCRIPTS = {
    "/loop": "setTimeout(() => { while (true) {} }, 50)",
    "/dialogs": "setInterval(() => { alert('a'); confirm('b'); prompt('c') }, 1)",
    "/leaving": "onbeforeunload = e => { e.preventDefault(); return e.returnValue = 'stay' }",
    "/popups": "setInterval(() => { open('/popups'); open('file:///etc/passwd') }, 20)",
    "/downloads": "setInterval(() => location = '/file', 20)",
    "/away": "setTimeout(() => location = 'http://169.254.169.254/latest', 50)",
    "/sockets": "setInterval(() => new WebSocket('ws://localhost:4002/'), 5)",
}
PAGES = {path: f"<script>{script}</script>" + COMPOSER for path, script in SCRIPTS.items()}
PAGES |= {
    "/refresh": "<meta http-equiv=refresh content='0;url=/refresh'>" + COMPOSER,
    "/deep": "<div>" * 5000 + COMPOSER,
}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if self.path == "/file":
            self.send_header("Content-Disposition", "attachment; filename=../../x")
        self.end_headers()
        self.wfile.write(PAGES.get(self.path, "hello").encode())
    do_POST = do_GET
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 3000), Handler).serve_forever()
"""
)
PAGES = ("/dialogs", "/leaving", "/popups", "/downloads", "/refresh", "/away", "/sockets", "/deep")


@pytest.fixture
async def helper(backend: SandboxBackend, images: dict[str, str]) -> AsyncIterator[Sandbox]:
    async with backend.open(SandboxSpec(image=images["lab"], run="pages", purpose="lab")) as sandbox:
        files = {f"inside/{path.name}": path.read_bytes() for path in INSIDE.glob("*.py")}
        await sandbox.put({**files, "server.py": SERVER.encode()})
        serving = asyncio.create_task(sandbox.exec(["python3", "server.py"], timeout_s=300))
        yield sandbox
        serving.cancel()
        await asyncio.wait({serving})


async def waited(helper: Sandbox, port: int) -> dict[str, Any]:
    """What the page driver says of a port's root page."""
    plan = {"do": "wait", "base": f"http://localhost:{port}", "patience_s": 3}
    argv = ["python3", "-m", "inside.page_driver"]
    done = await helper.exec(argv, stdin=json.dumps(plan).encode(), timeout_s=60)
    assert done.ok, done.stderr[-500:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def test_nothing_that_an_app_sends_holds_anybody_up(
    helper: Sandbox, engine: APIClient, lease: Lease
) -> None:
    seen = dict(zip(RAW, await asyncio.gather(*(waited(helper, port) for port in RAW)), strict=True))
    assert {port: found["status"] for port, found in seen.items()} == {
        **dict.fromkeys((4001, 4006, 4007, 4010), 0),
        **dict.fromkeys((4004, 4005), 302),
        **dict.fromkeys((4002, 4003, 4008, 4009, 4011), 200),
    }
    assert max(len(json.dumps(found)) for found in seen.values()) < 3_000_000
    async with open_browser(helper, 3000) as browser:
        for path in PAGES:
            visitor = browser.visitor(path)
            sight = await asyncio.wait_for(visitor.open(path), 60)
            report = await asyncio.wait_for(visitor.report(), 60)
            assert "root:" not in sight.text
            assert len(report.events) < 20_000
        assert (await browser.visitor("other").open("/")).text == "hello"
        with suppress(TimeoutError, BrowserError):  # a page that computes without end is given up
            await asyncio.wait_for(browser.visitor("last").open("/loop"), 4)
    (only,) = engine.containers(all=True, filters={"label": f"{OWNER}={lease.owner}"})
    assert only["Id"] == helper.id
