"""Chat completions, as OpenAI made them and OpenRouter and many others speak them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .bodies import WORDS, Json, dicts, flat, inner
from .script import Call, Said


def conversation(body: Json) -> str:
    """All that a request says, in order."""
    return "\n".join(flat(turn.get("content")) for turn in dicts(body.get("messages")))


def tools(body: Json) -> dict[str, Any]:
    """The schemas of the app's own tools, by name; none when it forbids their use."""
    if body.get("tool_choice") == "none":
        return {}
    functions = (inner(tool, "function") for tool in dicts(body.get("tools")))
    return {str(f["name"]): f.get("parameters") for f in functions if isinstance(f, dict) and "name" in f}


def forced(body: Json) -> str:
    """The tool that must be called, `*` for any of them, empty if none must."""
    if body.get("tool_choice") == "required":
        return "*"
    return str(inner(body, "tool_choice", "function", "name") or "")


def has_result(body: Json) -> bool:
    """Whether the conversation ends with the result of a tool."""
    return [turn.get("role") for turn in dicts(body.get("messages"))][-1:] == ["tool"]


def schema(body: Json) -> Any:
    """The schema of the reply; {} when any JSON object will do."""
    wanted = inner(body, "response_format", "type")
    if wanted == "json_schema":
        return inner(body, "response_format", "json_schema", "schema") or {}
    return {} if wanted == "json_object" else None


def answer(body: Json, said: Said) -> Json:
    """A whole chat completion."""
    message: Json = {"role": "assistant", "content": said.text if not said.calls else None, "refusal": None}
    if said.calls:
        message["tool_calls"] = [_call(call) for call in said.calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(said)}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": _usage(said)}


def events(body: Json, said: Said) -> Iterator[tuple[str, str]]:
    """A streamed one: chunks, the usage last or in a chunk of its own if that was asked for, and [DONE]."""
    head = _head(body, "chat.completion.chunk")

    def chunk(delta: Json, finish: str | None = None, **more: Any) -> tuple[str, str]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return "", json.dumps({**head, "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": ""})
    for place, call in enumerate(said.calls):
        whole = _call(call)
        arguments = whole["function"].pop("arguments")
        whole["function"]["arguments"] = ""
        yield chunk({"tool_calls": [{"index": place, **whole}]})
        yield chunk({"tool_calls": [{"index": place, "function": {"arguments": arguments}}]})
    for piece in said.pieces():
        yield chunk({"content": piece})
    if inner(body, "stream_options", "include_usage"):
        yield chunk({}, _finish(said))
        yield "", json.dumps({**head, "choices": [], "usage": _usage(said)})
    else:
        yield chunk({}, _finish(said), usage=_usage(said))
    yield "", "[DONE]"


def error(status: int, message: str) -> Json:
    """An error as OpenAI words it, with OpenRouter's number."""
    return {
        "error": {"message": message, "type": WORDS.get(status, "api_error"), "param": None, "code": status}
    }


def _head(body: Json, kind: str) -> Json:
    model = str(body.get("model", ""))
    return {"id": "gen-lab", "object": kind, "created": 1, "model": model, "provider": "lab"}


def _usage(said: Said) -> Json:
    total = said.asked + said.tokens
    return {"prompt_tokens": said.asked, "completion_tokens": said.tokens, "total_tokens": total}


def _finish(said: Said) -> str:
    return "tool_calls" if said.calls else "stop"


def _call(call: Call) -> Json:
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}
