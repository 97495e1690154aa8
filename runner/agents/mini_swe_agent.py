"""mini-swe-agent: a loop in Python around one tool, bash; every command is a new shell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from runner.agents.kit.cli import HOME, AgentLog, CliAgent, Launch
from runner.agents.kit.events import at, called, number, objects, words
from runner.agents.kit.pip import venv
from runner.core.protocols import Agent, Endpoint, Step, ToolUse
from runner.core.records import Limits, Usage

VERSION = "2.4.6"
# Resolved for Python 3.14, alike on x86-64 and arm64, without `datasets`, which only its own benchmarks need.
# A newer litellm fails every tool call for want of `mcp`; this one says it wants Python < 3.14, and runs.
REQUIREMENTS = f"""
mini-swe-agent=={VERSION} litellm==1.90.7 openai==2.54.0
aiohappyeyeballs==2.7.1 aiohttp==3.14.5 aiosignal==1.4.0 annotated-doc==0.0.7 annotated-types==0.8.0
anyio==4.16.0 attrs==26.1.0 certifi==2026.10.19.post1 charset-normalizer==3.5.2 click==8.5.1 distro==1.9.0
fastuuid==0.14.0 filelock==4.2.12 frozenlist==1.8.0 fsspec==2026.9.0 h11==0.16.0 hf-xet==1.8.0
httpcore==1.0.9 httpcore2==2.16.2 httpx==0.28.1 httpx2==2.16.2 huggingface-hub==2.4.0 idna==3.20
importlib-metadata==8.9.0 jinja2==3.1.6 jiter==0.19.0 jsonschema==4.26.0 jsonschema-specifications==2025.9.1
linkify-it-py==2.2.0 markdown-it-py==4.3.0 markupsafe==3.0.4 mdit-py-plugins==0.7.0 mdurl==0.1.2
multidict==7.2.1 packaging==26.3 platformdirs==4.14.8 prompt-toolkit==3.0.53 propcache==0.5.4
pydantic==2.14.4 pydantic-core==2.50.5 pygments==2.21.0 python-dotenv==1.2.4 pyyaml==6.0.4
referencing==0.37.0 regex==2026.11.19 requests==2.34.2 rich==15.0.0 rpds-py==2026.9.1 shellingham==1.5.4
sniffio==1.3.1 tenacity==9.2.1 textual==8.2.8 tiktoken==0.14.0 tokenizers==0.23.3 tqdm==4.70.1
truststore==0.10.5 typer==0.29.2 typing-extensions==4.16.0 typing-inspection==0.4.5 urllib3==2.8.0
wcwidth==0.9.4 yarl==1.25.1 zipp==4.1.2
"""
PYTHON = ("/opt/mini-swe-agent/bin/python", "-I", "-B")
START = "minisweagent.run.mini"
USED = f"{START}, minisweagent.agents.interactive, minisweagent.environments.local"
STATE = f"{HOME}/.mini-swe-agent"
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "MSWEA_CONFIGURED": "true",
    "MSWEA_COST_TRACKING": "ignore_errors",
    "MSWEA_GLOBAL_CONFIG_DIR": STATE,
    "MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT": "4",
    "MSWEA_SILENT_STARTUP": "1",
}
_WARM = " ".join(f"{name}={value}" for name, value in QUIET.items() if value != STATE)


class MiniSweAgent(CliAgent):
    """`mini` with its own prompts; its limits are off, for the gateway has them."""

    id = "mini-swe-agent"
    version = VERSION
    wires: tuple[str, ...] = ("openai_chat",)
    install = venv(
        id,
        (
            f"{{install}} {' '.join(REQUIREMENTS.split())}",
            f"{_WARM} {{python}} -c 'import {USED}, minisweagent.models.litellm_model'",
        ),
    )
    version_command = (*PYTHON, "-c", "import minisweagent; print(minisweagent.__version__)")

    def launch(self, prompt: str, endpoint: Endpoint, limits: Limits) -> Launch:
        """Its log is the trajectory it writes after each step."""
        log = f"{STATE}/trajectory.json"
        settings = ("mini.yaml", f"environment.timeout={int(limits.command_s)}")
        options = [word for setting in settings for word in ("-c", setting)]
        options += ["-m", f"openai/{endpoint.model}", "-y", "--exit-immediately", "-l", "0", "-o", log]
        env = {
            **QUIET,
            "CI": "1",
            "OPENAI_API_BASE": f"{endpoint.base_url}/v1",
            "OPENAI_API_KEY": endpoint.token,
        }
        return Launch((*PYTHON, "-m", START, *options, "-t", prompt), env, state=(STATE,), log=log)

    def read(self, log: bytes) -> AgentLog:
        """Its messages, of which the first two are prompts; each reply carries the provider's usage."""
        try:
            messages = objects(at(json.loads(log), "messages"))
        except (ValueError, RecursionError):
            return AgentLog()
        steps = [step for message in messages[2:] for step in _steps(message)]
        replies = [at(message, "extra", "response") for message in messages]
        usages = [_usage(at(reply, "usage")) for reply in replies if reply is not None]
        return AgentLog(tuple(steps), sum(usages, Usage(cost_usd=None)) if usages else None)

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """By its one tool."""
        return ToolUse("bash", {"command": command})

    def finish(self, tools: Sequence[str]) -> ToolUse | None:
        """It takes words alone for a mistake."""
        return ToolUse("bash", {"command": SUBMIT})


def _steps(message: dict[str, Any]) -> Iterator[Step]:
    role, text = at(message, "role"), words(at(message, "content"))
    if role == "assistant":
        thought = words(at(message, "reasoning_content"))
        yield from [Step("thought", thought)] if thought else []
        yield from [Step("said", text)] if text else []
        for call in objects(at(message, "tool_calls")):
            yield _called(at(call, "function", "name"), at(call, "function", "arguments"))
    elif role == "tool":
        yield Step("returned", text, "bash")
    else:
        status = words(at(message, "extra", "exit_status"))
        yield Step("noted", "\n".join(filter(None, [status, text])))


def _called(tool: Any, arguments: Any) -> Step:
    try:
        return called(tool, json.loads(arguments))
    except (TypeError, ValueError, RecursionError):
        return called(tool, arguments)


def _usage(usage: Any) -> Usage:
    """As the provider wrote it, in OpenAI's names."""
    return Usage(
        requests=1,
        input_tokens=number(at(usage, "prompt_tokens")),
        cached_input_tokens=number(at(usage, "prompt_tokens_details", "cached_tokens")),
        cache_write_tokens=number(at(usage, "prompt_tokens_details", "cache_write_tokens")),
        output_tokens=number(at(usage, "completion_tokens")),
        reasoning_tokens=number(at(usage, "completion_tokens_details", "reasoning_tokens")),
        cost_usd=None,
    )


AGENT: Agent = MiniSweAgent()
