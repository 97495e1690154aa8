"""The scripted model: turns from the conversation, files byte for byte, bad scripts named."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fake_provider import Opened, Opening
from wire_samples import SAMPLES, Sample

from runner.core.errors import SpecError
from runner.core.records import Limits, Prices
from runner.gateway.scripted import ASIDE, THE_END, load_script

SCRIPT = """
title: A greeting
phases:
  build:
    - say: First a look around.
      run: ls
    - write: [greet.sh, lib]
    - say: Built.
  prove:
    - run: ./greet.sh
"""
FILES = {
    "greet.sh": b"#!/bin/sh\necho \"$HOME\" '$(id)' `pwd` \\\\ \n",
    "lib/plain.txt": b"\ttabs, trailing space \n\n\n",
    "lib/no newline": b"no newline at the end",
    "lib/empty": b"",
    "lib/carriage.txt": b"one\r\ntwo\r\n",
    "lib/binary": bytes(range(256)) * 3,
    "lib/accents é.txt": "çà 漢字 🎉\n".encode(),
    "lib/tricky": b"END_OF_FILE\nEND_OF_FILE \nEOF\n",
    "lib/nul": b"a\0b\n",
    "lib/deep/er/quote's": b"'\"\n",
}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    for name, content in FILES.items():
        path = folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "files/greet.sh").chmod(0o755)
    (folder / "script.yaml").write_text(SCRIPT)
    return folder


TOOLS = [{"type": "function", "function": {"name": "bash"}}]


def conversation(said: int) -> list[dict[str, str]]:
    """What an agent with tools sends when the model has acted `said` times."""
    acted = [{"role": "assistant", "content": "x"}, {"role": "tool", "content": "ok"}]
    return [{"role": "user", "content": "go"}, *acted * said]


async def turn(opened: Opened, said: int, **changes: Any) -> dict[str, Any]:
    """The model's answer when it has already acted `said` times."""
    status, reply = await opened.ask(messages=conversation(said), tools=TOOLS, **changes)
    assert status == 200
    document: dict[str, Any] = json.loads(reply)
    return document


async def test_turns_follow_the_conversation_and_the_phase(open_door: Opening, script: Path) -> None:
    opened = await open_door(script=str(script))
    first = await turn(opened, 0)
    assert first == await turn(opened, 0), "a repeated request gets the same answer"
    [choice] = first["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "First a look around."
    [call] = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "bash", "arguments": '{"command": "ls"}'}
    last = (await turn(opened, 2))["choices"][0]
    assert (last["finish_reason"], last["message"]) == ("stop", {"role": "assistant", "content": "Built."})
    assert (await turn(opened, 3))["choices"][0]["message"]["content"] == THE_END.text
    opened.door.begin_phase("prove", Limits())
    prove = (await turn(opened, 0))["choices"][0]["message"]
    assert json.loads(prove["tool_calls"][0]["function"]["arguments"]) == {"command": "./greet.sh"}
    opened.door.begin_phase("review", Limits())
    assert (await turn(opened, 0))["choices"][0]["message"]["content"] == THE_END.text
    assert opened.seen[0].command == "ls"


async def test_files_are_written_byte_for_byte(open_door: Opening, script: Path, tmp_path: Path) -> None:
    opened = await open_door(script=str(script))
    [call] = (await turn(opened, 1))["choices"][0]["message"]["tool_calls"]
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    command = json.loads(call["function"]["arguments"])["command"]
    assert command.startswith("# write greet.sh, lib\n")
    subprocess.run(["bash", "-c", command], cwd=workspace, check=True)
    found = {str(p.relative_to(workspace)): p for p in workspace.rglob("*") if p.is_file()}
    assert {name: path.read_bytes() for name, path in found.items()} == FILES
    assert [name for name, path in found.items() if os.access(path, os.X_OK)] == ["greet.sh"]


