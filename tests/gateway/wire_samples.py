"""One exchange in each wire format, as its provider documents it, and how an agent speaks it to a door.

The streamed and the plain reply of a sample say the same. Chunks are cut at odd places.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from fake_provider import Opened

from runner.core.registry import load
from runner.gateway import wires
from runner.gateway.wire import Reply, Tokens, ToolCall, Wire

TEXT = "I will look."
LS = ToolCall("call_1", "bash", '{"command": "ls -la"}')
PWD = ToolCall("call_2", "bash", '{"command": "pwd"}')


def cut(text: str, *ends: str) -> list[bytes]:
    """`text` in chunks that end after the first occurrence of each of `ends`."""
    chunks = []
    for end in ends:
        head, found, text = text.partition(end)
        assert found, f"{end!r} is not in what is left"
        chunks.append((head + found).encode())
    return [*chunks, text.encode()]


def data(*events: Any) -> str:
    """Events without a name."""
    return "".join(f"data: {e if isinstance(e, str) else json.dumps(e)}\n\n" for e in events)


def named(*events: Any) -> str:
    """Events named by their type."""
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)


def delta(**fields: Any) -> dict[str, Any]:
    return {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": fields, "finish_reason": None}],
    }


def called(index: int, call: ToolCall | None = None, arguments: str = "") -> dict[str, Any]:
    head = {"id": call.id, "type": "function"} if call else {}
    function = {**({"name": call.name} if call else {}), "arguments": arguments}
    return delta(tool_calls=[{"index": index, **head, "function": function}])


@dataclass(frozen=True, repr=False)
class Sample:
    """A wire with one reply of two parallel tool calls. `marker` is in the event that finishes a reply,
    `final` is how a stream ends that the gateway had to end."""

    wire: str
    path: str
    stream_path: str
    upstream: str
    key_header: str
    asked: dict[str, Any]
    streamed: dict[str, Any]
    chunks: list[bytes]
    plain: bytes
    reply: Reply
    marker: bytes
    final: bytes
    tools: dict[str, Any]
    results: Callable[[int], dict[str, Any]]

    def __repr__(self) -> str:
        return self.wire

    @property
    def speaker(self) -> Wire:
        wire: Wire = load(wires, self.wire, "wire format").WIRE
        return wire

    def body(self, stream: bool, **changes: Any) -> bytes:
        """A request, with odd spacing so that a re-encoded one would be noticed."""
        document = {**self.asked, **(self.streamed if stream else {}), **changes}
        return json.dumps(document, indent=1).encode()

    def url(self, stream: bool) -> str:
        return "http://door" + (self.stream_path if stream else self.path)

    def headers(self, token: str) -> dict[str, str]:
        value = f"Bearer {token}" if self.key_header == "Authorization" else token
        return {self.key_header: value, "Content-Type": "application/json"}

    def asking(self, opened: Opened, stream: bool, **changes: Any) -> aiohttp.client._RequestContextManager:
        """A model call with the right token."""
        headers = self.headers(opened.door.token)
        return opened.client.post(self.url(stream), data=self.body(stream, **changes), headers=headers)

    async def ask(self, opened: Opened, stream: bool, **changes: Any) -> tuple[int, bytes]:
        """Status and body of a model call with the right token."""
        async with self.asking(opened, stream, **changes) as reply:
            return reply.status, await reply.read()

    def read(self, body: bytes, stream: bool) -> Reply:
        """What an agent gets to know from a reply."""
        if not stream:
            return self.speaker.plain_reply(body)
        tap = self.speaker.tap()
        tap.feed(body)
        return tap.reply()


def _chat_results(said: int) -> dict[str, Any]:
    acted = [{"role": "assistant", "content": "x"}, {"role": "tool", "tool_call_id": "c", "content": "ok"}]
    return {"messages": [{"role": "user", "content": "go"}, *acted * said]}


CHAT = Sample(
    wire="openai_chat",
    path="/v1/chat/completions",
    stream_path="/v1/chat/completions",
    upstream="/v1",
    key_header="Authorization",
    asked={"model": "mock-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 100},
    streamed={"stream": True, "stream_options": {"include_usage": True}},
    chunks=cut(
        data(delta(role="assistant", content="", refusal=None), delta(content="I will"))
        + ": keep-alive\n\n"
        + data(
            delta(content=" look."),
            delta(reasoning_content="Hm."),
            called(0, LS),
            called(0, arguments='{"command": '),
            called(0, arguments='"ls -la"}'),
            called(1, PWD, PWD.arguments),
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
            {
                "choices": [],
                "usage": {
                    "prompt_tokens": 1200,
                    "completion_tokens": 90,
                    "total_tokens": 1290,
                    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
                    "completion_tokens_details": {"reasoning_tokens": 40},
                },
            },
            "[DONE]",
        ),
        "I wil",
        " look.",
        "call_1",
        "-la",
        "[DON",
    ),
    plain=json.dumps(
        {
            "id": "chatcmpl-1",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": TEXT,
                        "reasoning_content": "Hm.",
                        "refusal": None,
                        "tool_calls": [
                            {
                                "id": c.id,
                                "type": "function",
                                "function": {"name": c.name, "arguments": c.arguments},
                            }
                            for c in (LS, PWD)
                        ],
                    },
                    "finish_reason": "tool_calls",
                }
            ],
            "usage": {
                "prompt_tokens": 1200,
                "completion_tokens": 90,
                "total_tokens": 1290,
                "prompt_tokens_details": {"cached_tokens": 1024},
                "completion_tokens_details": {"reasoning_tokens": 40},
            },
        },
        indent=3,
    ).encode(),
    reply=Reply(TEXT, "Hm.", (LS, PWD), Tokens(1200, 1024, 90, reasoning=40)),
    marker=b'"tool_calls"}',
    final=b"data: [DONE]\n\n",
    tools={"tools": [{"type": "function", "function": {"name": "bash"}}]},
    results=_chat_results,
)


def _responses_results(said: int) -> dict[str, Any]:
    acted = [
        {"type": "function_call", "call_id": "c", "name": "bash", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
    ]
    return {"input": [{"type": "message", "role": "user", "content": "go"}, *acted * said]}


def _function_call(call: ToolCall, **fields: Any) -> dict[str, Any]:
    told = {"type": "function_call", "id": f"fc_{call.id}", "status": "completed", "call_id": call.id}
    return {**told, "name": call.name, "arguments": call.arguments, **fields}


RESPONSES_OUTPUT = [
    {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "gAAA",
    },
    {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
    },
    _function_call(LS),
    _function_call(PWD),
]
RESPONSES_WHOLE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1741290958,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": "mock-1",
    "output": RESPONSES_OUTPUT,
    "usage": {
        "input_tokens": 1200,
        "input_tokens_details": {"cached_tokens": 1024},
        "output_tokens": 90,
        "output_tokens_details": {"reasoning_tokens": 40},
        "total_tokens": 1290,
    },
}
RESPONSES_BEGUN = {**RESPONSES_WHOLE, "status": "in_progress", "output": [], "usage": None}
TEXT_PLACE = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
LS_PLACE = {"item_id": "fc_call_1", "output_index": 2}
RESPONSES = Sample(
    wire="openai_responses",
    path="/v1/responses",
    stream_path="/v1/responses",
    upstream="/v1",
    key_header="Authorization",
    asked={"model": "mock-1", "input": [{"role": "user", "content": "hi"}], "max_output_tokens": 100},
    streamed={"stream": True},
    chunks=cut(
        named(
            {"type": "response.created", "sequence_number": 0, "response": RESPONSES_BEGUN},
            {"type": "response.in_progress", "sequence_number": 1, "response": RESPONSES_BEGUN},
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {**RESPONSES_OUTPUT[0], "summary": []},
            },
            {
                "type": "response.reasoning_summary_text.delta",
                "item_id": "rs_1",
                "output_index": 0,
                "summary_index": 0,
                "delta": "Hm.",
            },
            {
                "type": "response.reasoning_summary_text.done",
                "item_id": "rs_1",
                "output_index": 0,
                "summary_index": 0,
                "text": "Hm.",
            },
            {"type": "response.output_item.done", "output_index": 0, "item": RESPONSES_OUTPUT[0]},
            {
                "type": "response.output_item.added",
                "output_index": 1,
                "item": {**RESPONSES_OUTPUT[1], "content": []},
            },
            {
                "type": "response.content_part.added",
                **TEXT_PLACE,
                "part": {"type": "output_text", "text": ""},
            },
            {"type": "response.output_text.delta", **TEXT_PLACE, "delta": "I will"},
            {"type": "response.output_text.delta", **TEXT_PLACE, "delta": " look."},
            {"type": "response.output_text.done", **TEXT_PLACE, "text": TEXT},
            {
                "type": "response.content_part.done",
                **TEXT_PLACE,
                "part": {"type": "output_text", "text": TEXT},
            },
            {"type": "response.output_item.done", "output_index": 1, "item": RESPONSES_OUTPUT[1]},
            {
                "type": "response.output_item.added",
                "output_index": 2,
                "item": _function_call(LS, arguments=""),
            },
            {"type": "response.function_call_arguments.delta", **LS_PLACE, "delta": '{"command": '},
            {"type": "response.function_call_arguments.delta", **LS_PLACE, "delta": '"ls -la"}'},
            {"type": "response.function_call_arguments.done", **LS_PLACE, "arguments": LS.arguments},
            {"type": "response.output_item.done", "output_index": 2, "item": RESPONSES_OUTPUT[2]},
            {"type": "response.output_item.done", "output_index": 3, "item": RESPONSES_OUTPUT[3]},
            {"type": "response.completed", "sequence_number": 19, "response": RESPONSES_WHOLE},
        ),
        "rs_1",
        "I wil",
        " look.",
        "-la",
        "response.completed\n",
        "resp_1",
    ),
    plain=json.dumps(RESPONSES_WHOLE, indent=3).encode(),
    reply=Reply(TEXT, "Hm.", (LS, PWD), Tokens(1200, 1024, 90, reasoning=40)),
    marker=b"response.completed",
    final=b"}}\n\n",
    tools={"tools": [{"type": "function", "name": "bash", "parameters": {}}]},
    results=_responses_results,
)


def _messages_results(said: int) -> dict[str, Any]:
    acted = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "bash", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}]},
    ]
    return {"messages": [{"role": "user", "content": "go"}, *acted * said]}


def _tool_use(call: ToolCall, **fields: Any) -> dict[str, Any]:
    told = {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}
    return {**told, **fields}


def _block_delta(index: int, kind: str, **fields: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


MESSAGES_USAGE = {
    "input_tokens": 76,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 1024,
    "output_tokens": 90,
}
MESSAGES_HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "mock-1"}
MESSAGES = Sample(
    wire="anthropic_messages",
    path="/v1/messages",
    stream_path="/v1/messages?beta=true",
    upstream="/v1",
    key_header="x-api-key",
    asked={"model": "mock-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 100},
    streamed={"stream": True},
    chunks=cut(
        named(
            {
                "type": "message_start",
                "message": {
                    **MESSAGES_HEAD,
                    "content": [],
                    "stop_reason": None,
                    "usage": {**MESSAGES_USAGE, "output_tokens": 3},
                },
            },
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "thinking", "thinking": "", "signature": ""},
            },
            {"type": "ping"},
            _block_delta(0, "thinking_delta", thinking="Hm."),
            _block_delta(0, "signature_delta", signature="EqQB"),
            {"type": "content_block_stop", "index": 0},
            {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
            _block_delta(1, "text_delta", text="I will"),
            _block_delta(1, "text_delta", text=" look."),
            {"type": "content_block_stop", "index": 1},
            {"type": "content_block_start", "index": 2, "content_block": _tool_use(LS, input={})},
            _block_delta(2, "input_json_delta", partial_json=""),
            _block_delta(2, "input_json_delta", partial_json='{"command": '),
            _block_delta(2, "input_json_delta", partial_json='"ls -la"}'),
            {"type": "content_block_stop", "index": 2},
            {"type": "content_block_start", "index": 3, "content_block": _tool_use(PWD, input={})},
            _block_delta(3, "input_json_delta", partial_json=PWD.arguments),
            {"type": "content_block_stop", "index": 3},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "tool_use", "stop_sequence": None},
                "usage": {"output_tokens": 90},
            },
            {"type": "message_stop"},
        ),
        "msg_1",
        "I wil",
        " look.",
        "-la",
        "message_delta\n",
        "event: message_sto",
    ),
    plain=json.dumps(
        {
            **MESSAGES_HEAD,
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"},
                {"type": "text", "text": TEXT},
                _tool_use(LS),
                _tool_use(PWD),
            ],
            "stop_reason": "tool_use",
            "usage": MESSAGES_USAGE,
        },
        indent=3,
    ).encode(),
    reply=Reply(TEXT, "Hm.", (LS, PWD), Tokens(1200, 1024, 90, cache_write=100)),
    marker=b"message_stop",
    final=b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    tools={"tools": [{"name": "bash", "input_schema": {"type": "object"}}]},
    results=_messages_results,
)


def _gemini_results(said: int) -> dict[str, Any]:
    acted = [
        {"role": "model", "parts": [{"functionCall": {"name": "bash", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "bash", "response": {"output": "ok"}}}]},
    ]
    return {"contents": [{"role": "user", "parts": [{"text": "go"}]}, *acted * said]}


def _chunk(*parts: dict[str, Any], usage: dict[str, int], **fields: str) -> dict[str, Any]:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **fields}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "mock-1"}


def _function_part(call: ToolCall) -> dict[str, Any]:
    return {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}}


GEMINI_BEGUN = {"promptTokenCount": 1200, "totalTokenCount": 1200, "cachedContentTokenCount": 1024}
GEMINI_USAGE = {**GEMINI_BEGUN, "candidatesTokenCount": 50, "thoughtsTokenCount": 40, "totalTokenCount": 1290}
GEMINI = Sample(
    wire="gemini",
    path="/v1beta/models/mock-1:generateContent",
    stream_path="/v1beta/models/mock-1:streamGenerateContent?alt=sse",
    upstream="/v1beta",
    key_header="x-goog-api-key",
    asked={
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "generationConfig": {"maxOutputTokens": 100},
    },
    streamed={},
    chunks=cut(
        data(
            _chunk({"text": "Hm.", "thought": True}, usage=GEMINI_BEGUN),
            _chunk({"text": "I will"}, usage={**GEMINI_BEGUN, "candidatesTokenCount": 4}),
            _chunk({"text": " look."}, usage={**GEMINI_BEGUN, "candidatesTokenCount": 9}),
            _chunk(_function_part(LS), _function_part(PWD), usage=GEMINI_BEGUN),
            _chunk({"text": ""}, usage=GEMINI_USAGE, finishReason="STOP"),
        ).replace("\n\n", "\r\n\r\n"),
        "Hm",
        "I wil",
        " look.",
        "-la",
        "STO",
    ),
    plain=json.dumps(
        _chunk(
            {"text": "Hm.", "thought": True},
            {"text": TEXT},
            _function_part(LS),
            _function_part(PWD),
            usage=GEMINI_USAGE,
            finishReason="STOP",
        ),
        indent=3,
    ).encode(),
    reply=Reply(TEXT, "Hm.", (LS, PWD), Tokens(1200, 1024, 90, reasoning=40)),
    marker=b"finishReason",
    final=b'"finishReason":"OTHER","index":0}]}\n\n',
    tools={"tools": [{"functionDeclarations": [{"name": "bash", "parameters": {"type": "OBJECT"}}]}]},
    results=_gemini_results,
)
SAMPLES = (CHAT, RESPONSES, MESSAGES, GEMINI)
