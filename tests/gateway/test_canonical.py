"""Canonical requests: what may change from run to run, what may not, and how a difference is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.gateway.recording.canonical import EXCERPT, Canon, Canonical, difference

PATH = "chat/completions"


def form(document: Any, path: str = PATH) -> Canonical:
    return Canon().form(path, json.dumps(document).encode())


def said(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **fields}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("built at 2026-01-05T10:11:12.123456Z", "built at 2027-11-25T01:02:03.9Z"),
        ("Mon Jan  5 10:11:12 UTC 2026", "Thu Nov 25 01:02:03 UTC 2027"),
        ("Mon Jan  5 10:11:12 UTC 2026\n2026-01-05", "Thu Nov 25 01:02:03 UTC 2027\n2027-11-25"),
        ("Date: Mon, 05 Jan 2026 10:11:12 GMT", "Date: Thu, 25 Nov 2027 01:02:03 GMT"),
        ("-rw-r--r-- 1 u u 12 Jan  5 10:11 a", "-rw-r--r-- 1 u u 12 Nov 25 01:02 a"),
        ("127.0.0.1 [05/Jan/2026:10:11:12 +0000]", "127.0.0.1 [25/Nov/2027:01:02:03 +0000]"),
        ("Today's date: January 5, 2026", "Today's date: November 25, 2027"),
        ("Today is 2026-01-05.", "Today is 2027-11-25."),
        ("[10:11:12] ready", "[01:02:03.5] ready"),
        ("epoch 1767607872", "epoch 1827189273"),
        ("ms 1767607872123", "ms 1827189273456"),
        ("Finished in 0.123456s, 81.0 runs/s", "Finished in 1.5s, 6.65 runs/s"),
        ("Completed 200 OK in 14ms", "Completed 200 OK in 9ms"),
        ("real\t0m0.003s", "real\t1m2.5s"),
        ("took 3 seconds", "took 12 seconds"),
        ("Run options: --seed 48231", "Run options: --seed 17"),
        ("request 4b0c63f2-1d2e-4f3a-8b5c-6d7e8f901234", "request 00000000-1d2e-4f3a-8b5c-6d7e8f905678"),
        ("see /tmp/tmp.Ab12Cd34Ef/log", "see /tmp/tmp.Zz98Yy76Xx/log"),
        ("see /tmp/tmpab12cd34", "see /tmp/tmpzz98yy76"),
        ("/tmp/d20260105-94-abc123", "/tmp/d20271125-2345-zyx987"),
        ("* PID: 94", "* PID: 12345"),
        ("process 94 started", "process 7 started"),
        ("[1] 94", "[1] 12345"),
        ("[94] Puma starting", "[12345] Puma starting"),
        ("W, [2026-01-05T10:11:12.123456 #94]  WARN", "W, [2027-11-25T01:02:03.654321 #12345]  WARN"),
        ("http://127.0.0.1:41234/", "http://127.0.0.1:55555/"),
        ("#<Thread:0x00007f1a2b3c4d5e run>", "#<Thread:0x0000aaaabbbbcccc run>"),
        ("[main 1a2b3c4] first", "[main 9f8e7d6] first"),
        ("[main (root-commit) 1a2b3c4] first", "[main (root-commit) 9f8e7d6] first"),
        ("1a2b3c4 first\n5d6e7f8 second", "9f8e7d6 first\n0a1b2c3 second"),
        (
            "commit 1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d",
            "commit 0f1e2d3c4b5a69788796a5b4c3d2e1f001122334",
        ),
    ],
)
def test_what_changes_from_run_to_run_does_not_count(one: str, other: str) -> None:
    assert one != other
    assert form(said(one)) == form(said(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("4 examples, 0 failures", "4 examples, 1 failure"),
        ("random 4711", "random 815"),
        ("exit code 0", "exit code 1"),
        ("listening on :3000", "listening on :4000"),
        ("version 3.4.1", "version 3.4.2"),
        ("NameError (uninitialized constant A)", "NameError (uninitialized constant B)"),
        ("app/models/a.rb:12", "app/models/a.rb:13"),
        ("", " "),
        ("3\nseconds", "4\nseconds"),
    ],
)
def test_what_matters_counts(one: str, other: str) -> None:
    assert form(said(one)).key != form(said(other)).key


def test_fields_for_accounting_and_the_order_of_keys_do_not_count() -> None:
    one = {"model": "m", "messages": [], "user": "a", "metadata": {"x": 1}, "prompt_cache_key": "k1"}
    other = {"prompt_cache_key": "k2", "messages": [], "session_id": "s", "model": "m"}
    assert form(one) == form(other)
    assert form(one).key != form({**one, "temperature": 1}).key
    assert form(one).key != form(one, "responses").key


def test_ids_do_not_count_but_which_belongs_to_which_does() -> None:
    def called(first: str, second: str, answered: str) -> dict[str, Any]:
        calls = [{"id": first, "function": {"name": "a"}}, {"id": second, "function": {"name": "a"}}]
        answer = {"role": "tool", "tool_call_id": answered, "content": "x"}
        return {"messages": [{"role": "assistant", "tool_calls": calls}, answer]}

    assert form(called("p", "q", "q")).key == form(called("v", "w", "w")).key
    assert form(called("p", "q", "q")).key != form(called("v", "w", "v")).key


def test_a_field_of_the_users_own_is_no_accounting() -> None:
    one, other = ({"messages": [{"content": {"user": name}}]} for name in ("a", "b"))
    assert form(one).key != form(other).key


@pytest.mark.parametrize("field", ["messages", "input", "contents"])
def test_a_conversation_keeps_its_lane_and_others_have_their_own(field: str) -> None:
    tools = [{"name": "bash"}]
    start = {field: [{"role": "user", "content": "Build it."}], "tools": tools}
    later = {field: [*start[field], {"role": "assistant", "content": "Done."}], "tools": tools}
    title = {field: [{"role": "user", "content": "Build it."}]}
    assistant = {field: [{"role": "user", "content": "Look into it."}], "tools": tools}
    lanes = [form(document).lane for document in (start, later, title, assistant)]
    assert lanes[0] == lanes[1]
    assert len(set(lanes)) == 3


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"[1, 2]", b'"x"', b"[" * 100_000, b'{"messages": ["\\ud800"]}']
)
def test_any_body_has_a_form(body: bytes) -> None:
    assert Canon().form(PATH, body) == Canon().form(PATH, body)


def test_a_body_nested_as_deeply_as_json_allows_has_a_form() -> None:
    body = b'{"messages":' + b"[" * 900 + b"]" * 900 + b"}"
    assert Canon().form(PATH, body).key == Canon().form(PATH, body).key


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(JSON, JSON)
def test_a_difference_is_found_just_where_keys_differ(one: Any, other: Any) -> None:
    forms = form({"x": one}), form({"x": other})
    found = difference(forms[0].document, forms[1].document)
    assert (found is None) == (json.dumps(forms[0].document) == json.dumps(forms[1].document))


def test_a_difference_is_told_with_its_place_and_surroundings() -> None:
    was, now = (form(said("x" * 200 + word + "y" * 200)).document for word in ("was", "now"))
    found = difference(was, now)
    assert found is not None
    where, one, other = found
    assert where == "messages[0].content"
    assert one.startswith("...xx")
    assert "xwasy" in one
    assert "xnowy" in other
    assert len(one) <= EXCERPT + 6


def test_what_is_only_in_one_is_told() -> None:
    was, now = form(said("a")).document, form(said("a", temperature=1)).document
    assert difference(was, now) == ("temperature", "(nothing)", "1")
    longer = form({"model": "m", "messages": [*said("a")["messages"], {"role": "tool"}]}).document
    assert difference(was, longer) == ("messages[1]", "(nothing)", '{"role": "tool"}')
    assert difference("was", {"a": 1}) == ("the whole request", "was", '{"a": 1}')
