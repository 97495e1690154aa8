"""What all command-line agents share: install lines, preflight, what is recorded, reading of logs."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_sandbox import LocalSandbox

from runner import agents
from runner.agents.claude_code import AGENT as CLAUDE_CODE
from runner.agents.codex import AGENT as CODEX
from runner.agents.kit.cli import AgentLog, CliAgent, Launch, Understood
from runner.agents.kit.npm import Package, unpacked
from runner.agents.opencode import AGENT as OPENCODE
from runner.core.errors import AgentError, UserError
from runner.core.protocols import Agent, Endpoint, Session, Step, ToolUse, Waits
from runner.core.records import Limits, Usage
from runner.core.registry import load, names
from runner.core.tree import SourceTree

TOKEN = "run-token-0123456789"
ENDPOINT = Endpoint("http://127.0.0.1:8080", "vendor/m-1", TOKEN)
CLIS = [a for name in names(agents) if isinstance(a := load(agents, name, "agent").AGENT, CliAgent)]


# --- names ---------------------------------------------------------------------------------------


def test_an_id_is_the_files_name_with_hyphens() -> None:
    assert "claude-code" in names(agents)
    for name in names(agents):
        assert load(agents, name, "agent").AGENT.id == name
    with pytest.raises(UserError, match=r"unknown agent 'claude_code'; known: .*claude-code"):
        load(agents, "claude_code", "agent")


# --- install lines -------------------------------------------------------------------------------


def installing(folder: Path, sha512: bytes, architecture: str = "amd64") -> subprocess.CompletedProcess[str]:
    """The lines carried out with a registry that has one tarball, below `folder` instead of /opt and /tmp."""
    package = Package("@vendor/toy", "1.0", f"sha512-{base64.b64encode(sha512).decode()}")
    lines = unpacked("toy", {"amd64": package}, strip=2, without=["*/extra"])
    script = lines.removeprefix("RUN ").replace("/tmp/", f"{folder}/").replace("/opt/", f"{folder}/")
    (folder / "bin").mkdir()
    (folder / "toy").mkdir()
    for name, does in (
        ("dpkg", f"echo {architecture}"),
        ("curl", f'echo "$@" > {folder}/asked; cp {folder}/toy.tgz {folder}/agent.tgz'),
    ):
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / "bin" / name).chmod(0o755)
    env = {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def tarball(tmp_path: Path) -> bytes:
    """A tarball in `tmp_path` and its SHA-512."""
    for name in ("run", "extra/large"):
        (tmp_path / "package/linux" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "package/linux" / name).write_text(name)
    with tarfile.open(tmp_path / "toy.tgz", "w:gz") as tar:
        tar.add(tmp_path / "package", "package")
    return hashlib.sha512((tmp_path / "toy.tgz").read_bytes()).digest()


def test_a_checked_tarball_is_unpacked(tmp_path: Path, tarball: bytes) -> None:
    done = installing(tmp_path, tarball)
    assert (done.returncode, done.stderr) == (0, "")
    assert [p.name for p in (tmp_path / "toy").rglob("*")] == ["run"]
    assert "https://registry.npmjs.org/@vendor/toy/-/toy-1.0.tgz" in (tmp_path / "asked").read_text()
    assert not (tmp_path / "agent.tgz").exists()


def test_a_changed_tarball_is_not(tmp_path: Path, tarball: bytes) -> None:
    done = installing(tmp_path, bytes(64))
    assert done.returncode != 0
    assert list((tmp_path / "toy").iterdir()) == []


def test_another_architecture_is_told(tmp_path: Path, tarball: bytes) -> None:
    done = installing(tmp_path, tarball, "riscv64")
    assert done.returncode != 0
    assert done.stderr == "toy has no release for this architecture\n"


@pytest.mark.parametrize("integrity", ["sha1-" + "A" * 28, "sha512-AAAA"])
def test_only_a_whole_sha512_is_a_checksum(integrity: str) -> None:
    with pytest.raises(ValueError, match="toy: integrity should be sha512-"):
        _ = Package("toy", "1.0", integrity).sha512


# --- one invocation ------------------------------------------------------------------------------


class Files(LocalSandbox):
    """A sandbox without walls that takes files."""

    async def put(self, files: Mapping[str, bytes] | SourceTree, path: str = "/workspace") -> None:
        assert isinstance(files, Mapping)
        for name, content in files.items():
            Path(path, name).parent.mkdir(parents=True, exist_ok=True)
            Path(path, name).write_bytes(content)


@dataclass
class Toy(CliAgent):
    """An agent that prints its settings' file and its prompt."""

    home: Path
    says: str = "toy 1.0"
    configured: str = '["vendor/m-1", "http://127.0.0.1:8080/v1"]'
    log: bool = False
    id = "toy"
    version = "1.0"
    wires: tuple[str, ...] = ("openai_chat",)
    install = ""

    @property
    def version_command(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("echo", self.says)

    def launch(self, prompt: str, endpoint: Endpoint, limits: Limits) -> Launch:
        state = f"{self.home}/state"
        script = f"cat {state}/settings; ls {state}; echo $0; echo logged > {self.home}/log"
        return Launch(
            argv=("sh", "-c", script, prompt),
            env={"KEY": endpoint.token},
            files={f"{self.home}/state/settings": f"key={endpoint.token}\n"},
            state=(f"{self.home}/state",),
            log=f"{self.home}/log" if self.log else None,
            shows=("echo", self.configured),
        )

    def understood(self, shown: str) -> Understood:
        model, address = json.loads(shown)
        return Understood((model,), address)

    def read(self, log: bytes) -> AgentLog:
        return AgentLog((Step("noted", log.decode()),))

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        return command


async def session(tmp_path: Path, prompt: str = "run", token: str = TOKEN, **changes: Any) -> Session:
    sandbox = Files(tmp_path)
    endpoint = Endpoint(ENDPOINT.base_url, ENDPOINT.model, token)
    return await Toy(tmp_path, **changes).run(sandbox, prompt, endpoint, Limits())


async def test_it_starts_from_nothing_but_its_settings(tmp_path: Path) -> None:
    (tmp_path / "state/memory").mkdir(parents=True)
    ran = await session(tmp_path, prompt="Build it.")
    assert ran.result.stdout.decode().split() == ["key=" + TOKEN, "settings", "Build", "it."]
    assert ran.steps == (Step("noted", ran.result.stdout.decode()),)


async def test_its_log_may_be_a_file(tmp_path: Path) -> None:
    assert (await session(tmp_path, log=True)).steps == (Step("noted", "logged\n"),)


async def test_equal_settings_are_recorded_alike_without_token_and_prompt(tmp_path: Path) -> None:
    one = (await session(tmp_path, "run", "token-one-0123")).configuration
    other = (await session(tmp_path, "Build it.", "token-two-4567")).configuration
    assert one == other
    assert "token-" not in one
    assert json.loads(one)["argv"][-1] == "<the phase's prompt>"
    assert json.loads(one)["understood"] == {
        "models": ["vendor/m-1"],
        "address": "http://127.0.0.1:8080/v1",
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"says": "toy 1.0.1"}, r"version 1\.0 should be installed, but it says: toy 1\.0\.1"),
        ({"configured": '["other", "http://127.0.0.1:8080/v1"]'}, "vendor/m-1 at .* was asked, not .*other"),
        ({"configured": '["vendor/m-1", "https://api.example/v1"]'}, "was asked, not .*api.example"),
        ({"configured": '["vendor/m-1", null]'}, "was asked, not .*None"),
        ({"configured": "usage: toy"}, "its configuration cannot be read"),
    ],
)
async def test_it_is_not_started_unless_all_is_as_asked(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(AgentError, match=says):
        await session(tmp_path, **changes)
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("agent", CLIS, ids=lambda agent: agent.id)
def test_what_is_recorded_holds_no_token(agent: CliAgent) -> None:
    for wire in agent.wires:
        endpoint = Endpoint(ENDPOINT.base_url, ENDPOINT.model, TOKEN, wire)
        launch = agent.launch("Build it.", endpoint, Limits())
        resolved = launch.resolved(endpoint, "Build it.", None)
        assert TOKEN not in resolved
        assert "Build it." not in resolved
        assert "vendor/m-1" in resolved
        assert launch.env["CI"] == "1"


# --- logs ----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "part", "item", "message", "content", "usage", "tokens", "cache", "state", "input"]
            ),
            inner,
            max_size=4,
        )
    ),
)
KINDS = st.sampled_from(
    [
        "text",
        "tool_use",
        "step_finish",
        "error",
        "assistant",
        "user",
        "result",
        "item.completed",
        "turn.completed",
    ]
)
EVENTS = st.tuples(KINDS, st.dictionaries(st.text(max_size=5), JSON) | st.just({})).map(
    lambda pair: {"type": pair[0], **pair[1]}
)


