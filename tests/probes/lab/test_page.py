"""What the page driver reads off a page."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.probes.kit.lab.inside.page import read_page

FORM = '<form action="/messages" method="post">{}<textarea name="content"></textarea></form>'


def composer(markup: str) -> tuple[str, str]:
    found = read_page(markup).composer()
    assert found is not None
    return found[0].action, found[1].name


def test_a_form_sends_what_a_browser_would() -> None:
    page = read_page(
        """<form action="/m" method="post">
             <input type="hidden" name="authenticity_token" value="t&amp;1">
             <input type="checkbox" name="on" checked><input type="checkbox" name="off">
             <input type="radio" name="tone" value="warm">
             <input type="radio" name="tone" value="cool" checked>
             <select name="model"><option>small<option selected>large</select>
             <select name="size"><option value="1">One</option><option value="2">Two</option></select>
             <input name="ignored" disabled><input type="file" name="file">
             <textarea name="text"></textarea>
             <button name="commit" value="send">Send</button>
             <button name="commit" value="draft">Draft</button>
           </form>"""
    )
    found = page.composer()
    assert found is not None
    assert found[0].pairs(found[1], "hello") == [
        ("authenticity_token", "t&1"),
        ("on", "on"),
        ("tone", "cool"),
        ("model", "large"),
        ("size", "1"),
        ("text", "hello"),
        ("commit", "send"),
    ]


@pytest.mark.parametrize(
    "other",
    [
        '<form role="search" action="/search"><input name="q" placeholder="Search messages"></form>',
        '<form action="/session" method="post"><input name="email"><input type="password" name="pw"></form>',
        '<form action="/chats/1" method="post"><input type="hidden" name="_method" value="delete">'
        '<input name="message"></form>',
        '<form action="/chats" method="post"><input name="chat[title]" placeholder="Title"></form>',
        '<form action="/keys" method="post"><input name="api_key" placeholder="Your API key"></form>',
    ],
)
def test_the_composer_is_told_from_other_forms(other: str) -> None:
    assert composer(other + FORM.format("")) == ("/messages", "content")
    assert composer(FORM.format("") + other) == ("/messages", "content")
    if "title" not in other:
        assert read_page(other).composer() is None


def test_labels_tell_what_a_field_is_for() -> None:
    page = """<form action="/a" method="post"><label for="x">First</label><input id="x" name="x"></form>
              <form action="/b" method="post"><label>Ask a question <input name="y"></label></form>"""
    assert composer(page) == ("/b", "y")


def test_a_field_may_stand_outside_of_its_form() -> None:
    page = '<textarea name="prompt" form="f"></textarea><form id="f" action="/p" method="post"></form>'
    assert composer(page) == ("/p", "prompt")


def test_text_is_what_a_reader_sees() -> None:
    page = read_page(
        "<title>no</title><style>no</style><script>no</script><input value=no><textarea>no</textarea>"
        "<p>a &lt;b&gt;</p><turbo-stream><template><i>c</i></template></turbo-stream>"
    )
    assert page.text == "a <b> c"


def test_scripts_frames_and_tokens() -> None:
    page = read_page(
        """<meta name="csrf-token" content="abc"><link rel="modulepreload" href="/b.js">
           <script type="importmap">{"imports": {"x": "/x.js"}}</script><script src="/a.js"></script>
           <script>fetch("/messages")</script><turbo-frame id="log" src="/log"></turbo-frame>
           <div contenteditable></div>"""
    )
    assert (page.csrf, page.frames, len(page.loose)) == ("abc", ["/log"], 1)
    assert page.scripts == ["/b.js", "/x.js", "/a.js"]
    assert page.inline == 'fetch("/messages")'


def test_an_import_map_that_is_none_is_ignored() -> None:
    for broken in ("{", "[]", '{"imports": [1]}', '"x"'):
        assert read_page(f'<script type="importmap">{broken}</script>').scripts == []


TAGS = """<form> </form> <textarea name=m> </textarea> <label for=a> <select> <option> </select> <button>
<a href=x> </a> <script> </script> <script type=importmap> <!-- --> <![ <? </ < & &#x;
<input type=radio> <div"""
PIECES = st.one_of(st.sampled_from(re.findall(r"<[^<]*|&\S*", TAGS)), st.text(max_size=5))


@given(st.lists(PIECES, max_size=40))
def test_any_markup_is_read(pieces: list[str]) -> None:
    page = read_page("".join(pieces))
    for form in page.forms:
        form.pairs()
    page.composer()
