from __future__ import annotations

from pathlib import Path

import pytest
from transcripts import ASKED, COMMAND, DONE, SEEN, USAGE, WIRES, conversation, exchange, write_transcript

from runner.report.exports.kit.steps import read_steps


@pytest.mark.parametrize("wire", WIRES)
def test_a_conversation_is_the_same_steps_in_every_wire_format(wire: str, tmp_path: Path) -> None:
    asked, called, done = read_steps(write_transcript(tmp_path, conversation(wire)))
    assert (asked.source, asked.text) == ("user", ASKED)
    assert (called.source, called.reasoning, called.usage) == ("agent", "Look.", USAGE)
    [call] = called.calls
    assert (call.name, call.arguments) == ("bash", COMMAND)
    assert called.results == [(call.id, SEEN)]
    assert (done.text, done.calls, done.cost_usd) == (DONE, (), 0.25)


def test_a_text_sent_twice_is_told_twice_and_phases_are_apart(tmp_path: Path) -> None:
    say = {"role": "user", "content": "go on"}
    reply = {"text": "yes", "tool_calls": []}
    lines = [
        exchange({"messages": [say]}, reply),
        exchange({"messages": [say, say]}, reply),
        exchange({"messages": [say]}, reply, phase="prove"),
    ]
    steps = read_steps(write_transcript(tmp_path, lines))
    assert [(s.source, s.phase) for s in steps if s.source == "user"] == [
        ("user", "build"),
        ("user", "build"),
        ("user", "prove"),
    ]


def test_hostile_lines_are_passed_over(tmp_path: Path) -> None:
    path = write_transcript(tmp_path, conversation("openai_chat"))
    whole = read_steps(path)
    path.write_text(f"no json\n[1]\n{path.read_text()}{{}}\n")
    assert read_steps(path) == whole


def test_arguments_that_are_no_object_and_a_stray_result_are_kept(tmp_path: Path) -> None:
    call = {"id": "c1", "name": "bash", "arguments": "ls -l"}
    stray = {"messages": [{"role": "tool", "tool_call_id": "other", "content": "?"}]}
    lines = [
        exchange({}, {"text": "", "tool_calls": [call]}),
        exchange(stray, {"text": "", "tool_calls": []}),
    ]
    called, _ = read_steps(write_transcript(tmp_path, lines))
    assert called.calls[0].arguments == {"input": "ls -l"}
    assert called.results == [(None, "?")]
