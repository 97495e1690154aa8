"""OpenAI chat completions, as OpenAI, OpenRouter, DeepSeek, Z.ai, Gemini and Ollama speak it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from itertools import takewhile
from typing import Any

from runner.gateway.wire import (
    Fault,
    Reply,
    RequestSummary,
    Tokens,
    ToolCall,
    Wire,
    as_amount,
    as_count,
    as_dict,
    as_list,
    as_text,
    digest_of,
    parsed,
)

KEPT_CHARACTERS = 8_000_000
LINE_BYTES = 8_000_000
OVERFLOW = (
    b"context_length_exceeded",
    b"context length",
    b"context window",
    b"prompt is too long",
    b"input token count",
    b"too many tokens",
)
NO_CREDIT = (b"insufficient_quota", b"credit balance", b"insufficient balance", b"insufficient credits")
FAULTS = {
    401: Fault.BAD_KEY,
    402: Fault.NO_CREDIT,
    403: Fault.BAD_KEY,
    404: Fault.MODEL_NOT_FOUND,
    408: Fault.PROVIDER_UNAVAILABLE,
    429: Fault.RATE_LIMITED,
}
NEWER_LIMIT = ("gpt-5", "o1", "o3", "o4")
ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}


class OpenAIChat:
    """POST /v1/chat/completions; SSE when streaming, with `[DONE]` as finish marker."""

    id = "openai_chat"
    models_path = "/v1/models"
    stop_status = 401
    passed_headers: tuple[str, ...] = ()

    def serves(self, path: str) -> bool:
        """Whether a POST to `path` is a model call."""
        return path == "/v1/chat/completions"

    def upstream_path(self, path: str) -> str:
        """Base URLs of this format end in the version: https://api.openai.com/v1."""
        return path.removeprefix("/v1/")

    def token(self, headers: Mapping[str, str]) -> str | None:
        """The bearer token."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    def authorization(self, key: str) -> dict[str, str]:
        """The bearer header."""
        return {"Authorization": f"Bearer {key}"}

    def summary(self, path: str, document: dict[str, Any]) -> RequestSummary:
        """Raises ValueError without a model and messages."""
        model, messages = document.get("model"), document.get("messages")
        if not isinstance(model, str) or not isinstance(messages, list):
            raise ValueError("a chat completion needs `model` and `messages`")
        most = as_count(document.get("max_completion_tokens"))
        tools = [
            as_text(as_dict(as_dict(t).get("function")).get("name")) for t in as_list(document.get("tools"))
        ]
        roles = [as_dict(m).get("role") for m in messages]
        return RequestSummary(
            model=model,
            stream=document.get("stream") is True,
            max_output_tokens=as_count(document.get("max_tokens")) if most is None else most,
            messages=len(messages),
            turn=roles.count("tool" if tools else "assistant"),
            tools=tuple(tools),
            choices=as_count(document.get("n")) or 1,
            result=digest_of(takewhile(lambda m: as_dict(m).get("role") == "tool", reversed(messages))),
        )

    def output_limit(self, document: dict[str, Any], tokens: int) -> dict[str, Any]:
        """OpenAI's own newer models want the newer name, which other providers do not know."""
        newer = "max_completion_tokens" in document or as_text(document.get("model")).startswith(NEWER_LIMIT)
        return {"max_completion_tokens" if newer else "max_tokens": tokens}

    def additions(self, document: dict[str, Any]) -> dict[str, Any]:
        """A stream carries usage only with `include_usage`."""
        options = as_dict(document.get("stream_options"))
        if document.get("stream") is not True or options.get("include_usage") is True:
            return {}
        return {"stream_options": {**options, "include_usage": True}}

    def plain_reply(self, body: bytes) -> Reply:
        """The first choice of a completion."""
        try:
            document = as_dict(parsed(body))
        except ValueError:
            return Reply(complete=False, error="the provider's reply is not JSON")
        choice = as_dict(next(iter(as_list(document.get("choices"))), None))
        message = as_dict(choice.get("message"))
        return Reply(
            text=as_text(message.get("content"))[:KEPT_CHARACTERS],
            reasoning=_reasoning(message)[:KEPT_CHARACTERS],
            tool_calls=tuple(
                ToolCall(as_text(call.get("id")), as_text(f.get("name")), as_text(f.get("arguments")))
                for call in map(as_dict, as_list(message.get("tool_calls")))
                for f in [as_dict(call.get("function"))]
            ),
            tokens=_tokens(document.get("usage")),
            complete=bool(message),
            error=_error_message(document) or (None if message else "the provider's reply has no choice"),
        )

    def tap(self) -> ChatTap:
        """A fresh tap for one streamed reply."""
        return ChatTap()

    def fault(self, status: int, body: bytes) -> Fault:
        """By status; some providers tell exhausted credit and a full context only in the text."""
        text = body[:20_000].lower()
        if status in (400, 403, 429) and any(marker in text for marker in NO_CREDIT):
            return Fault.NO_CREDIT
        if status in (400, 413, 422) and any(marker in text for marker in OVERFLOW):
            return Fault.CONTEXT_OVERFLOW
        return FAULTS.get(status) or (Fault.PROVIDER_UNAVAILABLE if status >= 500 else Fault.REQUEST_REFUSED)

    def error(self, status: int, code: str, message: str) -> bytes:
        """An error body as OpenAI writes it."""
        kind = ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        return _dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})

    def broken_stream(self, message: str) -> bytes:
        """The leading blank line ends whatever event was cut."""
        body = self.error(502, Fault.PROVIDER_UNAVAILABLE, message)
        return b"\n\n" + _event(body) + _event(b"[DONE]")

    def model_list(self, name: str, provider: str) -> bytes:
        """A list of one."""
        model = {"id": name, "object": "model", "created": 0, "owned_by": provider}
        return _dumps({"object": "list", "data": [model]})

    def render(self, turn: Reply, request: RequestSummary) -> Iterator[bytes]:
        """A scripted turn, with usage."""
        head = {"id": f"chatcmpl-{request.turn}", "created": 0, "model": request.model}
        calls = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in turn.tool_calls
        ]
        finish = "tool_calls" if calls else "stop"
        usage = {"usage": _rendered(turn.tokens)} if turn.tokens else {}
        if not request.stream:
            message: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
            message |= {"tool_calls": calls} if calls else {}
            choice = {"index": 0, "message": message, "finish_reason": finish}
            yield _dumps({**head, "object": "chat.completion", "choices": [choice], **usage})
            return
        head["object"] = "chat.completion.chunk"
        for delta in _deltas(turn.text, calls):
            choice = {"index": 0, "delta": delta, "finish_reason": None}
            yield _event(_dumps({**head, "choices": [choice]}))
        last = {"index": 0, "delta": {}, "finish_reason": finish}
        yield _event(_dumps({**head, "choices": [last]}))
        yield _event(_dumps({**head, "choices": [], **usage}))
        yield _event(b"[DONE]")