async def test_files_of_another_script_are_written_under_ones_own(
    open_door: Opening, script: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    for name, text in {"lib/empty": "theirs", "lib/theirs": "theirs", "other/x": "theirs"}.items():
        (shared / name).parent.mkdir(parents=True, exist_ok=True)
        (shared / name).write_text(text)
    text = "title: x\nfiles: ../shared\nphases: {build: [{write: [lib, other]}]}"
    (script / "script.yaml").write_text(text)
    opened = await open_door(script=str(script), script_files=str(shared))
    [call] = (await turn(opened, 0))["choices"][0]["message"]["tool_calls"]
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    subprocess.run(
        ["bash", "-c", json.loads(call["function"]["arguments"])["command"]], cwd=workspace, check=True
    )
    found = {str(p.relative_to(workspace)): p.read_bytes() for p in workspace.rglob("*") if p.is_file()}
    own = {name: content for name, content in FILES.items() if name.startswith("lib/")}
    assert found == own | {"lib/theirs": b"theirs", "other/x": b"theirs"}


async def test_a_streamed_turn_says_the_same_as_a_plain_one(open_door: Opening, script: Path) -> None:
    opened = await open_door(script=str(script))
    for said in range(3):
        plain = (await turn(opened, said))["choices"][0]["message"]
        status, reply = await opened.ask(messages=conversation(said), tools=TOOLS, stream=True)
        assert status == 200
        assert reply.endswith(b"\n\ndata: [DONE]\n\n")
        streamed = (await opened.settled(2 * said + 2)) and opened.transcript[-1]["reply"]
        assert streamed["text"] == (plain["content"] or "")
        calls = [c["function"] for c in plain.get("tool_calls", [])]
        assert [{"name": c["name"], "arguments": c["arguments"]} for c in streamed["tool_calls"]] == calls


async def test_usage_is_metered_and_priced(open_door: Opening, script: Path) -> None:
    opened = await open_door(script=str(script), prices=Prices(input=1, output=1))
    document = await turn(opened, 0)
    usage = opened.door.usage()
    assert usage.input_tokens == document["usage"]["prompt_tokens"] > 10
    assert usage.output_tokens == document["usage"]["completion_tokens"] == (20 + 17) // 4
    assert usage.cost_usd == pytest.approx((usage.input_tokens + 9) / 1e6)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "title: x\nphases: {build: [{run: a, write: [greet.sh]}]}",
            "phases.build.0: .*either runs or writes",
        ),
        ("title: x\nphases: {build: [{}]}", "phases.build.0: .*says, runs or writes"),
        ("title: x\nphases: {build: [{rum: ls}]}", "phases.build.0.rum"),
        ("title: x\nphases: {build: [{run: 7}]}", "phases.build.0.run"),
        ("title: x\nphases: {}", "phases"),
        ("phases: {build: []}", "title"),
        (
            "title: x\nphases: {build: [{write: [missing.rb]}]}",
            "phases.build.0.write: missing.rb: there is no",
        ),
        ("title: x\nphases: {build: [{write: [../script.yaml]}]}", "must be a path inside files/"),
        ("title: x\nphases: {build: [{write: [/etc/passwd]}]}", "must be a path inside files/"),
        ("- a list", "top level"),
        ("title: [", "not YAML"),
    ],
)
def test_a_bad_script_is_named_with_its_field(script: Path, text: str, says: str) -> None:
    (script / "script.yaml").write_text(text)
    with pytest.raises(SpecError, match=f"script.yaml: {says}|{says}") as caught:
        load_script(script)
    assert str(script / "script.yaml") in str(caught.value)


def test_a_missing_or_unreadable_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        load_script(tmp_path)
    (tmp_path / "script.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SpecError, match="cannot be read"):
        load_script(tmp_path)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
async def test_a_script_is_played_in_every_format(
    open_door: Opening, script: Path, sample: Sample, stream: bool
) -> None:
    opened = await open_door(script=str(script), wire=sample.wire)
    played = []
    for said in range(4):
        status, body = await sample.ask(opened, stream, **sample.tools, **sample.results(said))
        assert status == 200
        reply = sample.read(body, stream)
        assert (reply.complete, reply.error) == (True, None)
        exchange = (await opened.settled(said + 1))[-1]
        assert reply.tokens is not None
        assert exchange.usage.input_tokens == reply.tokens.input > 10
        assert exchange.usage.output_tokens == reply.tokens.output
        played.append((reply.text, reply.command))
    assert [text for text, _ in played] == ["First a look around.", "", "Built.", THE_END.text]
    commands = [command for _, command in played]
    assert (commands[0], commands[2:]) == ("ls", [None, None])
    assert str(commands[1]).startswith("# write greet.sh, lib\n")


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
async def test_a_side_request_without_tools_costs_no_step_in_any_format(
    open_door: Opening, script: Path, sample: Sample
) -> None:
    opened = await open_door(script=str(script), wire=sample.wire)
    _, body = await sample.ask(opened, False, **sample.results(1))
    assert sample.read(body, False).text == ASIDE