@pytest.mark.parametrize("agent", CLIS, ids=lambda agent: agent.id)
@given(
    log=st.binary() | st.lists(EVENTS | JSON).map(lambda lines: "\n".join(map(json.dumps, lines)).encode())
)
def test_any_log_can_be_read(agent: CliAgent, log: bytes) -> None:
    for step in agent.read(log).steps:
        assert isinstance(step.text, str)


def lines(*events: Any) -> bytes:
    return b"not JSON\n" + b"\n".join(json.dumps(event).encode() for event in events)


def read(agent: Agent, *events: Any) -> AgentLog:
    assert isinstance(agent, CliAgent)
    return agent.read(lines(*events))


def test_opencodes_log() -> None:
    state = {"status": "completed", "input": {"command": "ls", "timeout": 1}, "output": "a\n"}
    broken = {"status": "error", "input": {"filePath": "x"}, "error": "no such file"}
    tokens = {"total": 125, "input": 10, "output": 5, "reasoning": 3, "cache": {"read": 100, "write": 7}}
    told = read(
        OPENCODE,
        {"type": "reasoning", "part": {"text": "Hm."}},
        {"type": "text", "part": {"text": "Looking."}},
        {"type": "tool_use", "part": {"tool": "bash", "state": state}},
        {"type": "tool_use", "part": {"tool": "read", "state": broken}},
        {"type": "step_finish", "part": {"tokens": tokens}},
        {"type": "step_finish", "part": {"tokens": tokens}},
        {"type": "error", "error": {"name": "APIError"}},
    )
    assert told.steps == (
        Step("thought", "Hm."),
        Step("said", "Looking."),
        Step("called", "ls", "bash"),
        Step("returned", "a\n", "bash"),
        Step("called", '{"filePath": "x"}', "read"),
        Step("returned", "no such file", "read"),
        Step("noted", '{"name": "APIError"}'),
    )
    assert told.reported == Usage(
        requests=2,
        input_tokens=234,
        cached_input_tokens=200,
        cache_write_tokens=14,
        output_tokens=16,
        reasoning_tokens=6,
        cost_usd=None,
    )


