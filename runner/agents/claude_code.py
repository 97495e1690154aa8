"""Claude Code: one native program, configured by environment variables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from runner.agents.kit.cli import HOME, OUTPUT_TOKENS, AgentLog, CliAgent, Launch
from runner.agents.kit.events import at, called, json_lines, number, objects, total, words
from runner.agents.kit.npm import Package, unpacked
from runner.core.protocols import Agent, Endpoint, Step, ToolUse
from runner.core.records import Limits, Usage

VERSION = "2.1.328"
PACKAGES = {
    "amd64": Package(
        "@anthropic-ai/claude-code-linux-x64",
        VERSION,
        "sha512-KuzL+dBHgDCFTHJxwW+xuBJdVKfBsesGx2BBcTOG9sYDGoAD7b1hUV8rsTS4xjoJsB2SmeGraGjBiFuhrYuC9w==",
    ),
    "arm64": Package(
        "@anthropic-ai/claude-code-linux-arm64",
        VERSION,
        "sha512-zeWsClzx/rli8q6RsngKisu5BnuZ41J7Htp0qgsdZomaJCINiksf+mewQ/gyaylKajBZCoE9Z8R+OkLMjIkJig==",
    ),
}
PROGRAM = "/opt/claude-code/claude"
STATE = f"{HOME}/.claude"
# Both go out with every request: random ones would make each run's requests different.
SESSION = "00000000-0000-4000-8000-000000000000"
USER = "0" * 64
# Every name under which it might choose a model: for the main loop, small jobs, sub-agents, aliases.
MODELS = (
    "ANTHROPIC_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
)
ON = (
    "CI",
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "CLAUDE_CODE_DISABLE_TERMINAL_TITLE",
    "DISABLE_AUTOUPDATER",
    "DISABLE_ERROR_REPORTING",
    "DISABLE_TELEMETRY",
)


class ClaudeCode(CliAgent):
    """`claude -p`; settings of the project, which the model may have written, are not read."""

    id = "claude-code"
    version = VERSION
    wires: tuple[str, ...] = ("anthropic_messages",)
    install = unpacked(id, PACKAGES)
    version_command = (PROGRAM, "--version")

    def launch(self, prompt: str, endpoint: Endpoint, limits: Limits) -> Launch:
        """Retries are the gateway's business: few here."""
        command_ms = str(int(limits.command_s * 1000))
        env = {
            "ANTHROPIC_BASE_URL": endpoint.base_url,
            "ANTHROPIC_API_KEY": endpoint.token,
            "API_TIMEOUT_MS": "300000",
            "BASH_DEFAULT_TIMEOUT_MS": command_ms,
            "BASH_MAX_TIMEOUT_MS": command_ms,
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(OUTPUT_TOKENS),
            "CLAUDE_CODE_MAX_RETRIES": "4",
            "CLAUDE_CONFIG_DIR": STATE,
            **dict.fromkeys(MODELS, endpoint.model),
            **dict.fromkeys(ON, "1"),
        }
        options = ("--output-format", "stream-json", "--verbose", "--dangerously-skip-permissions")
        sources = ("--setting-sources", "user", "--strict-mcp-config")
        return Launch(
            argv=(PROGRAM, "-p", *options, *sources, "--session-id", SESSION, "--", prompt),
            env=env,
            files={f"{STATE}/.claude.json": json.dumps({"userID": USER})},
            state=(STATE, f"{STATE}.json"),
        )

    def read(self, log: bytes) -> AgentLog:
        """One JSON event a line; the last, `result`, sums the usage up."""
        steps: list[Step] = []
        reported: Usage | None = None
        for event in json_lines(log):
            steps += _steps(event)
            if event.get("type") == "result":
                reported = _usage(event)
        return AgentLog(tuple(steps), reported)

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """By its tool `Bash`, which takes at most its own longest time-out."""
        return ToolUse("Bash", {"command": command, "timeout": 600_000})


def _steps(event: dict[str, Any]) -> Iterator[Step]:
    kind = event.get("type")
    for block in objects(at(event, "message", "content")):
        part = block.get("type")
        if part == "text" and kind == "assistant":
            yield Step("said", words(block.get("text")))
        elif part == "thinking":
            yield Step("thought", words(block.get("thinking")))
        elif part == "tool_use":
            yield called(block.get("name"), block.get("input"))
        elif part == "tool_result":
            yield Step("returned", words(block.get("content")))
    if kind == "result" and event.get("is_error"):
        yield Step("noted", words(event.get("result") or event.get("subtype")))


def _usage(result: dict[str, Any]) -> Usage:
    """Sub-agents count too. `inputTokens` leave out what went through the cache; no request count.

    It makes up a price for a model it does not know, so a cost is believed only for its vendor's own.
    """
    models = result.get("modelUsage")
    by_model = models if isinstance(models, dict) else {}
    fresh, read, written, output = (
        total(*(number(at(usage, name)) for usage in by_model.values()))
        for name in ("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens", "outputTokens")
    )
    cost = result.get("total_cost_usd")
    is_known = all("claude" in name for name in by_model)
    return Usage(
        input_tokens=total(fresh, read, written),
        cached_input_tokens=read,
        cache_write_tokens=written,
        output_tokens=output,
        reasoning_tokens=None,
        cost_usd=float(cost) if is_known and isinstance(cost, int | float) else None,
    )


AGENT: Agent = ClaudeCode()
