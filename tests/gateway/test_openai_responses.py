"""The wire of OpenAI responses: items beside functions, refusals, failures, and what Codex insists on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from wire_samples import RESPONSES_WHOLE, named

from runner.gateway.wire import Reply, RequestSummary, Tokens, ToolCall, Wire
from runner.gateway.wires.openai_responses import WIRE

ASKED = RequestSummary(model="m", stream=True, max_output_tokens=None, messages=1, turn=3)


def streamed(*events: dict[str, Any]) -> Reply:
    tap = WIRE.tap()
    tap.feed(named(*events).encode())
    return tap.reply()


def plain(**fields: Any) -> Reply:
    return WIRE.plain_reply(json.dumps({**RESPONSES_WHOLE, **fields}).encode())


def done(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def summary(**fields: Any) -> RequestSummary:
    return WIRE.summary("/v1/responses", {"model": "m", "input": [], **fields})


def test_it_is_a_wire() -> None:
    wire: Wire = WIRE
    assert wire.stop_status == 400
    assert wire.authorization("k", "https://api.openai.com/v1") == {"Authorization": "Bearer k"}
    error = json.loads(wire.error(400, "budget", "no"))["error"]
    assert error == {"message": "no", "type": "invalid_request_error", "param": None, "code": "budget"}


CUSTOM = {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": "*** Begin Patch"}
SHELL = {
    "type": "local_shell_call",
    "call_id": "c2",
    "status": "completed",
    "action": {"type": "exec", "command": ["ls", "-l"], "env": {}},
}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "x"}}


def test_custom_and_built_in_tools_that_the_agent_runs_are_calls() -> None:
    expected = (
        ToolCall("c1", "apply_patch", "*** Begin Patch"),
        ToolCall("c2", "local_shell", json.dumps(SHELL["action"])),
    )
    items = [CUSTOM, SHELL, SEARCH]
    assert plain(output=items).tool_calls == expected
    assert plain(output=items).command == "ls -l"
    assert streamed(*(done(i, item) for i, item in enumerate(items))).tool_calls == expected
    begun = {"type": "response.output_item.added", "output_index": 0, "item": {**CUSTOM, "input": ""}}
    pieces = [
        {"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": piece}
        for piece in ("*** Begin", " Patch")
    ]
    assert streamed(begun, *pieces, done(0, CUSTOM)).tool_calls == expected[:1]


def test_refusals_are_text() -> None:
    part = {"type": "refusal", "refusal": "I cannot."}
    message = {"type": "message", "role": "assistant", "content": [part]}
    assert plain(output=[message]).text == "I cannot."
    delta = {"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "I cannot."}
    assert streamed(delta, done(0, message)).text == "I cannot."


def test_reasoning_is_kept_apart_in_either_form() -> None:
    item = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
        "content": [{"type": "reasoning_text", "text": "c"}],
    }
    assert (plain(output=[item]).reasoning, plain(output=[item]).text) == ("abc", "")
    delta = {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "x"}
    assert streamed(delta, done(0, item)).reasoning == "x"
    assert plain(output=[{"type": "reasoning", "summary": None, "content": None}]).reasoning == ""


def test_servers_that_send_no_deltas_or_only_the_end_are_read() -> None:
    whole = plain()
    only_items = [done(i, item) for i, item in enumerate(RESPONSES_WHOLE["output"])]
    end = {"type": "response.completed", "response": {**RESPONSES_WHOLE, "output": []}}
    assert streamed(*only_items, end) == whole
    assert streamed({"type": "response.completed", "response": RESPONSES_WHOLE}) == whole


@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_each_end_of_a_response_completes_it(kind: str) -> None:
    error = {"code": "server_error", "message": "it broke"} if kind == "failed" else None
    response = {**RESPONSES_WHOLE, "status": kind, "error": error}
    reply = streamed({"type": f"response.{kind}", "response": response})
    assert (reply.complete, reply.error) == (True, "server_error: it broke" if kind == "failed" else None)
    assert reply.tokens == Tokens(1200, 1024, 90, reasoning=40)
    assert WIRE.plain_reply(json.dumps(response).encode()) == reply
    assert streamed({"type": "response.failed", "response": {"status": "failed"}}).error


def test_errors_inside_a_stream_are_kept_and_do_not_finish_it() -> None:
    reply = streamed({"type": "error", "code": "server_error", "message": "overloaded", "param": None})
    assert (reply.complete, reply.error) == (False, "server_error: overloaded")
    assert streamed({"type": "error", "error": {"message": "overloaded"}}).error == "overloaded"


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 10, "output_tokens": 2}, Tokens(10, 0, 2)),
        ({"input_tokens": 10, "output_tokens": 2, "input_tokens_details": None}, Tokens(10, 0, 2)),
        ({"input_tokens": 10, "output_tokens": 2, "cost": 0.25}, Tokens(10, 0, 2, cost_usd=0.25)),
        (
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "input_tokens_details": {"cached_tokens": 4},
                "output_tokens_details": {"reasoning_tokens": 3},
            },
            Tokens(10, 4, 5, reasoning=3),
        ),
        (
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 5},
            },
            Tokens(10, 4, 5, cache_write=5),
        ),
        ({"input_tokens": 10}, None),
        ({"input_tokens": "10", "output_tokens": -1}, None),
        (None, None),
    ],
)
def test_usage_as_providers_report_it(usage: object, expected: Tokens | None) -> None:
    assert plain(usage=usage).tokens == expected


def test_a_request_is_summed_up() -> None:
    assert (summary(input="hi").messages, summary(input="hi").turn) == (1, 0)
    items = [
        {"role": "user", "content": "go"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "1"},
        {"type": "local_shell_call_output", "call_id": "b", "output": "2"},
        {"type": "function_call_output", "call_id": "c", "output": "3"},
    ]
    tools = [{"type": "function", "name": "shell"}, {"type": "web_search"}, None]
    told = summary(input=items, tools=tools, max_output_tokens=7)
    assert (told.turn, told.tools, told.max_output_tokens) == (3, ("shell", "web_search", ""), 7)
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
    assert summary(input=[items[0], said, said]).turn == 2
    for document in ({"model": "m"}, {"input": []}, {"model": None, "input": []}, {"model": "m", "input": 1}):
        with pytest.raises(ValueError, match="needs `model` and `input`"):
            WIRE.summary("/v1/responses", document)


def test_a_rendered_stream_is_what_codex_insists_on() -> None:
    """Its Rust types: every item and the usage must have all of these fields, of these types."""
    turn = Reply("hello", tool_calls=(ToolCall("c1", "shell", '{"command": "ls"}'),), tokens=Tokens(5, 2, 3))
    stream = b"".join(WIRE.render(turn, ASKED)).decode()
    events = [json.loads(block.split("\ndata: ")[1]) for block in stream.strip().split("\n\n")]
    names = [block.split("\n")[0] for block in stream.strip().split("\n\n")]
    assert names == [f"event: {event['type']}" for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[0]["type"] == "response.created"
    message, call = (e["item"] for e in events if e["type"] == "response.output_item.done")
    assert (message["type"], message["role"]) == ("message", "assistant")
    assert message["content"] == [{"type": "output_text", "text": "hello", "annotations": []}]
    assert {k: call[k] for k in ("type", "call_id", "name", "arguments")} == {
        "type": "function_call",
        "call_id": "c1",
        "name": "shell",
        "arguments": '{"command": "ls"}',
    }
    assert events[-1]["type"] == "response.completed"
    completed = events[-1]["response"]
    assert completed["id"] == "resp_3"
    assert completed["output"] == [message, call]
    assert completed["usage"] == {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 8,
    }


def test_the_end_of_a_broken_stream_is_a_failed_response() -> None:
    """Codex looks at nothing but the error of the `response.failed`; its SDKs at the `error` event."""
    *_, error, failed = WIRE.broken_stream("cut").decode().strip().split("\n\n")
    assert error.startswith("event: error\n")
    response = json.loads(failed.split("data: ")[1])["response"]
    assert (response["status"], response["error"]["message"]) == ("failed", "cut")
