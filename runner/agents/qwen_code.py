"""qwen-code: a program for Node, with OpenAI's chat format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from runner.agents.kit.cli import CONTEXT_TOKENS, HOME, AgentLog, CliAgent, Launch
from runner.agents.kit.events import at, called, json_lines, number, objects, words
from runner.agents.kit.node import node
from runner.agents.kit.npm import Package, unpacked
from runner.core.protocols import Agent, Endpoint, Step, ToolUse
from runner.core.records import Limits, Usage

PACKAGE = Package(
    "@qwen-code/qwen-code",
    "0.24.4",
    "sha512-pmexy/Nj+BKd3Un1ogqGQE8V4GJn5B6N9PQOrU1GH+lMR29kn6Bgf6YdbZa8hNIoTmAKT1LTPK+P8TibZRPPVg==",
)
UNUSED = ("package/web-shell", "package/vendor/ripgrep/*-win32", "package/vendor/ripgrep/*-darwin")
PROGRAM = ("/opt/qwen-code/bin/node", "/opt/qwen-code/cli.js")
STATE = f"{HOME}/.qwen"
LONGEST_COMMAND_MS = 600_000  # it refuses more


class QwenCode(CliAgent):
    """`qwen` without a terminal."""

    id = "qwen-code"
    version = PACKAGE.version
    wires: tuple[str, ...] = ("openai_chat",)
    install = "\n".join(
        (
            node(id),
            unpacked(id, {"amd64": PACKAGE, "arm64": PACKAGE}, without=UNUSED),
            "RUN chmod a+x /opt/qwen-code/vendor/ripgrep/*/rg",
        ),
    )
    version_command = (*PROGRAM, "--version")

    def launch(self, prompt: str, endpoint: Endpoint, limits: Limits) -> Launch:
        """All that it would do besides is off in its settings; its log is its output."""
        options = ("--auth-type", "openai", "-m", endpoint.model, "--approval-mode", "yolo")
        env = {
            "CI": "1",
            "NO_COLOR": "1",
            "OPENAI_API_KEY": endpoint.token,
            "OPENAI_BASE_URL": f"{endpoint.base_url}/v1",
            "OPENAI_MODEL": endpoint.model,
            "QWEN_CODE_SUPPRESS_YOLO_WARNING": "1",
        }
        return Launch(
            argv=(*PROGRAM, *options, "-o", "stream-json", prompt),
            env=env,
            files={f"{STATE}/settings.json": json.dumps(_settings(limits))},
            state=(STATE,),
        )

    def read(self, log: bytes) -> AgentLog:
        """One JSON event a line; the last one tells the tokens of the whole session."""
        steps: list[Step] = []
        usage: Usage | None = None
        tools: dict[str, str] = {}
        for event in json_lines(log):
            kind = at(event, "type")
            if kind in ("assistant", "user"):
                steps += _steps(objects(at(event, "message", "content")), tools)
            elif kind == "result":
                usage = _usage(event)
                failed = words(at(event, "error", "message") or at(event, "error"))
                steps += [Step("noted", failed)] if failed else []
        return AgentLog(tuple(steps), usage)

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """By its shell tool, in the foreground. What begins with sed or sleep it would treat its own way."""
        if command.lstrip().startswith(("sed", "sleep")):
            command = f"true && {command}"
        arguments = {"command": command, "is_background": False, "timeout": LONGEST_COMMAND_MS}
        return ToolUse("run_shell_command", arguments)


def _steps(blocks: list[dict[str, Any]], tools: dict[str, str]) -> Iterator[Step]:
    for block in blocks:
        kind = at(block, "type")
        if kind == "text":
            yield Step("said", words(at(block, "text")))
        elif kind == "thinking":
            yield Step("thought", words(at(block, "thinking")))
        elif kind == "tool_use":
            tools[words(at(block, "id"))] = words(at(block, "name"))
            yield called(at(block, "name"), at(block, "input"))
        elif kind == "tool_result":
            yield Step("returned", words(at(block, "content")), tools.get(words(at(block, "tool_use_id"))))


def _usage(event: dict[str, Any]) -> Usage:
    """Its input includes what came from the cache, as in the format it speaks."""
    return Usage(
        requests=number(at(event, "num_turns")) or 0,
        input_tokens=number(at(event, "usage", "input_tokens")),
        cached_input_tokens=number(at(event, "usage", "cache_read_input_tokens")),
        cache_write_tokens=None,
        output_tokens=number(at(event, "usage", "output_tokens")),
        reasoning_tokens=None,
        cost_usd=None,
    )


def _settings(limits: Limits) -> dict[str, Any]:
    command_ms = min(int(limits.command_s * 1000), LONGEST_COMMAND_MS)
    return {
        "advanced": {"autoConfigureMemory": False},
        "agents": {"crossSessionMessaging": False},
        "experimental": {"emitToolUseSummaries": False},
        "general": {
            "chatRecording": False,
            "enableAutoUpdate": False,
            "gitCoAuthor": {"commit": False, "pr": False},
            "preventSystemSleep": False,
            "showSessionRecap": False,
        },
        "ide": {"enabled": False},
        "memory": {
            "enableManagedAutoMemory": False,
            "enableManagedAutoDream": False,
            "enableAutoSkill": False,
        },
        "model": {
            "generationConfig": {"contextWindowSize": CONTEXT_TOKENS, "maxRetries": 3},
            "maxSessionTurns": -1,
            "maxToolCallsPerTurn": 1_000_000,
            "skipNextSpeakerCheck": True,
        },
        "privacy": {"usageStatisticsEnabled": False},
        "security": {"auth": {"selectedType": "openai"}, "folderTrust": {"enabled": False}},
        "telemetry": {"enabled": False},
        "tools": {
            "approvalMode": "yolo",
            "shell": {"enableInteractiveShell": False, "defaultTimeoutMs": command_ms},
            "webSearch": {"enabled": False},
        },
        "ui": {"enableFollowupSuggestions": False, "enableUserFeedback": False, "hideTips": True},
    }


AGENT: Agent = QwenCode()
