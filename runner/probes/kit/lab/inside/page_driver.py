"""Uses the app as a visitor without scripts would: runs inside the helper sandbox by plain python3.

Standard input is a plan, standard output one JSON document about what was seen. The plans:

    {"do": "wait", "base": URL, "patience_s": 60}          until the root page answers
    {"do": "converse", "base": URL, "patience_s": 10, "turns": [{"text": ..., "expect": ...}]}

`converse` types each text into the page's composer and looks for what is expected, all as one visitor; for
a reply that is not asked for it does not wait long. The provider stub counts its requests in `requests`.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .page import Field, Form, read_page
from .page_http import Answer, Browser, absolute
from .scene import PLAIN, Scene, open_page, open_scene
from .slowness import slowness

TURBO = "text/vnd.turbo-stream.html, text/html, application/xhtml+xml"
ENTRANCE = re.compile(r"new|start|begin|chat|conversation|message|talk")
FETCHED = re.compile(r"""\bfetch\(\s*["'`](/[^"'`$]*)|data-[\w-]{0,60}url(?:-value)?=["'](/[^"']*)""")
KEYS = re.compile(r"JSON\.stringify\(\s*\{\s*(\w+)\s*[:,}]")
POLLS_S = (0.2, 0.3, 0.5, 1, 1, 1, 1, 1, 2, 2)
UNASKED_S = 3.5
MARKS = Path("requests")

Json = dict[str, Any]


def settled(browser: Browser) -> Answer:
    """The root page, asked for until it answers below 500 or has failed three times in a row."""
    failures = 0
    while True:
        answer = browser.get(absolute(browser.base, "/"), PLAIN)
        failures = failures + 1 if answer.status >= 500 else 0
        if 0 < answer.status < 500 or failures == 3 or browser.left(1) == 0:
            return answer
        time.sleep(1 if failures else 0.1)


def entered(scene: Scene) -> Scene:
    """The scene itself, or the page behind its entrance when only that one has a composer."""
    if scene.composer or scene.answer.status >= 400:
        return scene
    for href, words in scene.page.links[:20]:
        address = absolute(scene.url, href)
        if ENTRANCE.search(words) and scene.browser.is_own(address):
            inner = open_scene(scene.browser, address)
            if inner.composer:
                return inner
    for form in scene.page.forms:
        words = form.hints + " ".join(f.hints + f.value.lower() for f in form.fields)
        deletes = any(f.name == "_method" and f.value == "delete" for f in form.fields)
        if form.method == "post" and ENTRANCE.search(words) and not deletes:
            answer = _submit(scene, form, None, "", "plain")
            inner = open_scene(scene.browser, answer.url)
            if inner.composer:
                return inner
    return scene


def ways(scene: Scene) -> list[str]:
    """How a message may be sent, the most faithful way first."""
    composer = scene.composer
    scripted = ["fetch"] if "fetch" in scene.signs else []
    if composer is None:
        return scripted if scene.page.loose else []
    form = composer[0]
    if not form.turbo:
        return ["plain", *scripted]
    submitted = ["turbo", "plain"] if scene.turbo else ["plain", "turbo"]
    return [*scripted, *submitted] if form.method == "get" else [*submitted, *scripted]


def _submit(scene: Scene, form: Form, typed: Field | None, text: str, way: str) -> Answer:
    """Send a form as the browser (`plain`) or Turbo would."""
    address = absolute(scene.url, form.action or scene.url)
    if not scene.browser.is_own(address):
        return Answer(address, 0, "", "the form leads to another host")
    pairs = form.pairs(typed, text)
    headers = {"Accept": TURBO if way == "turbo" else PLAIN, "Referer": scene.url}
    if form.method == "get":
        return scene.browser.send("GET", address.partition("?")[0] + "?" + urlencode(pairs), headers)
    headers["Origin"] = scene.browser.base
    if way == "turbo" and scene.page.csrf:
        headers["X-CSRF-Token"] = scene.page.csrf
    headers["Content-Type"], body = _encoded(form, pairs)
    return scene.browser.send("POST", address, headers, body)


def _encoded(form: Form, pairs: list[tuple[str, str]]) -> tuple[str, bytes]:
    if form.enctype != "multipart/form-data":
        return "application/x-www-form-urlencoded", urlencode(pairs).encode()
    boundary = "----lab7MA4YWxkTrZu0gW"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in pairs
    ]
    return f"multipart/form-data; boundary={boundary}", ("".join(parts) + f"--{boundary}--\r\n").encode()


def _fetches(scene: Scene, text: str) -> Iterator[Answer]:
    """What the page's own scripts might send, as far as they say so plainly."""
    source = scene.answer.body + scene.own_scripts
    found = [a or b for a, b in FETCHED.findall(source)]
    composer = scene.composer
    if composer and composer[0].action not in ("", "#"):
        found.append(composer[0].action)
    keys = [k for k in KEYS.findall(source) if k not in ("id", "method")] or ["message", "content"]
    headers = {
        "Accept": "application/json, text/vnd.turbo-stream.html, text/html",
        "Content-Type": "application/json",
        "Origin": scene.browser.base,
        "Referer": scene.url,
        "X-CSRF-Token": scene.page.csrf,
    }
    for path in list(dict.fromkeys(found))[:3]:
        for key in list(dict.fromkeys(keys))[:2]:
            body = json.dumps({key: text}).encode()
            yield scene.browser.send("POST", absolute(scene.url, path), headers, body)


def send_text(scene: Scene, text: str, way: str) -> Answer:
    """Send one message; for `fetch` the first address that takes it."""
    composer = scene.composer
    if way != "fetch":
        assert composer is not None
        return _submit(scene, *composer, text, way)
    answer = Answer(scene.url, 0, "", "no address to send to was found in the scripts")
    for answer in _fetches(scene, text):
        if 0 < answer.status < 400:
            break
    return answer


def seen_in(answer: Answer, expect: str, scripted: bool) -> str:
    """Where an answer shows what is expected: `text` (a reader sees it), `source` or nowhere."""
    if not 0 < answer.status < 400 or expect not in answer.body:
        return ""
    if answer.type in ("text/html", "text/vnd.turbo-stream.html", "application/xhtml+xml"):
        return "text" if expect in read_page(answer.body).text else "source"
    return "text" if scripted or answer.type == "text/plain" else "source"


def take_turn(scene: Scene, turn: Json, way: str, patience_s: float) -> tuple[Json, Scene]:
    """Send one message and look for the reply: in the answer, then on the page opened anew."""
    started, asked = time.monotonic(), requests_so_far()
    answer = send_text(scene, turn["text"], way)
    seen = seen_in(answer, turn["expect"], way == "fetch" or "fetch" in scene.signs)
    by = "answer" if seen else ""
    following = _following(scene, answer, way)
    if seen != "text" and 0 < answer.status < 400 and _appears(following, turn["expect"], asked, patience_s):
        seen, by = "text", "page"
    report = {
        "url": answer.url,
        "status": answer.status,
        "type": answer.type,
        "taken": 0 < answer.status < 400 or (answer.status >= 500 and way != "fetch"),
        "reached": requests_so_far() > asked,
        "seen": seen,
        "by": by,
        "wall_s": round(time.monotonic() - started, 3),
        "excerpt": (read_page(answer.body).text if answer.status else answer.body)[:400],
    }
    return report, following


def requests_so_far() -> int:
    """How many requests the provider stub got."""
    return MARKS.stat().st_size if MARKS.exists() else 0


def _appears(scene: Scene, expect: str, asked: int, patience_s: float) -> bool:
    """Whether the page shows it in time, as after a job; the provider must be asked in a few seconds."""
    started = time.monotonic()
    for pause in POLLS_S:
        waited = (time.monotonic() - started) / slowness()
        if waited > patience_s or (waited > UNASKED_S and requests_so_far() == asked):
            return False
        time.sleep(scene.browser.left(pause))
        if expect in open_page(scene.browser, scene.url)[1].text:
            return True
    return False


def _following(scene: Scene, answer: Answer, way: str) -> Scene:
    """What stands before the visitor after an answer: a new page, or the old one with a new form."""
    if not 0 < answer.status < 400 or way == "fetch":
        return scene
    page = read_page(answer.body)
    if answer.type == "text/vnd.turbo-stream.html":
        if page.composer() is not None:
            scene.page.forms = page.forms
        return scene
    if page.composer() is None:
        return scene
    page.csrf = page.csrf or scene.page.csrf
    return Scene(scene.browser, answer.url, answer, page, scene.own_scripts, scene.turbo, scene.signs)


def converse(plan: Json, deadline: float) -> Json:
    """Hold the conversation, each way of sending with a visitor of its own, until one is accepted."""
    report: Json = {"turns": [], "way": "", "composer": None}
    scene = entered(open_scene(Browser(plan["base"], deadline), absolute(plan["base"], "/")))
    report |= {"page": {"url": scene.url, "status": scene.answer.status}, "signs": scene.signs}
    report["turbo"], report["loose"] = scene.turbo, len(scene.page.loose)
    if scene.composer:
        form, typed = scene.composer
        report["composer"] = {"action": form.action, "method": form.method, "field": typed.name}
    for place, way in enumerate(ways(scene)):
        if place:
            scene = entered(open_scene(Browser(plan["base"], deadline), absolute(plan["base"], "/")))
        if way not in ways(scene):  # the app has died of the first try
            break
        turns = _turns(scene, plan, way)
        if not report["turns"] or turns[0]["seen"] or not report["turns"][0]["taken"]:
            report |= {"turns": turns, "way": way}
        if _is_settled(turns[0], report["signs"]):
            break
    return report


def _is_settled(turn: Json, signs: list[str]) -> bool:
    """Whether a first turn leaves nothing to try: a script could only have sent the same."""
    answered = turn["status"] >= 500 or turn["type"] == "application/json" or turn["reached"]
    return bool(turn["seen"] or (turn["taken"] and (answered or "fetch" not in signs)))


def _turns(scene: Scene, plan: Json, way: str) -> list[Json]:
    turns: list[Json] = []
    for turn in plan["turns"]:
        told, scene = take_turn(scene, turn, way, plan["patience_s"])
        turns.append(told)
        if not told["taken"] or told["status"] >= 500 or not told["reached"]:
            break
    return turns


def wait(plan: Json, deadline: float) -> Json:
    """The settled root page."""
    answer = settled(Browser(plan["base"], deadline))
    page = read_page(answer.body)
    found = {"url": answer.url, "status": answer.status, "type": answer.type, "location": answer.location}
    return {**found, "text": page.text[:2000], "source": answer.body[:20000]}


def main() -> None:
    """Carry out the plan."""
    plan = json.load(sys.stdin)
    allowed_s = plan["patience_s"] if plan["do"] == "wait" else 90 * slowness()
    report = {"wait": wait, "converse": converse}[plan["do"]](plan, time.monotonic() + allowed_s)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
