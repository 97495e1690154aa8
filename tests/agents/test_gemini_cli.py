"""Gemini CLI: its events, its quirks about commands and exit codes, and what is switched off."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.agents.gemini_cli import AGENT, GeminiCli
from runner.agents.kit.cli import AgentLog
from runner.core.protocols import Endpoint, ExecResult, Step, ToolUse
from runner.core.records import Limits, Usage

LOG = (Path(__file__).parent / "logs/gemini_cli.jsonl").read_bytes()
SHELL = "run_shell_command"
ENDPOINT = Endpoint("http://127.0.0.1:1", "m", "t", "gemini")


class Ended:
    """A sandbox in which everything ends with one exit code, but the version is right."""

    id = "fake"

    def __init__(self, code: int | None) -> None:
        self._code = code

    async def exec(self, argv: Any, **how: Any) -> ExecResult:
        if tuple(argv) == GeminiCli.version_command:
            return ExecResult(0, 0, stdout=AGENT.version.encode())
        return ExecResult(0 if argv[0] == "sh" else self._code, 0, stdout=LOG)

    async def put(self, files: Mapping[str, bytes] | Any, path: str = "/workspace") -> None:
        pass

    async def get(self, path: str, destination: Path, max_bytes: int) -> None:
        raise NotImplementedError

    async def restart(self) -> None:
        raise NotImplementedError


def test_its_events_are_told() -> None:
    assert GeminiCli().read(LOG).steps == (
        Step("said", "Look."),
        Step("called", "echo hi; false", SHELL),
        Step("returned", "hi", SHELL),
        Step("said", "Done."),
    )


def test_its_usage_is_that_of_the_whole_session() -> None:
    reported = GeminiCli().read(LOG).reported
    assert reported == Usage(
        input_tokens=24_220,
        output_tokens=9,
        cached_input_tokens=0,
        cache_write_tokens=None,
        reasoning_tokens=None,
        cost_usd=None,
    )


def test_a_session_that_was_killed_reports_nothing() -> None:
    killed = b"\n".join(LOG.splitlines()[:-1])
    assert GeminiCli().read(killed) == AgentLog(GeminiCli().read(LOG).steps, None)


def test_pieces_of_a_message_are_one_and_errors_are_told() -> None:
    pieces = [{"type": "message", "role": "assistant", "content": text, "delta": True} for text in ("a", "b")]
    failed = {"type": "result", "status": "error", "error": {"message": "403"}}
    log = "\n".join(map(json.dumps, [*pieces, failed])).encode()
    assert GeminiCli().read(log).steps == (Step("said", "ab"), Step("noted", "403"))


@pytest.mark.parametrize(
    "command",
    ["echo \"$(echo 'a b')\"", "echo `echo it\\'s`", "cat <(echo x)", "cat <<'E'\n$(x) 'y' \"z\"\nE"],
)
def test_what_looks_like_a_substitution_comes_in_single_quotes_and_does_the_same(command: str) -> None:
    use = AGENT.run_command(command, [SHELL])
    assert isinstance(use, ToolUse)
    wrapped = use.arguments["command"]
    assert not _refused(wrapped)
    ran = [subprocess.run(["bash", "-c", c], capture_output=True, check=True) for c in (command, wrapped)]
    assert ran[0].stdout == ran[1].stdout != b""


def test_other_commands_stay_as_they_are() -> None:
    assert AGENT.run_command("ls 'a' | wc -l", [SHELL]) == ToolUse(SHELL, {"command": "ls 'a' | wc -l"})


@pytest.mark.parametrize(
    ("code", "told"), [(0, 0), (1, 1), (403 & 255, 1), (503 & 255, 1), (137, 137), (None, None)]
)
async def test_a_status_as_exit_code_is_a_failure_and_no_signal(code: int | None, told: int | None) -> None:
    session = await AGENT.run(Ended(code), "Build it.", ENDPOINT, Limits())
    assert session.result.exit_code == told


def test_every_side_request_is_for_the_runs_model() -> None:
    launch = GeminiCli().launch("Build it.", ENDPOINT, Limits(command_s=77))
    settings = json.loads(launch.files["/home/agent/.gemini/settings.json"])
    (override,) = settings["modelConfigs"]["customOverrides"]
    assert override == {"match": {"model": "base"}, "modelConfig": {"model": "m"}}
    assert settings["tools"]["shell"]["inactivityTimeout"] == 77
    assert settings["privacy"] == {"usageStatisticsEnabled": False}


def _refused(command: str) -> bool:
    """As it decides: substitution outside of single quotes, where any quote toggles."""
    single = double = False
    for n, char in enumerate(command):
        if char == "'" and not double:
            single = not single
        elif char == '"' and not single:
            double = not double
        elif not single and (char == "`" or command[n : n + 2] in ("$(", "<(", ">(")):
            return True
    return False
