"""qwen-code: its events, and what is switched off."""

from __future__ import annotations

import json
from pathlib import Path

from runner.agents.kit.cli import AgentLog
from runner.agents.qwen_code import AGENT, QwenCode
from runner.core.protocols import Endpoint, Step, ToolUse
from runner.core.records import Limits, Usage

LOG = (Path(__file__).parent / "logs/qwen_code.jsonl").read_bytes()
SHELL = "run_shell_command"


def test_its_events_are_told() -> None:
    said, called, returned, done = QwenCode().read(LOG).steps
    assert (said, done) == (Step("said", "Look."), Step("said", "Done."))
    assert called == Step("called", "echo hi; false", SHELL)
    assert (returned.kind, returned.tool) == ("returned", SHELL)
    assert "Output: hi\n" in returned.text


def test_its_usage_is_that_of_the_whole_session() -> None:
    assert QwenCode().read(LOG).reported == Usage(
        requests=2,
        input_tokens=35_730,
        output_tokens=20,
        cached_input_tokens=0,
        cache_write_tokens=None,
        reasoning_tokens=None,
        cost_usd=None,
    )


def test_a_session_that_was_killed_reports_nothing() -> None:
    killed = b"\n".join(LOG.splitlines()[:-1])
    assert QwenCode().read(killed) == AgentLog(QwenCode().read(LOG).steps, None)


def test_an_error_and_thinking_are_told() -> None:
    thinking = {"type": "assistant", "message": {"content": [{"type": "thinking", "thinking": "Hm."}]}}
    failed = {"type": "result", "is_error": True, "error": {"message": "401"}}
    log = "\n".join(map(json.dumps, (thinking, failed))).encode()
    assert QwenCode().read(log).steps == (Step("thought", "Hm."), Step("noted", "401"))


def test_commands_run_in_the_foreground_as_long_as_it_allows() -> None:
    arguments = {"command": "ls", "is_background": False, "timeout": 600_000}
    assert AGENT.run_command("ls", [SHELL]) == ToolUse(SHELL, arguments)


def test_it_gets_no_hold_of_sed_and_sleep() -> None:
    for command in ("sed -i s/a/b/ x", " sleep 5; ls"):
        use = AGENT.run_command(command, [SHELL])
        assert isinstance(use, ToolUse)
        assert use.arguments["command"] == f"true && {command}"


def test_it_changes_no_commit_and_asks_no_other_model() -> None:
    launch = QwenCode().launch("Build it.", Endpoint("http://127.0.0.1:1", "m", "t"), Limits(command_s=9999))
    settings = json.loads(launch.files["/home/agent/.qwen/settings.json"])
    assert settings["general"]["gitCoAuthor"] == {"commit": False, "pr": False}
    assert settings["tools"]["shell"]["defaultTimeoutMs"] == 600_000
    assert settings["privacy"] == {"usageStatisticsEnabled": False}
    assert settings["memory"]["enableManagedAutoMemory"] is False
    assert "/home/agent/.qwen" in launch.state
