"""OpenAI chat completions, as OpenAI, OpenRouter, DeepSeek, Z.ai, Gemini and Ollama speak it."""

from __future__ import annotations

from collections.abc import Iterator
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
from runner.gateway.wires.kit.openai import OpenAI
from runner.gateway.wires.kit.sse import (
    ARGUMENTS_PIECE,
    DONE,
    KEPT_CHARACTERS,
    EventTap,
    data_line,
    dumps,
    error_text,
    pieces,
)

NEWER_LIMIT = ("gpt-5", "o1", "o3", "o4")


class OpenAIChat(OpenAI):
    """POST /v1/chat/completions; SSE when streaming, with `[DONE]` as finish marker."""

    id = "openai_chat"
    stop_status = 401

    def serves(self, path: str) -> bool:
        """Whether a POST to `path` is a model call."""
        return path == "/v1/chat/completions"

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
        newest = takewhile(lambda m: as_dict(m).get("role") == "tool", reversed(messages))
        return RequestSummary(
            model=model,
            stream=document.get("stream") is True,
            max_output_tokens=as_count(document.get("max_tokens")) if most is None else most,
            messages=len(messages),
            turn=roles.count("tool" if tools else "assistant"),
            tools=tuple(tools),
            choices=as_count(document.get("n")) or 1,
            result=digest_of(as_dict(m).get("content") for m in newest),
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
            text=_text(message)[:KEPT_CHARACTERS],
            reasoning=_reasoning(message)[:KEPT_CHARACTERS],
            tool_calls=tuple(
                ToolCall(as_text(call.get("id")), as_text(f.get("name")), as_text(f.get("arguments")))
                for call in map(as_dict, as_list(message.get("tool_calls")))
                for f in [as_dict(call.get("function"))]
            ),
            tokens=_tokens(document.get("usage")),
            complete=bool(message),
            error=error_text(document.get("error"))
            or (None if message else "the provider's reply has no choice"),
        )

    def tap(self) -> ChatTap:
        """A fresh tap for one streamed reply."""
        return ChatTap()

    def broken_stream(self, message: str) -> bytes:
        """The leading blank line ends whatever event was cut."""
        body = self.error(502, Fault.PROVIDER_UNAVAILABLE, message)
        return b"\n\n" + data_line(body) + data_line(DONE)

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
            yield dumps({**head, "object": "chat.completion", "choices": [choice], **usage})
            return
        head["object"] = "chat.completion.chunk"
        for delta in _deltas(turn.text, calls):
            choice = {"index": 0, "delta": delta, "finish_reason": None}
            yield data_line(dumps({**head, "choices": [choice]}))
        last = {"index": 0, "delta": {}, "finish_reason": finish}
        yield data_line(dumps({**head, "choices": [last]}))
        yield data_line(dumps({**head, "choices": [], **usage}))
        yield data_line(DONE)


class ChatTap(EventTap):
    """Assembles a streamed completion from its `data:` lines."""

    done_completes = True

    def take(self, event: dict[str, Any]) -> None:
        """One chunk of a completion."""
        self._error = error_text(event.get("error")) or self._error
        self._tokens = _tokens(event.get("usage")) or self._tokens
        for choice in map(as_dict, as_list(event.get("choices"))):
            delta = as_dict(choice.get("delta"))
            self._keep(self._text, _text(delta))
            self._keep(self._reasoning, _reasoning(delta))
            for call in map(as_dict, as_list(delta.get("tool_calls"))):
                self._take_call(call)
            self._complete = self._complete or choice.get("finish_reason") is not None

    def _take_call(self, call: dict[str, Any]) -> None:
        index = as_count(call.get("index"))
        if index is None:  # Gemini leaves the index out and sends each call whole
            index = len(self._calls) if call.get("id") else max(len(self._calls) - 1, 0)
        function = as_dict(call.get("function"))
        known = self._call(index, function.get("name"), call.get("id"))
        self._keep(known.arguments, function.get("arguments"))


def _text(message: dict[str, Any]) -> str:
    return as_text(message.get("content")) or as_text(message.get("refusal"))


def _reasoning(message: dict[str, Any]) -> str:
    return as_text(message.get("reasoning_content")) or as_text(message.get("reasoning"))


def _tokens(usage: Any) -> Tokens | None:
    usage = as_dict(usage)
    read, written = as_count(usage.get("prompt_tokens")), as_count(usage.get("completion_tokens"))
    if read is None or written is None:
        return None
    details = as_dict(usage.get("prompt_tokens_details"))
    cached = as_count(details.get("cached_tokens")) or as_count(usage.get("prompt_cache_hit_tokens")) or 0
    cached = min(cached, read)
    # Gemini and xAI leave thinking out of completion_tokens but not out of the total, and bill it as output.
    written = max(written, (as_count(usage.get("total_tokens")) or 0) - read)
    return Tokens(
        input=read,
        cached_input=cached,
        output=written,
        cache_write=min(as_count(details.get("cache_write_tokens")) or 0, read - cached),
        reasoning=as_count(as_dict(usage.get("completion_tokens_details")).get("reasoning_tokens")),
        cost_usd=as_amount(usage.get("cost")),
    )


def _rendered(tokens: Tokens) -> dict[str, Any]:
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached_input,
            "cache_write_tokens": tokens.cache_write,
        },
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning or 0},
    }


def _deltas(text: str, calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for piece in pieces(text):
        yield {"content": piece}
    for index, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        yield {"tool_calls": [{"index": index, **call, "function": {**call["function"], "arguments": ""}}]}
        for piece in pieces(arguments, ARGUMENTS_PIECE):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


WIRE: Wire = OpenAIChat()
