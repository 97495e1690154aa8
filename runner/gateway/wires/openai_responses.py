"""OpenAI responses, as OpenAI, OpenRouter and Ollama speak it, and Codex demands it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, takewhile
from typing import Any

from runner.gateway.wire import (
    Fault,
    Reply,
    RequestSummary,
    Tokens,
    Wire,
    as_amount,
    as_count,
    as_dict,
    as_json,
    as_list,
    as_text,
    digest_of,
)
from runner.gateway.wires.kit.openai import OpenAI
from runner.gateway.wires.kit.sse import (
    ARGUMENTS_PIECE,
    EventTap,
    dumps,
    error_text,
    named_event,
    pieces,
    whole_reply,
)

TEXT_DELTAS = ("response.output_text.delta", "response.refusal.delta")
REASONING_DELTAS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
ARGUMENT_DELTAS = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")
ENDS = ("response.completed", "response.incomplete", "response.failed")
MOST_ITEMS = 10_000


class OpenAIResponses(OpenAI):
    """POST /v1/responses; SSE when streaming, with `response.completed` or the like as finish marker."""

    id = "openai_responses"
    stop_status = 400

    def serves(self, path: str) -> bool:
        """Whether a POST to `path` is a model call."""
        return path == "/v1/responses"

    def summary(self, path: str, document: dict[str, Any]) -> RequestSummary:
        """Raises ValueError without a model and an input."""
        model, given = document.get("model"), document.get("input")
        if not isinstance(model, str) or not isinstance(given, str | list):
            raise ValueError("a response needs `model` and `input`")
        items = [as_dict(item) for item in given] if isinstance(given, list) else [{"role": "user"}]
        tools = [
            as_text(t.get("name") or t.get("type")) for t in map(as_dict, as_list(document.get("tools")))
        ]
        results = [item for item in items if _is_result(item)]
        said = [item for item in items if item.get("role") == "assistant"]
        return RequestSummary(
            model=model,
            stream=document.get("stream") is True,
            max_output_tokens=as_count(document.get("max_output_tokens")),
            messages=len(items),
            turn=len(results if tools else said),
            tools=tuple(tools),
            result=digest_of(item.get("output") for item in takewhile(_is_result, reversed(items))),
        )

    def output_limit(self, document: dict[str, Any], tokens: int) -> dict[str, Any]:
        """One name for all models."""
        return {"max_output_tokens": tokens}

    def additions(self, document: dict[str, Any]) -> dict[str, Any]:
        """Usage comes unasked."""
        return {}

    def plain_reply(self, body: bytes) -> Reply:
        """A response object."""
        return whole_reply(ResponseTap(), body)

    def tap(self) -> ResponseTap:
        """A fresh tap for one streamed reply."""
        return ResponseTap()

    def broken_stream(self, message: str) -> bytes:
        """The leading blank line ends whatever event was cut; clients wait for the `response.failed`."""
        code = Fault.PROVIDER_UNAVAILABLE.value
        error = {"type": "error", "code": code, "message": message, "param": None}
        failed: dict[str, Any] = {
            "id": "resp_broken",
            "object": "response",
            "status": "failed",
            "error": {"code": code, "message": message},
            "output": [],
            "usage": None,
        }
        return b"\n\n" + named_event(error) + named_event({"type": "response.failed", "response": failed})

    def render(self, turn: Reply, request: RequestSummary) -> Iterator[bytes]:
        """A scripted turn, with usage; tool calls are function calls."""
        items = _items(turn, request)
        begun = {"id": f"resp_{request.turn}", "object": "response", "created_at": 0, "model": request.model}
        begun |= {"status": "in_progress", "error": None, "incomplete_details": None, "output": []}
        usage = _rendered(turn.tokens) if turn.tokens else None
        whole = {**begun, "status": "completed", "output": items, "usage": usage}
        if not request.stream:
            yield dumps(whole)
            return
        numbers = count()
        for event in _events(begun, items, whole):
            yield named_event({**event, "sequence_number": next(numbers)})


class ResponseTap(EventTap):
    """Assembles a streamed response. Whole items count only where their deltas were not sent."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[tuple[str, int]] = set()

    def take(self, event: dict[str, Any]) -> None:
        """One event, or a whole response object."""
        kind, index = as_text(event.get("type")), as_count(event.get("output_index")) or 0
        if kind in TEXT_DELTAS:
            self._told_more("message", index)
            self._keep(self._text, event.get("delta"))
        elif kind in REASONING_DELTAS:
            self._told_more("reasoning", index)
            self._keep(self._reasoning, event.get("delta"))
        elif kind in ARGUMENT_DELTAS:
            self._keep(self._call(index).arguments, event.get("delta"))
        elif kind == "response.output_item.added":
            self._begin_call(index, as_dict(event.get("item")))
        elif kind == "response.output_item.done":
            self._take_item(index, as_dict(event.get("item")))
        elif kind in ENDS:
            self._end(as_dict(event.get("response")))
        elif "output" in event:
            self._end(event)
        elif kind == "error" or event.get("error"):
            self._error = error_text(event.get("error") or event) or self._error

    def _end(self, response: dict[str, Any]) -> None:
        self._complete = True
        self._error = error_text(response.get("error")) or self._error
        if response.get("status") == "failed":
            self._error = self._error or "the provider's response failed"
        self._tokens = _tokens(response.get("usage")) or self._tokens
        for index, item in enumerate(as_list(response.get("output"))):
            self._take_item(index, as_dict(item))

    def _take_item(self, index: int, item: dict[str, Any]) -> None:
        kind = as_text(item.get("type"))
        if kind == "message" and self._told_more("message", index):
            for part in map(as_dict, as_list(item.get("content"))):
                self._keep(self._text, part.get("text") or part.get("refusal"))
        elif kind == "reasoning" and self._told_more("reasoning", index):
            for part in map(as_dict, [*as_list(item.get("summary")), *as_list(item.get("content"))]):
                self._keep(self._reasoning, part.get("text"))
        elif self._begin_call(index, item):
            call = self._call(index)
            if not call.arguments.tell():
                self._keep(call.arguments, _arguments(item))

    def _begin_call(self, index: int, item: dict[str, Any]) -> bool:
        """Whether the item is a call of a tool that the agent runs: those have a `call_id`."""
        kind, call_id = as_text(item.get("type")), as_text(item.get("call_id"))
        if not kind.endswith("_call") or not call_id:
            return False
        name = item.get("name")
        self._call(index, kind.removesuffix("_call") if name is None else name, call_id)
        return True

    def _told_more(self, kind: str, index: int) -> bool:
        """Whether this is the first that is told of an item; a bounded number is remembered."""
        is_first = (kind, index) not in self._told and len(self._told) < MOST_ITEMS
        if is_first:
            self._told.add((kind, index))
        return is_first


