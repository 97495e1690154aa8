"""A page as it stands before a visitor, with what its scripts could do.

Part of the page driver, which runs inside the helper sandbox by plain python3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .page import Field, Form, Page, read_page
from .page_http import Answer, Browser, absolute

PLAIN = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
LIBRARY = re.compile(r"turbo|stimulus|actioncable|rails-ujs|shims|vendor|node_modules", re.I)
# What scripts of the page can do that this driver cannot.
SIGNS = {
    "cable": re.compile(r"turbo-cable-stream-source|createConsumer|subscriptions\.create|new WebSocket\("),
    "events": re.compile(r"new EventSource\(|connectStreamSource"),
    "fetch": re.compile(r"\bfetch\(|XMLHttpRequest|\baxios\b|@rails/request"),
    "markup": re.compile(r"createRoot|innerHTML|createElement|insertAdjacentHTML"),
}


@dataclass
class Scene:
    """The page as it stands before a visitor: where it is, what it holds, what its scripts can do."""

    browser: Browser
    url: str
    answer: Answer
    page: Page
    own_scripts: str = ""
    turbo: bool = False
    signs: list[str] = field(default_factory=list)

    @property
    def composer(self) -> tuple[Form, Field] | None:
        """The form and field to type into."""
        return self.page.composer()


def open_page(browser: Browser, url: str) -> tuple[Answer, Page]:
    """A page with its lazy frames."""
    answer = browser.get(url, PLAIN)
    page = read_page(answer.body)
    for frame in page.frames[:5]:
        if browser.is_own(address := absolute(answer.url, frame)):
            inner = read_page(browser.get(address, PLAIN).body)
            page.forms += inner.forms
            page.text += " " + inner.text
    return answer, page


def open_scene(browser: Browser, url: str) -> Scene:
    """A page with its lazy frames and its scripts."""
    answer, page = open_page(browser, url)
    scene = Scene(browser, answer.url, answer, page)
    _read_scripts(scene)
    return scene


def _read_scripts(scene: Scene) -> None:
    urls = [absolute(scene.url, src) for src in dict.fromkeys(scene.page.scripts)]
    own = [url for url in urls if scene.browser.is_own(url) and not LIBRARY.search(url)]
    bodies = [scene.browser.get(url, "*/*").body for url in own[:12]]
    scene.own_scripts = "\n".join([scene.page.inline, *bodies])
    seen = scene.answer.body + scene.own_scripts
    scene.turbo = bool(
        re.search(r"turbo", " ".join(urls), re.I) or "<turbo-" in seen or "@hotwired/turbo" in seen
    )
    scene.signs = [name for name, sign in SIGNS.items() if sign.search(seen)]