def claude_result(model: str) -> dict[str, Any]:
    usage = {"inputTokens": 10, "outputTokens": 5, "cacheReadInputTokens": 100, "cacheCreationInputTokens": 7}
    return {
        "type": "result",
        "is_error": False,
        "total_cost_usd": 0.5,
        "modelUsage": {model: usage, f"{model}-small": usage},
    }


def test_claude_codes_log() -> None:
    call = {"type": "tool_use", "id": "1", "name": "Bash", "input": {"command": "ls"}}
    told = read(
        CLAUDE_CODE,
        {"type": "system", "subtype": "init"},
        {"type": "assistant", "message": {"content": [{"type": "thinking", "thinking": "Hm."}]}},
        {"type": "assistant", "message": {"content": [{"type": "text", "text": "Looking."}, call]}},
        {"type": "user", "message": {"content": [{"type": "tool_result", "content": "a"}]}},
        {"type": "user", "message": {"content": "a text"}},
        claude_result("claude-x"),
    )
    assert told.steps == (
        Step("thought", "Hm."),
        Step("said", "Looking."),
        Step("called", "ls", "Bash"),
        Step("returned", "a"),
    )
    assert told.reported == Usage(
        input_tokens=234,
        cached_input_tokens=200,
        cache_write_tokens=14,
        output_tokens=10,
        reasoning_tokens=None,
        cost_usd=0.5,
    )


