"""Messages of any wire format as blocks that people can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MODEL_ROLES = ("assistant", "model")


@dataclass(frozen=True)
class Block:
    """One piece of a conversation. `kind`: system, user, assistant, reasoning, call or result."""

    kind: str
    text: str
    name: str = ""

    @property
    def is_models(self) -> bool:
        """Whether the model itself said it."""
        return self.kind in ("assistant", "reasoning", "call")


def history(request: Any) -> list[Any]:
    """What a request sends, in order: instructions first, then each message or item."""
    if not isinstance(request, dict):
        return []
    first = [
        {"role": "system", "content": request[key]}
        for key in ("instructions", "system", "systemInstruction", "system_instruction")
        if request.get(key)
    ]
    listed: Any = next((request[key] for key in ("messages", "input", "contents") if request.get(key)), [])
    items = listed if isinstance(listed, list) else [{"role": "user", "content": listed}]
    return [*first, *items]


def identity(item: Any) -> str:
    """The same for an item that is sent again: marks for the provider's cache come and go."""
    return json.dumps(_without_marks(item), sort_keys=True, ensure_ascii=False)


def blocks(item: Any) -> Iterator[Block]:
    """The blocks of one message or item; what is not understood is shown as JSON."""
    if not isinstance(item, dict):
        yield Block("user", _text(item))
        return
    kind, role = str(item.get("type") or ""), str(item.get("role") or "user")
    if kind == "function_call":
        yield call(str(item.get("name")), item.get("arguments"))
    elif kind == "function_call_output":
        yield Block("result", _text(item.get("output")))
    elif kind == "reasoning":
        yield Block("reasoning", _text(item.get("summary") or ""))
    elif role == "tool":
        yield Block("result", _text(item.get("content")))
    else:
        yield from _message(item, role)


def call(name: str, arguments: Any) -> Block:
    """A tool call; a shell command is shown as the command it is."""
    values = _parsed(arguments)
    if isinstance(values, dict):
        commands = [values[key] for key in ("command", "cmd", "script") if values.get(key)]
        if commands and len(values) <= 3:
            shown = commands[0] if isinstance(commands[0], str) else " ".join(map(str, commands[0]))
            return Block("call", shown, name)
    return Block("call", values if isinstance(values, str) else _pretty(values), name)


def _message(item: dict[str, Any], role: str) -> Iterator[Block]:
    speaker = "assistant" if role in MODEL_ROLES else "system" if role in ("system", "developer") else "user"
    content = item.get("content", item.get("parts"))
    for part in content if isinstance(content, list) else [content]:
        yield from _part(part, speaker)
    for each in item.get("tool_calls") or []:
        function = each.get("function", {}) if isinstance(each, dict) else {}
        yield call(str(function.get("name")), function.get("arguments"))


def _part(part: Any, speaker: str) -> Iterator[Block]:
    if not isinstance(part, dict):
        if part not in (None, ""):
            yield Block(speaker, _text(part))
        return
    kind = part.get("type")
    if kind == "tool_use":
        yield call(str(part.get("name")), part.get("input"))
    elif kind == "tool_result":
        yield Block("result", _text(part.get("content")))
    elif kind in ("thinking", "reasoning"):
        yield Block("reasoning", _text(part.get("thinking") or part.get("text") or ""))
    elif "functionCall" in part:
        yield call(str(part["functionCall"].get("name")), part["functionCall"].get("args"))
    elif "functionResponse" in part:
        yield Block("result", _text(part["functionResponse"].get("response")))
    elif isinstance(part.get("text"), str):
        yield Block(speaker, part["text"])
    else:
        yield Block(speaker, _pretty(part))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_text(each.get("text", each) if isinstance(each, dict) else each) for each in value)
    if isinstance(value, dict) and isinstance(value.get("output"), str):
        return str(value["output"])
    return "" if value is None else _pretty(value)


def _parsed(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def _without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_marks(each) for key, each in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [_without_marks(each) for each in value]
    return value
