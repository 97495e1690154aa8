"""opencode: one native program, configured by an environment variable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from runner.agents.kit.cli import CONTEXT_TOKENS, HOME, OUTPUT_TOKENS, AgentLog, CliAgent, Launch, Understood
from runner.agents.kit.events import at, called, json_lines, number, total, words
from runner.agents.kit.npm import Package, unpacked
from runner.core.protocols import Agent, Endpoint, Step, ToolUse
from runner.core.records import Limits, Usage

# The registry has no arm64 release of this version.
VERSION = "1.18.33"
PACKAGES = {
    "amd64": Package(
        "opencode-linux-x64",
        VERSION,
        "sha512-q/t/3p2CTxOT9y2kvjesb/LZab2+1eqlhhWA02Be6mjTtmYtNBcBsrI5yDo4Fw7ZSPBW2oyMIGMNRqiKQjiAWw==",
    ),
}
PROGRAM = "/opt/opencode/bin/opencode"
# By wire: the provider package inside opencode.
SPEAKERS = {
    "openai_chat": "@ai-sdk/openai-compatible",
    "openai_responses": "@ai-sdk/openai",
    "anthropic_messages": "@ai-sdk/anthropic",
}
OFF = ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS", "SHARE", "PROJECT_CONFIG")


class OpenCode(CliAgent):
    """`opencode run`, with one provider: the gateway."""

    id = "opencode"
    version = VERSION
    wires = tuple(SPEAKERS)
    install = unpacked(id, PACKAGES)
    version_command = (PROGRAM, "--version")

    def launch(self, prompt: str, endpoint: Endpoint, limits: Limits) -> Launch:
        """All settings in OPENCODE_CONFIG_CONTENT."""
        env = {
            "CI": "1",
            "OPENCODE_CONFIG_CONTENT": json.dumps(_settings(endpoint)),
            "OPENCODE_EXPERIMENTAL_BASH_DEFAULT_TIMEOUT_MS": str(int(limits.command_s * 1000)),
            "npm_config_offline": "true",
            **{f"OPENCODE_DISABLE_{name}": "1" for name in OFF},
        }
        options = ("--format", "json", "--thinking", "--auto", "--pure", "--title", "task")
        return Launch(
            argv=(PROGRAM, "run", *options, "--", prompt),
            env=env,
            state=tuple(
                f"{HOME}/{place}/opencode" for place in (".config", ".cache", ".local/share", ".local/state")
            ),
            shows=(PROGRAM, "debug", "config", "--pure"),
        )

    def understood(self, shown: str) -> Understood:
        """It prints the configuration as merged from everywhere it looks; the gateway is to be alone."""
        resolved = json.loads(shown)
        models = [words(at(resolved, name)).removeprefix("gw/") for name in ("model", "small_model")]
        is_alone = list(at(resolved, "provider") or ()) == ["gw"]
        address = at(resolved, "provider", "gw", "options", "baseURL")
        return Understood(tuple(models), address if is_alone else None)

    def read(self, log: bytes) -> AgentLog:
        """One JSON event a line; each finished step tells its tokens. No prices are given to it."""
        steps: list[Step] = []
        usage: Usage | None = None
        for event in json_lines(log):
            part = at(event, "part")
            steps += _steps(at(event, "type"), part, event)
            if at(event, "type") == "step_finish":
                usage = (usage or Usage(cost_usd=None)) + _usage(at(part, "tokens"))
        return AgentLog(tuple(steps), usage)

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """By its tool `bash`, which wants a description."""
        return ToolUse("bash", {"command": command, "timeout": 1_800_000})


def _steps(kind: Any, part: Any, event: Any) -> Iterator[Step]:
    if kind == "text":
        yield Step("said", words(at(part, "text")))
    elif kind == "reasoning":
        yield Step("thought", words(at(part, "text")))
    elif kind == "tool_use":
        tool, state = at(part, "tool"), at(part, "state")
        yield called(tool, at(state, "input"))
        yield Step("returned", words(at(state, "output") or at(state, "error")), words(tool))
    elif kind == "error":
        yield Step("noted", words(at(event, "error")))


def _usage(tokens: Any) -> Usage:
    """Its `input` leaves out what went through the cache, its `output` the reasoning."""
    read, written = number(at(tokens, "cache", "read")), number(at(tokens, "cache", "write"))
    fresh, said = number(at(tokens, "input")), number(at(tokens, "output"))
    thought = number(at(tokens, "reasoning"))
    return Usage(
        requests=1,
        input_tokens=total(fresh, read, written),
        cached_input_tokens=read,
        cache_write_tokens=written,
        output_tokens=total(said, thought),
        reasoning_tokens=thought,
        cost_usd=None,
    )


def _settings(endpoint: Endpoint) -> dict[str, object]:
    model = {"name": endpoint.model, "limit": {"context": CONTEXT_TOKENS, "output": OUTPUT_TOKENS}}
    provider = {
        "npm": SPEAKERS[endpoint.wire],
        "name": "gateway",
        "options": {"baseURL": f"{endpoint.base_url}/v1", "apiKey": endpoint.token},
        "models": {endpoint.model: model},
    }
    return {
        "model": f"gw/{endpoint.model}",
        "small_model": f"gw/{endpoint.model}",
        "autoupdate": False,
        "share": "disabled",
        "permission": "allow",
        "provider": {"gw": provider},
    }


AGENT: Agent = OpenCode()
