"""Codex: one static program, configured by a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from runner.agents.kit.cli import CONTEXT_TOKENS, HOME, AgentLog, CliAgent, Launch
from runner.agents.kit.events import at, called, json_lines, number, words
from runner.agents.kit.npm import Package, unpacked
from runner.core.protocols import Agent, Endpoint, Step, ToolUse
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
# Text is JSON's as well as TOML's; %d and %s are filled in.
SETTINGS = """\
model = {model}
model_provider = "gw"
model_context_window = {context}
approval_policy = "never"
sandbox_mode = "danger-full-access"
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
        )

    def read(self, log: bytes) -> AgentLog:
        """One JSON event a line."""
        return AgentLog()

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """By whichever shell tool it offers: that depends on the model's name."""
        return ToolUse("shell", {"command": ["bash", "-c", command]})


AGENT: Agent = Codex()
