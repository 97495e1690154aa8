"""The page driver against a small app served on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from runner.probes.kit.lab.inside.page_driver import converse, wait

TURNS = [{"text": "hello one", "expect": "nonce-one"}, {"text": "hello two", "expect": "nonce-two"}]
REPLIES = {turn["text"]: turn["expect"] for turn in TURNS}
FORM = (
    '<form action="/say" method="post"><input type="hidden" name="token" value="t">'
    '<textarea name="text"></textarea></form>'
)
Answer = tuple[int, str, str, dict[str, str]]
Route = Callable[["Visit"], Answer]


class Visit:
    """One request, as a route of a test sees it."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("Content-Length") or 0)
        self.body = handler.rfile.read(size).decode()
        self.method, self.path = handler.command, handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}

    @property
    def said(self) -> str:
        """What the visitor typed."""
        if self.headers.get("content-type") == "application/json":
            return str(next(iter(json.loads(self.body).values())))
        return parse_qs(self.body).get("text", [""])[0]


class Site:
    """A server whose every answer one route gives; it remembers the visits."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.route: Route = lambda visit: (404, "text/html", "", {})
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                visit = Visit(self)
                site.visits.append(visit)
                status, kind, body, headers = site.route(visit)
                self.send_response(status)
                for name, value in {"Content-Type": kind, **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://localhost:{self.server.server_port}"

    def posts(self) -> list[Visit]:
        return [visit for visit in self.visits if visit.method == "POST"]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.01,))
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def provider_was_asked(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver runs in the folder of the stub's request counter."""
    monkeypatch.chdir(tmp_path)


def talk(site: Site) -> dict[str, Any]:
    with open("requests", "wb") as marks:

        def counted(visit: Visit, route: Route = site.route) -> Answer:
            if visit.method == "POST":
                marks.write(b".")
                marks.flush()
            return route(visit)

        site.route = counted
        plan = {"base": site.base, "patience_s": 2, "turns": TURNS}
        return converse(plan, time.monotonic() + 20)


def page(body: str, head: str = "") -> Answer:
    return 200, "text/html; charset=utf-8", f"<html><head>{head}</head><body>{body}</body></html>", {}


def test_a_plain_form_with_a_redirect_and_cookies(site: Site) -> None:
    said: list[str] = []

    def route(visit: Visit) -> Answer:
        if visit.method == "GET":
            shown = "".join(f"<p>{REPLIES[text]}</p>" for text in said)
            return (*page(FORM + shown)[:3], {"Set-Cookie": "visitor=1; path=/; HttpOnly"})
        said.append(visit.said)
        return 303, "text/html", "", {"Location": "/", "Set-Cookie": "gone=; max-age=0"}

    site.route = route
    report = talk(site)
    assert report["way"] == "plain"
    assert [(t["seen"], t["by"], t["status"]) for t in report["turns"]] == [("text", "answer", 200)] * 2
    assert [p.said for p in site.posts()] == ["hello one", "hello two"]
    for post in site.posts():
        assert parse_qs(post.body)["token"] == ["t"]
        assert post.headers["cookie"] == "visitor=1"
        assert post.headers["origin"] == site.base
        assert "turbo" not in post.headers["accept"]


def test_turbo_streams_leave_the_page_as_it_is(site: Site) -> None:
    def route(visit: Visit) -> Answer:
        if visit.method == "GET":
            return page(FORM, '<meta name="csrf-token" content="c"><script src="/turbo.js"></script>')
        text = f"<turbo-stream action=append><template>{REPLIES[visit.said]}</template></turbo-stream>"
        return 200, "text/vnd.turbo-stream.html", text, {}

    site.route = route
    report = talk(site)
    assert (report["way"], [t["seen"] for t in report["turns"]]) == ("turbo", ["text", "text"])
    assert [p.headers["x-csrf-token"] for p in site.posts()] == ["c", "c"]
    assert all("text/vnd.turbo-stream.html" in p.headers["accept"] for p in site.posts())


def test_a_form_that_turbo_streams_replace_is_used_next(site: Site) -> None:
    def route(visit: Visit) -> Answer:
        if visit.method == "GET":
            return page(FORM, '<script src="/turbo.js"></script>')
        new = FORM.replace('value="t"', 'value="u"')
        return 200, "text/vnd.turbo-stream.html", f"{new}<p>{REPLIES[visit.said]}</p>", {}

    site.route = route
    talk(site)
    assert [parse_qs(p.body)["token"] for p in site.posts()] == [["t"], ["u"]]


