"""The wire of OpenAI chat completions, and what providers make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.gateway.sse import KEPT_CHARACTERS, LINE_BYTES
from runner.gateway.wire import Fault, Reply, RequestSummary, Tokens, ToolCall, Wire
from runner.gateway.wires.openai_chat import WIRE

ASKED = RequestSummary(model="m", stream=True, max_output_tokens=None, messages=1, turn=3)


def tapped(stream: bytes, cuts: list[int] | None = None) -> Reply:
    tap, start = WIRE.tap(), 0
    for end in [*sorted(cuts or []), len(stream)]:
        tap.feed(stream[start:end])
        start = max(start, end)
    return tap.reply()


def plain(**message: Any) -> Reply:
    return WIRE.plain_reply(json.dumps({"choices": [{"message": message}]}).encode())


def tokens(usage: object) -> Tokens | None:
    return WIRE.plain_reply(
        json.dumps({"choices": [{"message": {"content": ""}}], "usage": usage}).encode()
    ).tokens


def test_it_is_a_wire() -> None:
    wire: Wire = WIRE
    assert wire.serves("/v1/chat/completions")
    assert not wire.serves("/v1/completions")
    assert wire.upstream_path("/v1/chat/completions") == "chat/completions"


texts = st.text(st.characters(codec="utf-8"), max_size=300)


@given(
    texts,
    st.lists(st.tuples(texts, texts), max_size=3),
    st.lists(st.integers(0, 3000), max_size=20),
)
def test_what_is_rendered_is_read_back_however_it_is_cut(
    text: str, calls: list[tuple[str, str]], cuts: list[int]
) -> None:
    named = tuple(ToolCall(f"c{i}", name, args) for i, (name, args) in enumerate(calls))
    turn = Reply(text=text, tool_calls=named, tokens=Tokens(5, 2, 3, reasoning=1))
    stream = b"".join(WIRE.render(turn, ASKED))
    assert tapped(stream, cuts) == turn
    [whole] = WIRE.render(turn, RequestSummary("m", False, None, 1, 3))
    assert WIRE.plain_reply(whole) == turn


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_nonsense_never_raises(noise: bytes, cuts: list[int]) -> None:
    tapped(b"data: " + noise + b"\n\ndata:" + noise + b"\n", cuts)
    WIRE.plain_reply(noise)
    WIRE.fault(400, noise)


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "message", "tool_calls", "function", "usage", "error", "index"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(odd)
def test_odd_documents_never_raise(document: object) -> None:
    body = json.dumps(document).encode()
    reply = WIRE.plain_reply(body)
    assert isinstance(reply.text, str)
    assert isinstance(tapped(b"data: " + body + b"\n\n").text, str)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}, Tokens(10, 0, 2)),
        ({"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": None}, Tokens(10, 0, 2)),
        (
            {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}},
            Tokens(10, 4, 2),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 2, "prompt_cache_hit_tokens": 6}, Tokens(10, 6, 2)),
        ({"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 40}, Tokens(10, 0, 30)),
        ({"prompt_tokens": 10}, None),
        ({"prompt_tokens": "10", "completion_tokens": -1}, None),
        (None, None),
    ],
    ids=["plain", "null details", "cached", "deepseek", "gemini thinking", "half", "wrong types", "none"],
)
def test_usage_as_providers_report_it(usage: object, expected: Tokens | None) -> None:
    assert tokens(usage) == expected


def test_reasoning_is_kept_apart_from_the_text() -> None:
    assert plain(content="a", reasoning_content="b").reasoning == "b"
    assert plain(content="a", reasoning="c") == Reply(text="a", reasoning="c", tokens=None)


def test_calls_without_an_index_are_told_apart_by_their_ids() -> None:
    call = '{"id":"%s","function":{"name":"bash","arguments":"{}"}}'
    events = "".join(
        f'data: {{"choices":[{{"delta":{{"tool_calls":[{call % name}]}}}}]}}\n\n' for name in ("a", "b")
    )
    assert [c.id for c in tapped(events.encode()).tool_calls] == ["a", "b"]


def test_completeness_is_a_finish_reason_or_done() -> None:
    assert not tapped(b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n').complete
    assert tapped(b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n').complete
    assert tapped(b"data:[DONE]\n").complete


def test_errors_inside_a_stream_are_kept() -> None:
    assert tapped(b'data: {"error":{"message":"overloaded"}}\n\ndata: [DONE]\n\n').error == "overloaded"
    assert tapped(b'data: {"choi\n\n').error == "the provider sent a malformed event"


def test_the_end_of_a_broken_stream_is_an_error_and_a_finish() -> None:
    reply = tapped(b'data: {"choices":[{"delta":{"conte' + WIRE.broken_stream("cut"))
    assert (reply.complete, reply.error) == (True, "cut")


def test_the_tap_keeps_a_bounded_amount() -> None:
    tap = WIRE.tap()
    event = json.dumps({"choices": [{"delta": {"content": "x" * 1_000_000}}]}).encode()
    for _ in range(10):
        tap.feed(b"data: " + event + b"\n\n")
    assert len(tap.reply().text) == KEPT_CHARACTERS
    tap.feed(b"data: " + b"y" * (LINE_BYTES + 1))
    tap.feed(b"\n\ndata: [DONE]\n\n")
    assert tap.reply().complete


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (400, b"This model's maximum context length is 8192 tokens", Fault.CONTEXT_OVERFLOW),
        (400, b'{"error":{"code":"context_length_exceeded"}}', Fault.CONTEXT_OVERFLOW),
        (400, b"Your credit balance is too low", Fault.NO_CREDIT),
        (400, b"temperature is not supported", Fault.REQUEST_REFUSED),
        (418, b"", Fault.REQUEST_REFUSED),
        (408, b"", Fault.PROVIDER_UNAVAILABLE),
        (503, b"", Fault.PROVIDER_UNAVAILABLE),
    ],
)
def test_faults_by_status_and_text(status: int, body: bytes, fault: Fault) -> None:
    assert WIRE.fault(status, body) is fault
