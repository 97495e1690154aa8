"""The scripted model for agents unlike the usual: without tools, or with a call that ends the work."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.core.protocols import ToolUse, Waits
from runner.gateway.calls.upstream import Call
from runner.gateway.scripted import ASIDE, THE_END, ScriptedModel
from runner.gateway.wires.openai_chat import WIRE

BUILD = [
    {"say": "A löok first.", "run": "ls"},
    {"say": "Tests.", "write": ["test.py"]},
    {"say": 'They "fail".'},
    {"say": "Code.", "write": ["code.py"]},
    {"say": "Built."},
]
FIRST = 'A löok first.\n\n$ ls\n\nTests.\n\ntest.py: ü\n\nThey "fail".'
SECOND = "Code.\n\ncode.py: 1\n\nBuilt."


class Plain:
    """Renders all as text."""

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        return f"$ {command}"

    def write_files(self, files: Mapping[str, bytes]) -> str | None:
        return "\n".join(f"{path}: {content.decode()}" for path, content in files.items())

    def finish(self, tools: Sequence[str]) -> ToolUse | None:
        return None

    def waits(self, request: bytes) -> Waits:
        return Waits()


class Ending(Plain):
    """Has one tool, by which the work ends as well."""

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        return ToolUse(tools[0] if tools else "none", {"command": command})

    def write_files(self, files: Mapping[str, bytes]) -> str | None:
        return None

    def finish(self, tools: Sequence[str]) -> ToolUse | None:
        return self.run_command("end", tools)  # type: ignore[return-value]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/test.py").write_text("ü\n")
    (tmp_path / "files/code.py").write_text("1\n")
    (tmp_path / "script.yaml").write_text(yaml.safe_dump({"title": "x", "phases": {"build": BUILD}}))
    return tmp_path


async def reply(folder: Path, agent: Plain, document: dict[str, Any], ascii_only: bool = True) -> Any:
    document = {"model": "x", **document}
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    call = Call("build", "chat/completions", body, WIRE.summary("/v1/chat/completions", document))
    async with ScriptedModel(folder, WIRE, agent).send(call) as answer:
        chunks = [chunk async for chunk in answer.chunks]
    return json.loads(b"".join(chunks))["choices"][0]["message"]


@pytest.mark.parametrize("ascii_only", [True, False])
async def test_one_without_tools_is_told_all_up_to_the_next_words(folder: Path, ascii_only: bool) -> None:
    example = {"role": "assistant", "content": "An example of its own prompt."}
    conversation: list[dict[str, Any]] = [{"role": "user", "content": "Build it."}, example]
    for expected in (FIRST, SECOND, THE_END.text):
        said = (await reply(folder, Plain(), {"messages": conversation}, ascii_only))["content"]
        assert said == expected
        blocks = [{"type": "text", "text": f"\n{said}\n"}]  # agents strip and wrap what was said
        conversation += [{"role": "assistant", "content": blocks}, {"role": "user", "content": "It failed."}]


async def test_a_call_ends_the_work_of_one_that_needs_it(folder: Path) -> None:
    tools = [{"type": "function", "function": {"name": "shell"}}]
    for acted in (2, 9):  # the script's words, and after its end
        results = [{"role": "tool", "content": "ok"}] * acted
        message = await reply(folder, Ending(), {"messages": results, "tools": tools})
        (call,) = message["tool_calls"]
        assert call["function"] == {"name": "shell", "arguments": '{"command": "end"}'}
        assert message["content"] == {2: 'They "fail".', 9: THE_END.text}[acted]


async def test_its_side_requests_get_a_word(folder: Path) -> None:
    assert (await reply(folder, Ending(), {"messages": []}))["content"] == ASIDE