def test_a_reply_that_comes_later_is_looked_for_on_the_page(site: Site) -> None:
    said: list[tuple[float, str]] = []

    def route(visit: Visit) -> Answer:
        if visit.method == "POST":
            said.append((time.monotonic() + 0.4, visit.said))
            return 204, "", "", {}
        return page(FORM + "".join(REPLIES[text] for due, text in said if due < time.monotonic()))

    site.route = route
    assert [(t["seen"], t["by"]) for t in talk(site)["turns"]] == [("text", "page")] * 2


def test_a_refused_way_is_followed_by_the_next_with_a_new_visitor(site: Site) -> None:
    def route(visit: Visit) -> Answer:
        if visit.method == "GET":
            return (*page(FORM, "<turbo-cable-stream-source>")[:3], {"Set-Cookie": f"v={len(site.visits)}"})
        if "turbo" in visit.headers["accept"]:
            return 406, "text/html", "", {}
        return page(FORM + REPLIES[visit.said])

    site.route = route
    report = talk(site)
    assert (report["way"], report["signs"]) == ("plain", ["cable"])
    assert [p.headers["cookie"] for p in site.posts()] == ["v=1", "v=3", "v=3"]


def test_a_script_that_says_where_it_sends(site: Site) -> None:
    script = '<textarea></textarea><script>fetch("/api", {body: JSON.stringify({ question: q })})</script>'

    def route(visit: Visit) -> Answer:
        if visit.method == "GET":
            return page(script)
        return 200, "application/json", json.dumps({"reply": REPLIES[visit.said]}), {}

    site.route = route
    report = talk(site)
    assert (report["way"], report["loose"], report["signs"]) == ("fetch", 1, ["fetch"])
    assert json.loads(site.posts()[0].body) == {"question": "hello one"}


def test_a_reply_in_an_error_page_is_not_shown(site: Site) -> None:
    def route(visit: Visit) -> Answer:
        if visit.method == "GET":
            return page(FORM)
        return 500, "text/html", f"<pre>session: {REPLIES[visit.said]}</pre>", {}

    site.route = route
    (turn,) = talk(site)["turns"]
    assert (turn["seen"], turn["status"], turn["taken"], turn["reached"]) == ("", 500, True, True)


def test_a_reply_that_only_the_source_holds_is_told_from_text(site: Site) -> None:
    def route(visit: Visit) -> Answer:
        if visit.method == "GET":
            return page(FORM)
        return page(FORM + f'<p data-markdown="{REPLIES[visit.said]}"></p>')

    site.route = route
    assert talk(site)["turns"][0]["seen"] == "source"


def test_hostile_addresses_lead_nowhere(site: Site) -> None:
    hostile = (
        '<a href="http://[chat">new chat</a><script src="http://[x"></script><turbo-frame src="http://[">'
    )

    def route(visit: Visit) -> Answer:
        if visit.path == "/":
            return page(hostile + FORM.replace("/say", "https://elsewhere.example/say"))
        return 302, "text/html", "", {"Location": "http://["}

    site.route = route
    report = talk(site)
    assert report["turns"][0] | {"wall_s": 0} == {
        "url": "https://elsewhere.example/say",
        "status": 0,
        "type": "",
        "taken": False,
        "reached": False,
        "seen": "",
        "by": "",
        "wall_s": 0,
        "excerpt": "the form leads to another host",
    }


def test_waiting_ends_with_an_answer_or_three_errors(site: Site) -> None:
    site.route = lambda visit: page("hi") if len(site.visits) > 2 else (503, "text/html", "", {})
    plan = {"base": site.base}
    assert wait(plan, time.monotonic() + 10)["status"] == 200
    site.visits.clear()
    site.route = lambda visit: (500, "text/html", "broken", {})
    assert wait(plan, time.monotonic() + 10)["status"] == 500
    assert len(site.visits) == 3


def test_waiting_for_nobody_ends_with_the_deadline() -> None:
    found = wait({"base": "http://localhost:9"}, time.monotonic() + 0.5)
    assert (found["status"], found["url"]) == (0, "http://localhost:9/")
