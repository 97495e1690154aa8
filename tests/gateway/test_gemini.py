"""The wire of Gemini: the model in the path, fields in two spellings, counts that are left out when zero."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from wire_samples import data

from runner.gateway.wire import Reply, RequestSummary, Tokens, ToolCall, Wire
from runner.gateway.wires.gemini import WIRE

PATH = "/v1beta/models/m:generateContent"


def streamed(*events: dict[str, Any]) -> Reply:
    tap = WIRE.tap()
    tap.feed(data(*events).encode())
    return tap.reply()


def chunk(*parts: dict[str, Any], finish: str | None = None, usage: object = None) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish, "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage}


def plain(document: dict[str, Any]) -> Reply:
    return WIRE.plain_reply(json.dumps(document).encode())


def summary(path: str = PATH, **fields: Any) -> RequestSummary:
    return WIRE.summary(path, {"contents": [], **fields})


def test_it_is_a_wire() -> None:
    wire: Wire = WIRE
    assert wire.stop_status == 403
    assert wire.authorization("k", "https://x/v1beta") == {"x-goog-api-key": "k"}
    assert wire.token({"x-goog-api-key": "t"}, {"key": "u"}) == "t"
    assert wire.token({"Authorization": "Bearer t"}, {"key": "u"}) == "u"
    assert wire.token({}, {}) is None


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (413, "INVALID_ARGUMENT"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (502, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
    ],
)
def test_errors_are_written_as_google_does(status: int, name: str) -> None:
    error = json.loads(WIRE.error(status, "budget", "no"))["error"]
    assert (error["code"], error["message"], error["status"]) == (status, "no", name)
    assert error["details"][0]["reason"] == "BUDGET"


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        (PATH, "m", False),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "gemini-2.5-pro", True),
        ("/v1beta/models/gemini-2.5-pro%3AgenerateContent?x=%3A", "gemini-2.5-pro", False),
        ("/v1beta/models/org/m:generateContent", "org/m", False),
        ("/v1/models/m:generateContent", "m", False),
        ("/v1alpha/models/m:generateContent", "m", False),
    ],
)
def test_the_path_tells_the_model_and_the_streaming(path: str, model: str, stream: bool) -> None:
    """Whatever the body says: the provider does not look there either."""
    assert WIRE.serves(unquote(path.partition("?")[0]))
    told = summary(path, model="other", stream=not stream)
    assert (told.model, told.stream) == (model, stream)


@pytest.mark.parametrize("query", ["", "?alt=json", "?alt=json&alt=sse", "?xalt=sse"])
def test_a_stream_that_is_no_event_stream_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match="alt=sse"):
        summary("/v1beta/models/m:streamGenerateContent" + query)


@pytest.mark.parametrize(
    ("path", "upstream"),
    [
        (PATH, "models/m:generateContent"),
        ("/v1/models/m:generateContent", "models/m:generateContent"),
        (PATH + "?key=t", "models/m:generateContent"),
        (PATH + "?key=t&key=u&%6bey=v&key", "models/m:generateContent"),
        (PATH + "?alt=sse&key=t&prettyPrint=false", "models/m:generateContent?alt=sse&prettyPrint=false"),
        (PATH + "?monkey=t&fields=key%3D1", "models/m:generateContent?monkey=t&fields=key%3D1"),
    ],
)
def test_a_key_in_the_query_is_never_forwarded(path: str, upstream: str) -> None:
    assert WIRE.upstream_path(path) == upstream


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {"promptTokenCount": 10, "candidatesTokenCount": 2, "totalTokenCount": 12},
            Tokens(10, 0, 2, reasoning=0),
        ),
        (
            {
                "promptTokenCount": 10,
                "cachedContentTokenCount": 8,
                "candidatesTokenCount": 2,
                "thoughtsTokenCount": 5,
                "totalTokenCount": 17,
            },
            Tokens(10, 8, 7, reasoning=5),
        ),
        ({"promptTokenCount": 10, "totalTokenCount": 10}, Tokens(10, 0, 0, reasoning=0)),
        (
            {"promptTokenCount": 10, "thoughtsTokenCount": 5, "totalTokenCount": 15},
            Tokens(10, 0, 5, reasoning=5),
        ),
        (
            {
                "promptTokenCount": 10,
                "toolUsePromptTokenCount": 4,
                "candidatesTokenCount": 2,
                "totalTokenCount": 16,
            },
            Tokens(14, 0, 2, reasoning=0),
        ),
        ({"promptTokenCount": 10}, None),
        ({"candidatesTokenCount": 10, "totalTokenCount": 10}, None),
        ({"promptTokenCount": "10", "totalTokenCount": -1}, None),
        (None, None),
    ],
    ids=["plain", "thoughts", "nothing", "only thoughts", "tools", "half", "no prompt", "wrong", "none"],
)
def test_usage_as_google_reports_it(usage: object, expected: Tokens | None) -> None:
    assert plain(chunk(finish="STOP", usage=usage)).tokens == expected
    assert streamed(chunk(), chunk(finish="STOP", usage=usage)).tokens == expected


def test_the_usage_so_far_is_not_the_usage() -> None:
    """The last statement wins; one from the middle of a stream that broke off tells too little."""
    early, late = ({"promptTokenCount": 10, "candidatesTokenCount": n} for n in (1, 9))
    assert streamed(chunk(usage=early)).tokens is None
    assert streamed(chunk(usage=early), chunk(finish="STOP", usage=late)).tokens == Tokens(
        10, 0, 9, reasoning=0
    )


def test_parallel_calls_come_with_and_without_ids() -> None:
    first = {"functionCall": {"name": "bash", "args": {"command": "ls"}}}
    second = {"functionCall": {"id": "b", "name": "bash"}, "thoughtSignature": "AbC"}
    expected = (ToolCall("", "bash", '{"command": "ls"}'), ToolCall("b", "bash", "{}"))
    assert streamed(chunk(first), chunk(second)).tool_calls == expected
    assert plain(chunk(first, second, finish="STOP")).tool_calls == expected


def test_an_argument_that_is_no_object_is_rendered_as_none() -> None:
    turn = Reply(tool_calls=(ToolCall("", "bash", "not json"), ToolCall("", "bash", "[1]")))
    [whole] = WIRE.render(turn, RequestSummary("m", False, None, 1, 0))
    assert [call.arguments for call in WIRE.plain_reply(whole).tool_calls] == ["{}", "{}"]


def test_thoughts_are_kept_apart_and_only_the_first_candidate_counts() -> None:
    thought = {"text": "Hm.", "thought": True}
    document = chunk(thought, {"text": "a"}, {"text": "b"}, {"inlineData": {}}, finish="STOP")
    document["candidates"].append(document["candidates"][0])
    assert plain(document) == Reply("ab", "Hm.")


def test_refused_prompts_and_odd_endings_are_complete() -> None:
    usage = {"promptTokenCount": 3, "totalTokenCount": 3}
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage}
    expected = Reply(tokens=Tokens(3, 0, 0, reasoning=0))
    assert plain(blocked) == expected
    assert streamed(blocked) == expected
    for reason in ("MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL"):
        assert streamed(chunk({"text": "x"}, finish=reason)) == Reply("x")
    assert not streamed(chunk({"text": "x"})).complete


def test_errors_inside_a_stream_are_kept() -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    reply = streamed(chunk({"text": "x"}), error)
    assert (reply.text, reply.complete, reply.error) == ("x", False, "UNAVAILABLE: The model is overloaded.")
    assert plain(error).error == "UNAVAILABLE: The model is overloaded."


@pytest.mark.parametrize("is_snake", [False, True], ids=["camel case", "snake case"])
def test_a_request_is_summed_up(is_snake: bool) -> None:
    def spelled(camel: str, snake: str) -> str:
        return snake if is_snake else camel

    def answer(output: str) -> dict[str, Any]:
        response = {"id": output, "name": "bash", "response": {"output": output[:1]}}
        return {spelled("functionResponse", "function_response"): response}

    contents = [
        {"role": "user", "parts": [{"text": "go"}]},
        {"role": "model", "parts": [{spelled("functionCall", "function_call"): {"name": "bash"}}]},
        {"role": "user", "parts": [answer("a1"), answer("b1")]},
        {"role": "model", "parts": [{"text": "x"}]},
        {"role": "user", "parts": [answer("c1")]},
    ]
    declared = {
        spelled("functionDeclarations", "function_declarations"): [{"name": "bash"}, {"name": "read"}]
    }
    tools = [declared, {"googleSearch": {}}, None]
    config = {
        spelled("generationConfig", "generation_config"): {spelled("maxOutputTokens", "max_output_tokens"): 9}
    }
    told = summary(contents=contents, tools=tools, **config)
    assert (told.turn, told.tools) == (3, ("bash", "read", "googleSearch"))
    assert (told.messages, told.max_output_tokens) == (5, 9)
    again = [*contents[:-1], {"role": "user", "parts": [answer("c2")]}]
    assert told.result == summary(contents=again).result != ""
    assert told.result != summary(contents=contents[:3]).result
    assert summary(contents=contents).turn == 2
    limited = WIRE.output_limit({**config, "contents": []}, 5)
    assert summary(**{**config, **limited}).max_output_tokens == 5
    assert limited.keys() == config.keys()


def test_an_output_limit_keeps_what_else_is_configured() -> None:
    document = {"generationConfig": {"temperature": 1, "thinkingConfig": {"thinkingBudget": 5}}}
    assert WIRE.output_limit(document, 7) == {
        "generationConfig": {**document["generationConfig"], "maxOutputTokens": 7}
    }
    assert WIRE.output_limit({"generationConfig": None}, 7) == {"generationConfig": {"maxOutputTokens": 7}}


@pytest.mark.parametrize("document", [{}, {"contents": None}, {"contents": "hi"}])
def test_a_request_without_contents_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="contents"):
        WIRE.summary(PATH, document)
