"""Turns of a scripted model beyond one command a step: large files, and waiting for a command."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.agents.bash import BashAgent
from runner.core.protocols import ToolUse, Waits
from runner.gateway.calls.upstream import Call
from runner.gateway.scripted import COMMAND_BYTES, ScriptedModel
from runner.gateway.wires.openai_chat import WIRE

TOOLS = [{"type": "function", "function": {"name": "bash"}}]
FILES: Mapping[str, bytes] = {
    "large/binary": os.urandom(200_000),
    "large/text": "çà 漢字 🎉 $HOME\n".encode() * 8000,
    "large/start": b"#!/bin/sh\n" + b"# padding\n" * 10_000,
    "large/small": b"a\n",
}
SCRIPT = """
title: Large
phases:
  build:
    - say: All of it.
      write: [large]
    - run: ls
    - say: Done.
"""


class Waiting(BashAgent):
    """An agent whose commands sometimes go on."""

    waited = Waits()

    def waits(self, request: bytes) -> Waits:
        return self.waited


@pytest.fixture
def agent() -> Waiting:
    return Waiting("")


@pytest.fixture
def model(tmp_path: Path, agent: Waiting) -> ScriptedModel:
    for name, content in FILES.items():
        (tmp_path / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / name).write_bytes(content)
    (tmp_path / "files/large/start").chmod(0o755)
    (tmp_path / "script.yaml").write_text(SCRIPT)
    return ScriptedModel(tmp_path, WIRE, agent)


async def message(model: ScriptedModel, results: int) -> dict[str, Any]:
    """What the model says after so many tool results."""
    messages: Sequence[dict[str, str]] = [{"role": "tool", "content": "ok"}] * results
    document = {"model": "m", "messages": messages, "tools": TOOLS}
    path = "/v1/chat/completions"
    call = Call("build", path, json.dumps(document).encode(), WIRE.summary(path, document))
    async with model.send(call) as answer:
        body = b"".join([chunk async for chunk in answer.chunks])
    said: dict[str, Any] = json.loads(body)["choices"][0]["message"]
    return said


def command(said: dict[str, Any]) -> str:
    [call] = said["tool_calls"]
    text: str = json.loads(call["function"]["arguments"])["command"]
    return text


async def test_large_files_are_written_by_several_commands(model: ScriptedModel, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    turn = 0
    while (text := command(said := await message(model, turn))) != "ls":
        assert said["content"] == ("All of it." if turn == 0 else None)
        assert len(text.encode()) < COMMAND_BYTES * 1.1
        subprocess.run(["bash", "-c", text], cwd=workspace, check=True)
        turn += 1
    assert turn > 5
    assert {name: (workspace / name).read_bytes() for name in FILES} == FILES
    assert [name for name in FILES if os.access(workspace / name, os.X_OK)] == ["large/start"]
    assert (await message(model, turn + 1))["content"] == "Done."


async def test_waiting_costs_no_turn(model: ScriptedModel, agent: Waiting) -> None:
    second = command(await message(model, 1))
    agent.waited = Waits(2, ToolUse("bash", {"command": "wait"}))
    assert command(await message(model, 3)) == "wait"
    agent.waited = Waits(2)
    assert command(await message(model, 3)) == second
