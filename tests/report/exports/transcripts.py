"""The same short conversation in every wire format, as the gateway writes it down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ASKED, COMMAND, SEEN, DONE = "Build it.", {"command": "ls"}, "Gemfile", "It is built."
AT = "2026-04-01T12:00:00+00:00"
USAGE = {"input_tokens": 11, "cached_input_tokens": 3, "output_tokens": 5}

WIRES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "openai_chat": (
        {"messages": [{"role": "user", "content": ASKED}]},
        {
            "messages": [
                {"role": "user", "content": ASKED},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "function": {"name": "bash", "arguments": json.dumps(COMMAND)}}
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": SEEN},
            ]
        },
    ),
    "openai_responses": (
        {"input": [{"type": "message", "role": "user", "content": ASKED}]},
        {
            "input": [
                {"type": "message", "role": "user", "content": ASKED},
                {
                    "type": "function_call",
                    "call_id": "c1",
                    "name": "bash",
                    "arguments": json.dumps(COMMAND),
                },
                {"type": "function_call_output", "call_id": "c1", "output": SEEN},
            ]
        },
    ),
    "anthropic_messages": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ASKED}]}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": ASKED, "cache_control": {"type": "ephemeral"}}],
                },
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "c1", "name": "bash", "input": COMMAND}],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": SEEN}]},
            ]
        },
    ),
    "gemini": (
        {"contents": [{"role": "user", "parts": [{"text": ASKED}]}]},
        {
            "contents": [
                {"role": "user", "parts": [{"text": ASKED}]},
                {"role": "model", "parts": [{"functionCall": {"name": "bash", "args": COMMAND}}]},
                {
                    "role": "user",
                    "parts": [{"functionResponse": {"name": "bash", "response": {"output": SEEN}}}],
                },
            ]
        },
    ),
}


def exchange(request: dict[str, Any], reply: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    told = {"n": 1, "phase": "build", "at": AT, "wall_s": 1.5, "status": 200, "attempt": 1}
    return {**told, "usage": USAGE, "cost_usd": 0.25, "request": request, "reply": reply, **changes}


def conversation(wire: str) -> list[dict[str, Any]]:
    first, second = WIRES[wire]
    call = {"id": "" if wire == "gemini" else "c1", "name": "bash", "arguments": json.dumps(COMMAND)}
    refused = {"status": 503, "error": "overloaded", "usage": {}, "cost_usd": None}
    return [
        exchange(first, None, **refused),
        exchange(first, {"text": "", "reasoning": "Look.", "tool_calls": [call]}, attempt=2),
        exchange(second, {"text": DONE, "reasoning": "", "tool_calls": []}, n=2),
    ]


def write_transcript(folder: Path, lines: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "transcript.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path
