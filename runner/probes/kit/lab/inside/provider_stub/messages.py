"""Messages, Anthropic's format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .bodies import WORDS, Json, dicts, flat, inner
from .script import Said


def conversation(body: Json) -> str:
    """All that a request says, in order."""
    turns = [flat(turn.get("content")) for turn in dicts(body.get("messages"))]
    return "\n".join([flat(body.get("system")), *turns])


def tools(body: Json) -> dict[str, Any]:
    """The schemas of the app's own tools, by name; none when it forbids their use."""
    if inner(body, "tool_choice", "type") == "none":
        return {}
    return {
        str(t["name"]): t["input_schema"]
        for t in dicts(body.get("tools"))
        if {"name", "input_schema"} <= {*t}
    }


def forced(body: Json) -> str:
    """The tool that must be called, `*` for any of them, empty if none must."""
    if inner(body, "tool_choice", "type") == "any":
        return "*"
    return str(inner(body, "tool_choice", "name") or "")


def has_result(body: Json) -> bool:
    """Whether the conversation ends with the result of a tool."""
    last = dicts(body.get("messages"))[-1:]
    return any(part.get("type") == "tool_result" for turn in last for part in dicts(turn.get("content")))


def schema(body: Json) -> Any:
    """The schema of the reply, None for plain text."""
    wanted = body.get("output_format") or inner(body, "output_config", "format")
    return (inner(wanted, "schema") or {}) if inner(wanted, "type") == "json_schema" else None


def answer(body: Json, said: Said) -> Json:
    """A whole message."""
    return {**_head(body, said), "content": _blocks(said), "stop_reason": _stop(said), "usage": _usage(said)}


def events(body: Json, said: Said) -> Iterator[tuple[str, str]]:
    """A streamed one."""

    def event(kind: str, **fields: Any) -> tuple[str, str]:
        return kind, json.dumps({"type": kind, **fields})

    begun = {"stop_reason": None, "usage": {**_usage(said), "output_tokens": 1}}
    yield event("message_start", message={**_head(body, said), "content": [], **begun})
    for place, block in enumerate(_blocks(said)):
        is_text = block["type"] == "text"
        empty: Json = {"text": ""} if is_text else {"input": {}}
        yield event("content_block_start", index=place, content_block={**block, **empty})
        yield event("ping")
        if is_text:
            deltas: list[Json] = [{"type": "text_delta", "text": piece} for piece in said.pieces()]
        else:
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        for delta in deltas:
            yield event("content_block_delta", index=place, delta=delta)
        yield event("content_block_stop", index=place)
    ending = {"stop_reason": _stop(said), "stop_sequence": None}
    yield event("message_delta", delta=ending, usage={"output_tokens": said.tokens})
    yield event("message_stop")


def error(status: int, message: str) -> Json:
    """An error as Anthropic words it."""
    return {"type": "error", "error": {"type": WORDS.get(status, "api_error"), "message": message}}


def _head(body: Json, said: Said) -> Json:
    model = str(body.get("model", ""))
    return {"id": "msg_lab", "type": "message", "role": "assistant", "model": model, "stop_sequence": None}


def _blocks(said: Said) -> list[Json]:
    if said.calls:
        return [{"type": "tool_use", "id": c.id, "name": c.name, "input": c.arguments} for c in said.calls]
    return [{"type": "text", "text": said.text}] if said.text else []


def _stop(said: Said) -> str:
    return "tool_use" if said.calls else "end_turn"


def _usage(said: Said) -> Json:
    return {"input_tokens": said.asked, "output_tokens": said.tokens}