def test_claude_code_has_no_price_for_others_models() -> None:
    reported = read(CLAUDE_CODE, claude_result("m-1")).reported
    assert reported is not None
    assert reported.cost_usd is None


def test_claude_codes_error_is_noted() -> None:
    failed = {"type": "result", "subtype": "success", "is_error": True, "result": "API Error: 403"}
    assert read(CLAUDE_CODE, failed).steps == (Step("noted", "API Error: 403"),)


def test_codexs_log() -> None:
    command = {
        "type": "command_execution",
        "command": "/bin/bash -c 'ls \"a b\"'",
        "aggregated_output": "x\n",
    }
    usage = {"input_tokens": 10, "cached_input_tokens": 4, "cache_write_input_tokens": 0, "output_tokens": 5}
    told = read(
        CODEX,
        {"type": "item.started", "item": command},
        {"type": "item.completed", "item": {"type": "reasoning", "text": "Hm."}},
        {"type": "item.completed", "item": {"type": "agent_message", "text": "Looking."}},
        {"type": "item.completed", "item": command},
        {"type": "item.completed", "item": {"type": "error", "message": "unknown model"}},
        {"type": "turn.completed", "usage": usage},
        {"type": "turn.failed", "error": {"message": "400"}},
    )
    assert told.steps == (
        Step("thought", "Hm."),
        Step("said", "Looking."),
        Step("called", 'ls "a b"', "exec_command"),
        Step("returned", "x\n", "exec_command"),
        Step("noted", "unknown model"),
        Step("noted", "400"),
    )
    assert told.reported == Usage(
        input_tokens=10,
        cached_input_tokens=4,
        cache_write_tokens=0,
        output_tokens=5,
        reasoning_tokens=None,
        cost_usd=None,
    )


# --- scripted models -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tools", "use"),
    [
        (["exec_command", "write_stdin"], ("exec_command", "cmd", "ls")),
        (["shell_command"], ("shell_command", "command", "ls")),
        (["shell"], ("shell", "command", ["bash", "-c", "ls"])),
    ],
)
def test_codex_runs_a_command_by_what_it_offers(tools: list[str], use: tuple[str, str, Any]) -> None:
    made = CODEX.run_command("ls", tools)
    assert isinstance(made, ToolUse)
    assert (made.name, made.arguments[use[1]]) == (use[0], use[2])


def test_codex_waits_for_a_command_that_still_runs() -> None:
    running = "Wall time: 30 seconds\nProcess running with session ID 42\nOutput:\n"
    items: list[dict[str, Any]] = [
        {"type": "message", "role": "user", "content": "go"},
        {"type": "function_call", "name": "exec_command"},
        {"type": "function_call_output", "output": running},
    ]

    def waits() -> Waits:
        return CODEX.waits(json.dumps({"input": items}).encode())

    wait = ToolUse("write_stdin", {"session_id": 42, "yield_time_ms": 300_000})
    assert waits() == Waits(0, wait)
    items += [{"type": "function_call", "name": "write_stdin"}, items[2]]
    assert waits() == Waits(1, wait)
    items += [
        {"type": "function_call", "name": "write_stdin"},
        {"type": "function_call_output", "output": "Process exited with code 0\nOutput:\ndone"},
    ]
    assert waits() == Waits(2)
