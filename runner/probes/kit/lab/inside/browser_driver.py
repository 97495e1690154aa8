"""A real browser that is used step by step: runs inside the lab's helper sandbox by its image's own Python.

Argument: the app's address. Standard input and output are JSON lines, a step and its outcome, one at a time:

    {"n": 1, "visitor": "anna", "do": "open", "path": "/"}
    {"n": 1, "url": ..., "text": ..., "composer": ...}

`do` is a step of browser_visitor.Visitor (open, reload, send, look, shot, report, status), or `leave`, or
`again`: to come back to a path over connections of one's own, with the cookies and storage one had. A
visitor that is not known yet arrives, with `needles` that nothing sent to the page may hold. A step that
failed has an `error`. The first line out is {"ready": true, "browser": version}.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from .browser_visitor import Visitor
from .slowness import slowness

CHROMIUM = "/usr/bin/chromium-headless-shell"
# No sandbox of its own: the container is one, and takes away what Chromium's would need.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)
STEPS = ("open", "reload", "send", "look", "shot", "report", "status")
STEP_S = 45.0

Json = dict[str, Any]


class Driver:
    """The visitors of one app."""

    def __init__(self, browser: Any, base: str) -> None:
        self._browser = browser
        self._base = base
        self._script = Path(__file__).with_name("browser_page.js").read_text()
        self._visitors: dict[str, Visitor] = {}

    async def do(self, step: Json) -> Json:
        """Carry out one step; what goes wrong is its outcome."""
        try:
            return await asyncio.wait_for(self._do(step), (step.get("patience_s", 0) + STEP_S) * slowness())
        except TimeoutError:
            return {"error": "the page does not answer"}
        except Exception as error:
            return {
                "error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:500]
            }

    async def _do(self, step: Json) -> Json:
        name, act = step["visitor"], step["do"]
        if act == "leave":
            await self._visitors.pop(name).leave()
            return {}
        if act == "again":
            before = self._visitors[name]
            kept = await before.kept()
            needles = step.get("needles", ())
            self._visitors[name] = await Visitor.arrive(
                self._browser, self._base, self._script, needles, kept
            )
            await before.leave()
            return dict(await self._visitors[name].open(step))
        if act not in STEPS:
            return {"error": f"there is no step {act!r}"}
        if name not in self._visitors:
            needles = step.get("needles", ())
            arrived = await Visitor.arrive(self._browser, self._base, self._script, needles)
            self._visitors[name] = arrived
        visitor = self._visitors[name]
        if act in ("open", "reload", "send"):
            visitor.records.add("step", do=act, text=str(step.get("text", ""))[:200], by=step.get("by", ""))
        outcome: Json = await getattr(visitor, act)(step)
        return outcome


async def main(base: str) -> None:
    """Serve steps until the input ends."""
    loop = asyncio.get_running_loop()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        say({"ready": True, "browser": browser.version})
        driver = Driver(browser, base)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            step = json.loads(line)
            say({"n": step["n"], **await driver.do(step)})
        await browser.close()


def say(document: Json) -> None:
    """One line out, whole."""
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
