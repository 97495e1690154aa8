"""Anthropic messages, as Anthropic, OpenRouter, DeepSeek, Z.ai and Ollama speak it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from runner.gateway.calls.faults import fault_of
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
    parsed,
)
from runner.gateway.wires.kit.openai import bearer
from runner.gateway.wires.kit.sse import (
    ARGUMENTS_PIECE,
    EventTap,
    dumps,
    error_text,
    named_event,
    pieces,
    whole_reply,
)

VERSION = "2023-06-01"
LEAST_THINKING = 1024  # the API's own minimum
COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
ERROR_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class AnthropicMessages:
    """POST /v1/messages; SSE when streaming, with `message_stop` as finish marker."""

    id = "anthropic_messages"
    models_path = "/v1/models"
    stop_status = 403

    def serves(self, path: str) -> bool:
        """Whether a POST to `path` is a model call; counting tokens is none, and not offered."""
        return path == "/v1/messages"

    def upstream_path(self, path: str) -> str:
        """Base URLs end in the version, as in https://api.anthropic.com/v1."""
        return path.removeprefix("/v1/")

    def token(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        """The key's header, or a bearer token."""
        return headers.get("x-api-key") or bearer(headers)

    def passed_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The version is demanded; the betas decide which fields of the body are known."""
        betas = headers.get("anthropic-beta")
        version = {"anthropic-version": headers.get("anthropic-version") or VERSION}
        return version | ({"anthropic-beta": betas} if betas else {})

    def authorization(self, key: str, base_url: str) -> dict[str, str]:
        """Anthropic takes a bearer for a login; elsewhere it is one header or the other."""
        bearer_too = urlsplit(base_url).hostname != "api.anthropic.com"
        return {"x-api-key": key} | ({"Authorization": f"Bearer {key}"} if bearer_too else {})

    def summary(self, path: str, document: dict[str, Any]) -> RequestSummary:
        """Raises ValueError without a model and messages."""
        model, messages = document.get("model"), document.get("messages")
        if not isinstance(model, str) or not isinstance(messages, list):
            raise ValueError("a message needs `model` and `messages`")
        tools = [as_text(t.get("name")) for t in map(as_dict, as_list(document.get("tools")))]
        results = [_results(message) for message in messages]
        said = [m for m in messages if as_dict(m).get("role") == "assistant"]
        return RequestSummary(
            model=model,
            stream=document.get("stream") is True,
            max_output_tokens=as_count(document.get("max_tokens")),
            messages=len(messages),
            turn=sum(map(len, results)) if tools else len(said),
            tools=tuple(tools),
            result=digest_of(block.get("content") for block in (results[-1] if results else [])),
        )

    def output_limit(self, document: dict[str, Any], tokens: int) -> dict[str, Any]:
        """Thinking with a budget must leave room below the limit, or the request is refused."""
        thinking = as_dict(document.get("thinking"))
        budget = as_count(thinking.get("budget_tokens"))
        if budget is None or budget < tokens:
            return {"max_tokens": tokens}
        fits = tokens > LEAST_THINKING
        less = {**thinking, "budget_tokens": tokens - 1} if fits else {"type": "disabled"}
        return {"max_tokens": tokens, "thinking": less}

    def additions(self, document: dict[str, Any]) -> dict[str, Any]:
        """Usage comes unasked."""
        return {}

    def plain_reply(self, body: bytes) -> Reply:
        """A message object."""
        return whole_reply(MessageTap(), body)

    def tap(self) -> MessageTap:
        """A fresh tap for one streamed reply."""
        return MessageTap()

    def fault(self, status: int, body: bytes) -> Fault:
        """As everywhere."""
        return fault_of(status, body)

    def error(self, status: int, code: str, message: str) -> bytes:
        """The format has no place for a code."""
        kind = ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return dumps({"type": "error", "error": {"type": kind, "message": message}})

    def broken_stream(self, message: str) -> bytes:
        """The leading blank line ends whatever event was cut."""
        error = {"type": "error", "error": {"type": "api_error", "message": message}}
        return b"\n\n" + named_event(error) + named_event({"type": "message_stop"})

    def model_list(self, name: str, provider: str) -> bytes:
        """A list of one."""
        model = {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}
        return dumps({"data": [model], "has_more": False, "first_id": name, "last_id": name})

    def render(self, turn: Reply, request: RequestSummary) -> Iterator[bytes]:
        """A scripted turn, with usage."""
        head = {"id": f"msg_{request.turn}", "type": "message", "role": "assistant", "model": request.model}
        stop = {"stop_reason": "tool_use" if turn.tool_calls else "end_turn", "stop_sequence": None}
        usage = {"usage": _rendered(turn.tokens)} if turn.tokens else {}
        if not request.stream:
            blocks: list[dict[str, Any]] = [{"type": "text", "text": turn.text}] if turn.text else []
            for call in turn.tool_calls:
                arguments = as_dict(_parsed(call.arguments))
                blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments})
            yield dumps({**head, "content": blocks, **stop, **usage})
            return
        begun = {"usage": {**usage["usage"], "output_tokens": 1}} if usage else {}
        nothing: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None}
        yield named_event({"type": "message_start", "message": {**head, **nothing, **begun}})
        for index, events in enumerate(_blocks(turn)):
            for event in events:
                yield named_event({**event, "index": index})
            yield named_event({"type": "content_block_stop", "index": index})
        yield named_event({"type": "message_delta", "delta": stop, **usage})
        yield named_event({"type": "message_stop"})


class MessageTap(EventTap):
    """Assembles a streamed message. Its usage is known once `message_delta` told the output."""

    def __init__(self) -> None:
        super().__init__()
        self._usage: dict[str, Any] = {}
        self._inputs: dict[int, str] = {}

    def take(self, event: dict[str, Any]) -> None:
        """One event, or a whole message object."""
        kind, index = event.get("type"), as_count(event.get("index")) or 0
        if kind == "message_start":
            usage = as_dict(as_dict(event.get("message")).get("usage"))
            self._count({**usage, "output_tokens": None})
        elif kind == "content_block_start":
            self._begin(index, as_dict(event.get("content_block")))
        elif kind == "content_block_delta":
            self._grow(index, as_dict(event.get("delta")))
        elif kind == "message_delta":
            self._count(as_dict(event.get("usage")))
        elif kind == "message_stop":
            self._complete = True
        elif kind == "message":
            for place, block in enumerate(as_list(event.get("content"))):
                self._begin(place, as_dict(block))
            self._count(as_dict(event.get("usage")))
            self._complete = "content" in event
        elif event.get("error"):
            self._error = error_text(event["error"])

    def reply(self) -> Reply:
        """What was assembled so far; a call without deltas has the input it began with."""
        for index, call in self._calls.items():
            if not call.arguments.tell():
                self._keep(call.arguments, self._inputs.get(index))
        return super().reply()

    def _begin(self, index: int, block: dict[str, Any]) -> None:
        kind = block.get("type")
        if kind == "text":
            self._keep(self._text, block.get("text"))
        elif kind == "thinking":
            self._keep(self._reasoning, block.get("thinking"))
        elif kind == "tool_use":
            self._call(index, block.get("name"), block.get("id"))
            if index in self._calls:
                self._inputs[index] = as_json(as_dict(block.get("input")))

    def _grow(self, index: int, delta: dict[str, Any]) -> None:
        kind = delta.get("type")
        if kind == "text_delta":
            self._keep(self._text, delta.get("text"))
        elif kind == "thinking_delta":
            self._keep(self._reasoning, delta.get("thinking"))
        elif kind == "input_json_delta" and index in self._calls:
            self._keep(self._calls[index].arguments, delta.get("partial_json"))

    def _count(self, usage: dict[str, Any]) -> None:
        """Counts are cumulative, and the last of each wins."""
        told: dict[str, Any] = {name: as_count(usage.get(name)) for name in COUNTS}
        details = as_dict(usage.get("output_tokens_details"))
        told |= {"thinking": as_count(details.get("thinking_tokens")), "cost": as_amount(usage.get("cost"))}
        self._usage |= {name: value for name, value in told.items() if value is not None}
        self._tokens = _tokens(self._usage)


def _results(message: Any) -> list[dict[str, Any]]:
    content = map(as_dict, as_list(as_dict(message).get("content")))
    return [block for block in content if block.get("type") == "tool_result"]


def _parsed(arguments: str) -> Any:
    try:
        return parsed(arguments)
    except ValueError:
        return None


def _tokens(usage: dict[str, Any]) -> Tokens | None:
    if "input_tokens" not in usage or "output_tokens" not in usage:
        return None
    read, written = usage.get("cache_read_input_tokens", 0), usage.get("cache_creation_input_tokens", 0)
    return Tokens(
        input=usage["input_tokens"] + read + written,
        cached_input=read,
        output=usage["output_tokens"],
        cache_write=written,
        reasoning=usage.get("thinking"),
        cost_usd=usage.get("cost"),
    )


def _rendered(tokens: Tokens) -> dict[str, Any]:
    thought = {} if tokens.reasoning is None else {"thinking_tokens": tokens.reasoning}
    return {
        "input_tokens": tokens.input - tokens.cached_input - tokens.cache_write,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached_input,
        "output_tokens": tokens.output,
        **({"output_tokens_details": thought} if thought else {}),
    }


def _blocks(turn: Reply) -> Iterator[Iterator[dict[str, Any]]]:
    if turn.text:
        yield _text_events(turn.text)
    for call in turn.tool_calls:
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        yield _call_events(block, call.arguments)


def _text_events(text: str) -> Iterator[dict[str, Any]]:
    yield {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}
    for piece in pieces(text):
        yield {"type": "content_block_delta", "delta": {"type": "text_delta", "text": piece}}


def _call_events(block: dict[str, Any], arguments: str) -> Iterator[dict[str, Any]]:
    yield {"type": "content_block_start", "content_block": block}
    for piece in pieces(arguments, ARGUMENTS_PIECE):
        delta = {"type": "input_json_delta", "partial_json": piece}
        yield {"type": "content_block_delta", "delta": delta}


WIRE: Wire = AnthropicMessages()