def _is_result(item: Any) -> bool:
    return as_text(as_dict(item).get("type")).endswith("_call_output")


def _arguments(item: dict[str, Any]) -> str:
    """Of a function, a custom tool, or one of the built-in kinds that the agent runs."""
    told = next((item[name] for name in ("arguments", "input", "action") if item.get(name)), "")
    return told if isinstance(told, str) else as_json(told)


def _tokens(usage: Any) -> Tokens | None:
    usage = as_dict(usage)
    read, written = as_count(usage.get("input_tokens")), as_count(usage.get("output_tokens"))
    if read is None or written is None:
        return None
    details = as_dict(usage.get("input_tokens_details"))
    cached = min(as_count(details.get("cached_tokens")) or 0, read)
    return Tokens(
        input=read,
        cached_input=cached,
        output=written,
        cache_write=min(as_count(details.get("cache_write_tokens")) or 0, read - cached),
        reasoning=as_count(as_dict(usage.get("output_tokens_details")).get("reasoning_tokens")),
        cost_usd=as_amount(usage.get("cost")),
    )


def _rendered(tokens: Tokens) -> dict[str, Any]:
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {
            "cached_tokens": tokens.cached_input,
            "cache_write_tokens": tokens.cache_write,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning or 0},
        "total_tokens": tokens.input + tokens.output,
    }


def _items(turn: Reply, request: RequestSummary) -> list[dict[str, Any]]:
    done = {"status": "completed"}
    items: list[dict[str, Any]] = []
    if turn.text or not turn.tool_calls:
        part = {"type": "output_text", "text": turn.text, "annotations": []}
        message = {"type": "message", "role": "assistant", "content": [part]}
        items.append({"id": f"msg_{request.turn}", **message, **done})
    for number, call in enumerate(turn.tool_calls):
        named = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        items.append({"id": f"fc_{request.turn}_{number}", "type": "function_call", **named, **done})
    return items


def _events(
    begun: dict[str, Any], items: list[dict[str, Any]], whole: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(items):
        place = {"output_index": index, "item_id": item["id"]}
        growing: dict[str, Any] = {"content": []} if item["type"] == "message" else {"arguments": ""}
        started = {**item, "status": "in_progress", **growing}
        yield {"type": "response.output_item.added", "output_index": index, "item": started}
        yield from _text_events(item, place) if item["type"] == "message" else _call_events(item, place)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": whole}


def _text_events(item: dict[str, Any], place: dict[str, Any]) -> Iterator[dict[str, Any]]:
    [part] = item["content"]
    place = {**place, "content_index": 0}
    yield {"type": "response.content_part.added", **place, "part": {**part, "text": ""}}
    for piece in pieces(part["text"]):
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": part}


def _call_events(item: dict[str, Any], place: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for piece in pieces(item["arguments"], ARGUMENTS_PIECE):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    done = {"name": item["name"], "arguments": item["arguments"]}
    yield {"type": "response.function_call_arguments.done", **place, **done}


WIRE: Wire = OpenAIResponses()
