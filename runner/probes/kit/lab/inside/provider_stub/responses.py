"""Responses, OpenAI's later format."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from .bodies import WORDS, Json, dicts, flat, inner
from .script import Said


def conversation(body: Json) -> str:
    """All that a request says, in order."""
    given = body.get("input")
    turns = [given] if isinstance(given, str) else [flat(turn.get("content")) for turn in dicts(given)]
    return "\n".join([flat(body.get("instructions")), *turns])


def tools(body: Json) -> dict[str, Any]:
    """The schemas of the app's own tools, by name; none when it forbids their use."""
    if body.get("tool_choice") == "none":
        return {}
    own = (tool for tool in dicts(body.get("tools")) if tool.get("type") == "function" and "name" in tool)
    return {str(tool["name"]): tool.get("parameters") for tool in own}


def forced(body: Json) -> str:
    """The tool that must be called, `*` for any of them, empty if none must."""
    if body.get("tool_choice") == "required":
        return "*"
    return str(inner(body, "tool_choice", "name") or "")


def has_result(body: Json) -> bool:
    """Whether the conversation ends with the result of a tool."""
    return [turn.get("type") for turn in dicts(body.get("input"))][-1:] == ["function_call_output"]


def schema(body: Json) -> Any:
    """The schema of the reply; {} when any JSON object will do."""
    wanted = inner(body, "text", "format", "type")
    if wanted == "json_schema":
        return inner(body, "text", "format", "schema") or {}
    return {} if wanted == "json_object" else None


def answer(body: Json, said: Said) -> Json:
    """A whole response."""
    return {**_head(body, "completed"), "output": _items(said), "usage": _usage(said)}


def events(body: Json, said: Said) -> Iterator[tuple[str, str]]:
    """A streamed one."""
    count = itertools.count()

    def event(kind: str, **fields: Any) -> tuple[str, str]:
        return kind, json.dumps({"type": kind, "sequence_number": next(count), **fields})

    begun = {**_head(body, "in_progress"), "output": [], "usage": None}
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for place, item in enumerate(_items(said)):
        where = {"item_id": item["id"], "output_index": place}
        empty: Json = {"content": []} if item["type"] == "message" else {"arguments": ""}
        yield event(
            "response.output_item.added", output_index=place, item={**item, "status": "in_progress", **empty}
        )
        if item["type"] == "message":
            yield from _text(event, {**where, "content_index": 0}, said)
        else:
            arguments = item["arguments"]
            yield event("response.function_call_arguments.delta", **where, delta=arguments)
            yield event(
                "response.function_call_arguments.done", **where, arguments=arguments, name=item["name"]
            )
        yield event("response.output_item.done", output_index=place, item=item)
    yield event("response.completed", response=answer(body, said))


def _text(event: Any, where: Json, said: Said) -> Iterator[tuple[str, str]]:
    yield event("response.content_part.added", **where, part=_part(""))
    for piece in said.pieces():
        yield event("response.output_text.delta", **where, delta=piece, logprobs=[])
    yield event("response.output_text.done", **where, text=said.text, logprobs=[])
    yield event("response.content_part.done", **where, part=_part(said.text))


def error(status: int, message: str) -> Json:
    """An error as OpenAI words it."""
    return {
        "error": {"message": message, "type": WORDS.get(status, "api_error"), "param": None, "code": None}
    }


def _head(body: Json, status: str) -> Json:
    return {
        "id": "resp_lab",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": str(body.get("model", "")),
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
    }


def _items(said: Said) -> list[Json]:
    if not said.calls:
        message = {"id": "msg_lab", "type": "message", "status": "completed", "role": "assistant"}
        return [{**message, "content": [_part(said.text)] if said.text else []}]
    return [
        {
            "id": f"fc_{call.id}",
            "type": "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
            "arguments": json.dumps(call.arguments),
        }
        for call in said.calls
    ]


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(said: Said) -> Json:
    return {
        "input_tokens": said.asked,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": said.tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": said.asked + said.tokens,
    }
