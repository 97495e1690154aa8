"""Codex: one static program, configured by a file."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from runner.agents.kit.cli import CONTEXT_TOKENS, HOME, AgentLog, CliAgent, Launch, Understood
from runner.agents.kit.events import at, json_lines, number, objects, words
from runner.agents.kit.npm import Package, unpacked
from runner.core.protocols import Agent, Endpoint, Step, ToolUse, Waits
from runner.core.records import Limits, Usage

VERSION = "0.169.0"
PACKAGES = {
    "amd64": Package(
        "@openai/codex",
        f"{VERSION}-linux-x64",
        "sha512-o05NyAOCDygSPRo1yinzxvkRSdmsZyBD9E7mbpmjRanSfM8lypqWtQgEo4XfNkwhuCR2aFu8mlGOsQGFXVbVww==",
    ),
    "arm64": Package(
        "@openai/codex",
        f"{VERSION}-linux-arm64",
        "sha512-NZ/DaQUpcQmxmqee7Z9uC1rzw3GhSbooawcaTe1LN5Yk+WlinUKGdTXJgClRT/9ogQEEM9TWxYzvxPfj5G/xFg==",
    ),
}
PROGRAM = "/opt/codex/bin/codex"
STATE = f"{HOME}/.codex"
TOKEN_VARIABLE = "GATEWAY_TOKEN"
WAIT = "write_stdin"
RUNNING = re.compile(r"^Process running with session ID (\d+)$", re.MULTILINE)
YIELD_MS, WAIT_MS, COMMAND_MS = 30_000, 300_000, 1_800_000
# A text in JSON is one in TOML too.
SETTINGS = """\
model = {model}
model_provider = "gw"
model_context_window = {context}
approval_policy = "never"
sandbox_mode = "danger-full-access"
allow_login_shell = false
check_for_update_on_startup = false
web_search = "disabled"

[analytics]
enabled = false

[feedback]
enabled = false

[features]
plugins = false
unbounded_connection_retries = false

[model_providers.gw]
name = "gateway"
base_url = {base_url}
env_key = "{token}"
wire_api = "responses"
request_max_retries = 3
stream_max_retries = 2
stream_idle_timeout_ms = 120000
supports_websockets = false
"""


class Codex(CliAgent):
    """`codex exec`, with one provider: the gateway."""

    id = "codex"
    version = VERSION
    wires: tuple[str, ...] = ("openai_responses",)
    install = unpacked(id, PACKAGES, strip=3, without=["*/codex-resources/voice"])
    version_command = (PROGRAM, "--version")

    def launch(self, prompt: str, endpoint: Endpoint, limits: Limits) -> Launch:
        """Unknown settings are an error."""
        settings = SETTINGS.format(
            model=json.dumps(endpoint.model),
            context=CONTEXT_TOKENS,
            base_url=json.dumps(f"{endpoint.base_url}/v1"),
            token=TOKEN_VARIABLE,
        )
        options = ("--json", "--strict-config", "--skip-git-repo-check")
        return Launch(
            argv=(PROGRAM, "exec", *options, "--dangerously-bypass-approvals-and-sandbox", "--", prompt),
            env={"CI": "1", "CODEX_HOME": STATE, TOKEN_VARIABLE: endpoint.token},
            files={f"{STATE}/config.toml": settings},
            state=(STATE,),
            shows=(PROGRAM, "doctor", "--json", "--network-only"),
        )

    def understood(self, shown: str) -> Understood:
        """Its self-examination names the model and the address of the provider in use."""
        checks = at(json.loads(shown), "checks")
        reached = at(checks, "network.provider_reachability", "details") or {}
        told = next((words(text) for name, text in reached.items() if name.startswith("gw ")), "")
        return Understood((at(checks, "config.load", "details", "model"),), told.partition("<")[0])

    def read(self, log: bytes) -> AgentLog:
        """One JSON event a line; each finished turn tells the tokens of the session so far."""
        steps: list[Step] = []
        reported: Usage | None = None
        for event in json_lines(log):
            steps += _steps(event)
            if event.get("type") == "turn.completed":
                reported = _usage(event.get("usage"))
        return AgentLog(tuple(steps), reported)

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """By whichever shell tool it offers: that depends on the model's name."""
        if "exec_command" in tools:
            return ToolUse("exec_command", {"cmd": command, "yield_time_ms": YIELD_MS})
        if "shell_command" in tools:
            return ToolUse("shell_command", {"command": command, "timeout_ms": COMMAND_MS})
        return ToolUse("shell", {"command": ["bash", "-c", command], "timeout_ms": COMMAND_MS})

    def waits(self, request: bytes) -> Waits:
        """`exec_command` comes back after half a minute at most; `write_stdin` without text waits on."""
        items = objects(at(json.loads(request), "input"))
        calls = [item for item in items if item.get("type") == "function_call"]
        waited = sum(call.get("name") == WAIT for call in calls)
        outputs = [item for item in items if item.get("type") == "function_call_output"]
        running = RUNNING.search(words(outputs[-1].get("output"))) if outputs else None
        if running is None:
            return Waits(waited)
        return Waits(waited, ToolUse(WAIT, {"session_id": int(running[1]), "yield_time_ms": WAIT_MS}))


def _steps(event: dict[str, Any]) -> Iterator[Step]:
    item, kind = event.get("item"), at(event, "item", "type")
    if event.get("type") == "item.completed":
        if kind == "agent_message":
            yield Step("said", words(at(item, "text")))
        elif kind == "reasoning":
            yield Step("thought", words(at(item, "text")))
        elif kind == "command_execution":
            yield Step("called", _command(words(at(item, "command"))), "exec_command")
            yield Step("returned", words(at(item, "aggregated_output")), "exec_command")
        else:
            yield Step("noted", words(at(item, "message") or item))
    elif event.get("type") in ("error", "turn.failed"):
        yield Step("noted", words(event.get("message") or at(event, "error", "message")))


def _command(shown: str) -> str:
    """What was handed to the shell, of `/bin/bash -c '...'`."""
    try:
        shell = shlex.split(shown)
    except ValueError:
        return shown
    return shell[2] if len(shell) == 3 and shell[1] in ("-c", "-lc") else shown


def _usage(usage: Any) -> Usage:
    """As OpenAI counts: input with what came from the cache, output with the reasoning. No request count."""
    return Usage(
        input_tokens=number(at(usage, "input_tokens")),
        cached_input_tokens=number(at(usage, "cached_input_tokens")),
        cache_write_tokens=number(at(usage, "cache_write_input_tokens")),
        output_tokens=number(at(usage, "output_tokens")),
        reasoning_tokens=number(at(usage, "reasoning_output_tokens")),
        cost_usd=None,
    )


AGENT: Agent = Codex()