@dataclass
class _OpenCall:
    id: str = ""
    name: str = ""
    arguments: StringIO = field(default_factory=StringIO)


class ChatTap:
    """Assembles a streamed completion from its `data:` lines."""

    def __init__(self) -> None:
        self._partial = b""
        self._room = KEPT_CHARACTERS
        self._text, self._reasoning = StringIO(), StringIO()
        self._calls: dict[int, _OpenCall] = {}
        self._tokens: Tokens | None = None
        self._complete = False
        self._error: str | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, cut anywhere."""
        *lines, rest = (self._partial + chunk).split(b"\n")
        self._partial = rest if len(rest) <= LINE_BYTES else b""
        for line in lines:
            if line.startswith(b"data:"):
                self._take(line[5:].strip())

    def reply(self) -> Reply:
        """What was assembled so far."""
        calls = (ToolCall(c.id, c.name, c.arguments.getvalue()) for c in self._calls.values())
        return Reply(
            text=self._text.getvalue(),
            reasoning=self._reasoning.getvalue(),
            tool_calls=tuple(calls),
            tokens=self._tokens,
            complete=self._complete,
            error=self._error,
        )

    def _take(self, data: bytes) -> None:
        if data == b"[DONE]":
            self._complete = True
            return
        try:
            event = as_dict(parsed(data))
        except ValueError:
            self._error = "the provider sent a malformed event"
            return
        self._error = _error_message(event) or self._error
        self._tokens = _tokens(event.get("usage")) or self._tokens
        for choice in map(as_dict, as_list(event.get("choices"))):
            delta = as_dict(choice.get("delta"))
            self._keep(self._text, delta.get("content"))
            self._keep(self._reasoning, _reasoning(delta))
            for call in map(as_dict, as_list(delta.get("tool_calls"))):
                self._take_call(call)
            self._complete = self._complete or choice.get("finish_reason") is not None

    def _take_call(self, call: dict[str, Any]) -> None:
        index = as_count(call.get("index"))
        if index is None:  # Gemini leaves the index out and sends each call whole
            index = len(self._calls) if call.get("id") else max(len(self._calls) - 1, 0)
        known = self._calls.setdefault(index, _OpenCall())
        function = as_dict(call.get("function"))
        known.id = known.id or as_text(call.get("id"))
        known.name = known.name or as_text(function.get("name"))
        self._keep(known.arguments, function.get("arguments"))

    def _keep(self, into: StringIO, text: Any) -> None:
        kept = as_text(text)[: self._room]
        self._room -= len(kept)
        into.write(kept)


def _reasoning(message: dict[str, Any]) -> str:
    return as_text(message.get("reasoning_content")) or as_text(message.get("reasoning"))


def _error_message(document: dict[str, Any]) -> str | None:
    error = document.get("error")
    if not error:
        return None
    return as_text(as_dict(error).get("message")) or json.dumps(error)[:1000]


def _tokens(usage: Any) -> Tokens | None:
    usage = as_dict(usage)
    read, written = as_count(usage.get("prompt_tokens")), as_count(usage.get("completion_tokens"))
    if read is None or written is None:
        return None
    details = as_dict(usage.get("prompt_tokens_details"))
    cached = as_count(details.get("cached_tokens")) or as_count(usage.get("prompt_cache_hit_tokens")) or 0
    # Gemini and xAI leave thinking out of completion_tokens but not out of the total, and bill it as output.
    written = max(written, (as_count(usage.get("total_tokens")) or 0) - read)
    return Tokens(
        input=read,
        cached_input=min(cached, read),
        output=written,
        cache_write=min(as_count(details.get("cache_write_tokens")) or 0, read),
        reasoning=as_count(as_dict(usage.get("completion_tokens_details")).get("reasoning_tokens")),
        cost_usd=as_amount(usage.get("cost")),
    )


def _rendered(tokens: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached_input},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning or 0},
    }


def _deltas(text: str, calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for start in range(0, len(text), 80):
        yield {"content": text[start : start + 80]}
    for index, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        yield {"tool_calls": [{"index": index, **call, "function": {**call["function"], "arguments": ""}}]}
        for start in range(0, len(arguments), 2000):
            piece = {"index": index, "function": {"arguments": arguments[start : start + 2000]}}
            yield {"tool_calls": [piece]}


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def _dumps(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


WIRE: Wire = OpenAIChat()
