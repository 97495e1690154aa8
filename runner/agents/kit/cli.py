"""A command-line agent in the sandbox: configured from nothing, checked, started, and its log read.

An adapter is one file of `runner/agents` with a subclass and an `AGENT`. It says how the program gets into an
image, with what it is started, and how its log reads; everything else is here.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runner.core.errors import AgentError
from runner.core.protocols import Endpoint, Sandbox, Session, Step, ToolUse
from runner.core.records import Limits, Usage

HOME = "/home/agent"
KEPT_LOG = 64_000_000
PREFLIGHT_S = 60
TOKEN, PROMPT = "<this run's token>", "<the phase's prompt>"


@dataclass(frozen=True)
class Launch:
    """All that one invocation is started with.

    `files` are absolute paths with their content. `state` are the folders the agent keeps its own memory in:
    they are removed first, so that nothing of an earlier phase is there. `log` is where the agent writes its
    log, None if that is its standard output.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    state: tuple[str, ...] = ()
    log: str | None = None

    def resolved(self, endpoint: Endpoint, prompt: str) -> str:
        """The configuration as JSON, the same for equal settings: without the token and the prompt."""
        plain = {"argv": self.argv, "env": dict(self.env), "files": dict(self.files), "wire": endpoint.wire}
        text = json.dumps(plain, indent=1, sort_keys=True)
        for secret, name in ((endpoint.token, TOKEN), (json.dumps(prompt)[1:-1], PROMPT)):
            text = text.replace(secret, name) if secret else text
        return text


@dataclass(frozen=True)
class AgentLog:
    """What an agent's own log tells: its events, and what it says it used (None: it does not say)."""

    steps: tuple[Step, ...] = ()
    reported: Usage | None = None


class CliAgent(ABC):
    """One command-line agent; see the Agent protocol. `version_command` prints its version as a word."""

    id: str
    version: str
    wires: tuple[str, ...]
    install: str
    version_command: tuple[str, ...]

    @abstractmethod
    def launch(self, prompt: str, endpoint: Endpoint, limits: Limits) -> Launch:
        """How it is started for one phase."""

    @abstractmethod
    def read(self, log: bytes) -> AgentLog:
        """Its log; never raises, whatever the log looks like."""

    @abstractmethod
    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """How a scripted model has it run a shell command."""

    def write_files(self, files: Mapping[str, bytes]) -> str | None:
        """Commands write the files, unless an adapter knows better."""
        return None

    async def run(self, sandbox: Sandbox, prompt: str, endpoint: Endpoint, limits: Limits) -> Session:
        """Work to the end of the phase; killed when `limits.wall_s` is over."""
        launch = self.launch(prompt, endpoint, limits)
        await self._preflight(sandbox, launch)
        result = await sandbox.exec(launch.argv, env=launch.env, timeout_s=limits.wall_s, keep_bytes=KEPT_LOG)
        log = result.stdout if launch.log is None else await _contents(sandbox, launch.log)
        told = self.read(log)
        return Session(result, launch.resolved(endpoint, prompt), told.reported, told.steps)

    async def _preflight(self, sandbox: Sandbox, launch: Launch) -> None:
        """Nothing of before, the files as resolved, and the pinned version: no silent fallback."""
        command = ["sh", "-c", 'rm -rf -- "$@"', "sh", *launch.state]
        cleared = await sandbox.exec(command, cwd="/", timeout_s=PREFLIGHT_S)
        if not cleared.ok:
            raise AgentError(f"{self.id}: its old state cannot be removed: {cleared.stderr[-500:]!r}")
        if launch.files:
            await sandbox.put({path.lstrip("/"): text.encode() for path, text in launch.files.items()}, "/")
        asked = await sandbox.exec(self.version_command, env=launch.env, timeout_s=PREFLIGHT_S)
        said = (asked.stdout + asked.stderr).decode("utf-8", "replace")
        if not asked.ok or self.version not in said.split():
            raise AgentError(
                f"{self.id}: version {self.version} should be installed, but it says: {said[-500:]}"
            )


async def _contents(sandbox: Sandbox, path: str) -> bytes:
    """A file of the sandbox; empty if it is not there."""
    result = await sandbox.exec(["cat", "--", path], cwd="/", timeout_s=PREFLIGHT_S, keep_bytes=KEPT_LOG)
    return result.stdout
