"""Gemini CLI: a program for Node, with Google's own format."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from runner.agents.kit.cli import HOME, AgentLog, CliAgent, Launch
from runner.agents.kit.events import at, called, json_lines, number, words
from runner.agents.kit.node import node
from runner.agents.kit.npm import Package, unpacked
from runner.core.protocols import Agent, Endpoint, Sandbox, Session, Step, ToolUse
from runner.core.records import Limits, Usage

PACKAGE = Package(
    "@google/gemini-cli",
    "0.61.0",
    "sha512-dbQ9A0qBtFJNi6XBkHvfZ6Azpn6PNgH/P8h2MZ67RLlX8hSAVjup39CRWqdRxZv7YXIuhrFaytr8y0jKnkoxnQ==",
)
UNUSED = ("package/bundle/docs", "package/bundle/bundled")
PROGRAM = ("/opt/gemini-cli/bin/node", "/opt/gemini-cli/bundle/gemini.js")
STATE = f"{HOME}/.gemini"
LAST_SIGNAL = 128 + 15  # of those a program dies of; statuses from 400 on come out above
SUBSTITUTION = re.compile(r"\$\(|`|[<>]\(")


class GeminiCli(CliAgent):
    """`gemini` without a terminal."""

    id = "gemini-cli"
    version = PACKAGE.version
    wires: tuple[str, ...] = ("gemini",)
    install = "\n".join((node(id), unpacked(id, {"amd64": PACKAGE, "arm64": PACKAGE}, without=UNUSED)))
    version_command = (*PROGRAM, "--version")

    def launch(self, prompt: str, endpoint: Endpoint, limits: Limits) -> Launch:
        """All that it would do besides is off in its settings; its log is its output."""
        options = ("-m", endpoint.model, "--approval-mode", "yolo", "-o", "stream-json", "--skip-trust")
        env = {
            "CI": "1",
            "GEMINI_API_KEY": endpoint.token,
            "GEMINI_CLI_NO_RELAUNCH": "true",
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
            "GOOGLE_GEMINI_BASE_URL": endpoint.base_url,
            "NO_BROWSER": "true",
            "NO_COLOR": "1",
        }
        return Launch(
            argv=(*PROGRAM, *options, "-p", prompt),
            env=env,
            files={f"{STATE}/settings.json": json.dumps(_settings(endpoint, limits))},
            state=(STATE,),
        )

    async def run(self, sandbox: Sandbox, prompt: str, endpoint: Endpoint, limits: Limits) -> Session:
        """As any; an exit code that is an HTTP status, cut to a byte, is no signal but a failure."""
        session = await super().run(sandbox, prompt, endpoint, limits)
        if (session.result.exit_code or 0) <= LAST_SIGNAL:
            return session
        return replace(session, result=replace(session.result, exit_code=1))

    def read(self, log: bytes) -> AgentLog:
        """One JSON event a line; a message comes in pieces, and the last event tells the tokens."""
        steps: list[Step] = []
        usage: Usage | None = None
        tools: dict[str, str] = {}
        for event in json_lines(log):
            if at(event, "type") == "result":
                usage = _usage(at(event, "stats"))
            for step in _steps(event, tools):
                goes_on = bool(steps) and step.kind == steps[-1].kind == "said"
                before = steps.pop().text if goes_on else ""
                steps.append(replace(step, text=words(before + step.text)))
        return AgentLog(tuple(steps), usage)

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """By its shell tool, which refuses what looks like command substitution outside of single quotes."""
        if SUBSTITUTION.search(command):
            command = f"eval {shlex.quote(command)}"
        return ToolUse("run_shell_command", {"command": command})


def _steps(event: dict[str, Any], tools: dict[str, str]) -> Iterator[Step]:
    kind, tool = at(event, "type"), words(at(event, "tool_id"))
    if kind == "message" and at(event, "role") == "assistant":
        yield Step("said", words(at(event, "content")))
    elif kind == "tool_use":
        tools[tool] = words(at(event, "tool_name"))
        yield called(at(event, "tool_name"), at(event, "parameters"))
    elif kind == "tool_result":
        output = at(event, "output") or at(event, "error", "message")
        yield Step("returned", words(output), tools.get(tool))
    elif kind == "error":
        yield Step("noted", words(at(event, "message")))
    elif kind == "result" and at(event, "error"):
        yield Step("noted", words(at(event, "error", "message")))


def _usage(stats: Any) -> Usage:
    """Its input includes what came from the cache; how many requests there were it does not say."""
    return Usage(
        input_tokens=number(at(stats, "input_tokens")),
        cached_input_tokens=number(at(stats, "cached")),
        cache_write_tokens=None,
        output_tokens=number(at(stats, "output_tokens")),
        reasoning_tokens=None,
        cost_usd=None,
    )


def _settings(endpoint: Endpoint, limits: Limits) -> dict[str, Any]:
    return {
        "advanced": {"autoConfigureMemory": False, "ignoreLocalEnv": True},
        "general": {
            "enableAutoUpdate": False,
            "enableAutoUpdateNotification": False,
            "maxAttempts": 4,
            "plan": {"modelRouting": False},
        },
        "ide": {"enabled": False, "hasSeenNudge": True},
        "model": {
            "name": endpoint.model,
            "disableLoopDetection": True,
            "maxSessionTurns": -1,
            "skipNextSpeakerCheck": True,
        },
        # Its own small tasks have models of their own: all of them ask the one of this run.
        "modelConfigs": {
            "customOverrides": [{"match": {"model": "base"}, "modelConfig": {"model": endpoint.model}}]
        },
        "privacy": {"usageStatisticsEnabled": False},
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
        "telemetry": {"enabled": False},
        "tools": {
            "shell": {"enableInteractiveShell": False, "inactivityTimeout": int(limits.command_s)},
        },
        "ui": {"hideTips": True, "hideBanner": True},
    }


AGENT: Agent = GeminiCli()
