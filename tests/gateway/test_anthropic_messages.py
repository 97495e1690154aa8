"""The wire of Anthropic messages: caches, thinking, errors inside a stream, and other hosts' habits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wire_samples import named

from runner.gateway.wire import Reply, RequestSummary, Tokens, ToolCall, Wire
from runner.gateway.wires.anthropic_messages import WIRE

ASKED = RequestSummary(model="m", stream=True, max_output_tokens=None, messages=1, turn=3)


def streamed(*events: dict[str, Any]) -> Reply:
    tap = WIRE.tap()
    tap.feed(named(*events).encode())
    return tap.reply()


def plain(**fields: Any) -> Reply:
    return WIRE.plain_reply(json.dumps({"type": "message", "content": [], **fields}).encode())


def start(usage: object) -> dict[str, Any]:
    return {"type": "message_start", "message": {"type": "message", "usage": usage}}


def end(usage: object) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}


def test_it_is_a_wire() -> None:
    wire: Wire = WIRE
    assert wire.stop_status == 403
    assert wire.upstream_path("/v1/messages?beta=true") == "messages?beta=true"
    assert json.loads(wire.error(403, "budget", "no")) == {
        "type": "error",
        "error": {"type": "permission_error", "message": "no"},
    }
    assert json.loads(wire.error(529, "x", ""))["error"]["type"] == "overloaded_error"
    assert json.loads(wire.error(502, "x", ""))["error"]["type"] == "api_error"


@pytest.mark.parametrize(
    ("base_url", "names"),
    [
        ("https://api.anthropic.com/v1", {"x-api-key"}),
        ("https://openrouter.ai/api/v1", {"x-api-key", "Authorization"}),
        ("https://api.anthropic.com.example/v1", {"x-api-key", "Authorization"}),
        ("http://127.0.0.1:11434/v1", {"x-api-key", "Authorization"}),
    ],
)
def test_the_host_decides_how_the_key_is_carried(base_url: str, names: set[str]) -> None:
    assert WIRE.authorization("k", base_url).keys() == names


def test_the_token_is_in_either_header() -> None:
    assert WIRE.token({"x-api-key": "t"}, {}) == "t"
    assert WIRE.token({"Authorization": "Bearer t"}, {}) == "t"
    assert WIRE.token({"Authorization": "Basic t"}, {"key": "t"}) is None


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ({"input_tokens": 10, "output_tokens": 1}, {"output_tokens": 5}, Tokens(10, 0, 5)),
        (
            {"input_tokens": 10, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 30},
            {"output_tokens": 5},
            Tokens(60, 30, 5, cache_write=20),
        ),
        (
            {"input_tokens": 10, "cache_read_input_tokens": 30},
            {"input_tokens": 12, "cache_read_input_tokens": 30, "output_tokens": 5},
            Tokens(42, 30, 5),
        ),
        ({"input_tokens": 0, "output_tokens": 0}, {"input_tokens": 9, "output_tokens": 5}, Tokens(9, 0, 5)),
        ({"input_tokens": 9, "cache_read_input_tokens": None}, {"output_tokens": 5}, Tokens(9, 0, 5)),
        ({"input_tokens": 9}, {"output_tokens": 5, "cost": 0.5}, Tokens(9, 0, 5, cost_usd=0.5)),
        (
            {"input_tokens": 9},
            {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 3}},
            Tokens(9, 0, 5, reasoning=3),
        ),
        ({"input_tokens": 10, "output_tokens": 4}, None, None),
        (None, {"output_tokens": 5}, None),
        (None, None, None),
        ({"input_tokens": "9"}, {"output_tokens": -5}, None),
    ],
    ids=[
        "plain",
        "cache",
        "repeated",
        "late",
        "null",
        "cost",
        "thinking",
        "no end",
        "no start",
        "none",
        "wrong types",
    ],
)
def test_usage_is_cumulative_and_the_last_of_each_counts(
    first: object, last: object, expected: Tokens | None
) -> None:
    assert streamed(start(first), end(last)).tokens == expected


def test_several_message_deltas_are_not_added_up() -> None:
    first = start({"input_tokens": 3})
    assert streamed(first, end({"output_tokens": 5}), end({"output_tokens": 8})).tokens == Tokens(3, 0, 8)


def test_plain_usage_includes_the_cache() -> None:
    usage = {"input_tokens": 1, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 4}
    assert plain(usage={**usage, "output_tokens": 8}).tokens == Tokens(7, 4, 8, cache_write=2)
    assert plain(usage=usage).tokens is None
    assert plain(usage=None).tokens is None


def block(index: int, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": fields}


def test_a_call_without_deltas_has_the_input_it_began_with() -> None:
    call = block(0, type="tool_use", id="a", name="bash", input={"command": "ls"})
    assert streamed(call).tool_calls == (ToolCall("a", "bash", '{"command": "ls"}'),)
    empty = block(0, type="tool_use", id="a", name="bash", input={})
    assert streamed(empty).tool_calls == (ToolCall("a", "bash", "{}"),)


def test_what_the_provider_runs_itself_is_no_call() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    text = {"type": "text", "text": "found"}
    assert plain(content=[search, result, text]) == Reply("found")
    delta = {"type": "content_block_delta", "index": 0}
    growing = {**delta, "delta": {"type": "input_json_delta", "partial_json": "{}"}}
    assert streamed(block(0, **search), growing).tool_calls == ()


def test_hidden_thinking_and_refusals_do_no_harm() -> None:
    hidden = {"type": "redacted_thinking", "data": "EmwKAhgB"}
    assert plain(content=[hidden, None, "x"], stop_reason="refusal") == Reply()


def test_an_overload_inside_a_stream_of_status_200_is_an_error_and_no_finish() -> None:
    overload = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    reply = streamed(start({"input_tokens": 10, "output_tokens": 1}), {"type": "ping"}, overload)
    assert (reply.error, reply.complete, reply.tokens) == ("overloaded_error: Overloaded", False, None)
    assert WIRE.plain_reply(json.dumps(overload).encode()).error == "overloaded_error: Overloaded"


def test_only_message_stop_finishes_a_stream() -> None:
    assert not streamed(start({}), end({"output_tokens": 1})).complete
    assert streamed({"type": "message_stop"}).complete


def summary(**fields: Any) -> RequestSummary:
    return WIRE.summary("/v1/messages", {"model": "m", "messages": [], **fields})


def test_a_request_is_summed_up() -> None:
    def result(name: str, text: str) -> dict[str, Any]:
        return {"type": "tool_result", "tool_use_id": name, "content": text}

    def user(*blocks: dict[str, Any]) -> dict[str, Any]:
        return {"role": "user", "content": list(blocks)}

    said = {"role": "assistant", "content": [{"type": "text", "text": "a"}]}
    reminder = {"type": "text", "text": "a reminder"}
    messages = [user(reminder), said, user(result("a", "1"), result("b", "2")), said]
    tools = [{"name": "Bash"}, {"type": "web_search_20250305", "name": "web_search"}, None]
    told = summary(messages=[*messages, user(result("c", "3"), reminder)], tools=tools, max_tokens=9)
    assert (told.turn, told.tools, told.max_output_tokens) == (3, ("Bash", "web_search", ""), 9)
    marked = {**result("d", "3"), "cache_control": {"type": "ephemeral"}}
    assert told.result == summary(messages=[user(marked)]).result != ""
    assert told.result != summary(messages=[user(result("c", "4"))]).result
    assert summary(messages=[*messages, user(reminder)]).result == ""
    assert summary(messages=messages).turn == 2
    for document in ({"model": "m"}, {"messages": []}, {"model": 1, "messages": []}):
        with pytest.raises(ValueError, match="needs `model` and `messages`"):
            WIRE.summary("/v1/messages", document)


@pytest.mark.parametrize(
    ("thinking", "tokens", "expected"),
    [
        (None, 100, {"max_tokens": 100}),
        ({"type": "adaptive"}, 100, {"max_tokens": 100}),
        ({"type": "enabled", "budget_tokens": 2000}, 3000, {"max_tokens": 3000}),
        (
            {"type": "enabled", "budget_tokens": 4000},
            3000,
            {"max_tokens": 3000, "thinking": {"type": "enabled", "budget_tokens": 2999}},
        ),
        (
            {"type": "enabled", "budget_tokens": 4000},
            1000,
            {"max_tokens": 1000, "thinking": {"type": "disabled"}},
        ),
    ],
)
def test_a_limit_leaves_a_request_that_the_api_takes(
    thinking: object, tokens: int, expected: dict[str, Any]
) -> None:
    """It refuses a thinking budget that is not below `max_tokens`, and one below 1024."""
    assert WIRE.output_limit({"thinking": thinking}, tokens) == expected


def test_a_rendered_stream_tells_usage_as_the_api_does() -> None:
    turn = Reply("hello", tokens=Tokens(60, 30, 5, cache_write=20))
    stream = b"".join(WIRE.render(turn, ASKED)).decode()
    blocks = [block.split("\ndata: ") for block in stream.strip().split("\n\n")]
    events = [json.loads(data) for _, data in blocks]
    assert [name for name, _ in blocks] == [f"event: {event['type']}" for event in events]
    assert events[0]["message"]["usage"] == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 30,
        "output_tokens": 1,
    }
    assert events[-2]["usage"]["output_tokens"] == 5
    assert events[-2]["delta"]["stop_reason"] == "end_turn"
