"""The wire of OpenAI chat completions, and what providers make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.gateway.wire import Fault, Reply, Tokens, Wire
from runner.gateway.wires.openai_chat import WIRE


def tapped(stream: bytes) -> Reply:
    tap = WIRE.tap()
    tap.feed(stream)
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
    used_up = {"message": "You exceeded your current quota", "type": "x", "code": "insufficient_quota"}
    error = WIRE.plain_reply(json.dumps({"error": used_up}).encode()).error
    assert error == "insufficient_quota: You exceeded your current quota"
    assert WIRE.fault(429, error.encode()) is Fault.NO_CREDIT
    assert tapped(b'data: {"choi\n\n').error == "the provider sent a malformed event"


def test_refusals_are_text() -> None:
    assert plain(content=None, refusal="I cannot.").text == "I cannot."
    event = {"choices": [{"delta": {"content": None, "refusal": "I cannot."}}]}
    assert tapped(f"data: {json.dumps(event)}\n\n".encode()).text == "I cannot."


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_an_output_limit_has_the_name_that_is_in_use(name: str) -> None:
    assert WIRE.output_limit({"model": "m", name: 9}, 5) == {name: 5}
    assert WIRE.output_limit({"model": "gpt-5.1"}, 5) == {"max_completion_tokens": 5}
