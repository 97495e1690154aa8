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
CONTEXT_TOKENS, OUTPUT_TOKENS = 200_000, 32_000  # of a model nothing more is known of
TOKEN, PROMPT = "<this run's token>", "<the phase's prompt>"


@dataclass(frozen=True)
class Launch:
    """All that one invocation is started with; the prompt is a word of `argv` or a whole file.

    `files` are absolute paths with their content. `state` are the folders the agent keeps its own memory in:
    they are removed first, so that nothing of an earlier phase is there. `log` is where the agent writes its
    log, None if that is its standard output. `shows` is a command that prints the configuration as the agent
    itself understood it; empty if it has none.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    state: tuple[str, ...] = ()
    log: str | None = None
    shows: tuple[str, ...] = ()

    def resolved(self, endpoint: Endpoint, prompt: str, shown: str = "") -> str:
        """The configuration as JSON, the same for equal settings: without the token and the prompt.

        `shown` is what the agent itself printed of it.
        """
        argv = [PROMPT if word == prompt else word for word in self.argv]
        files = {path: PROMPT if text == prompt else text for path, text in self.files.items()}
        plain = {"argv": argv, "env": dict(self.env), "files": files, "wire": endpoint.wire}
        text = json.dumps(plain | ({"shown": shown} if shown else {}), indent=1, sort_keys=True)
        return text.replace(endpoint.token, TOKEN) if endpoint.token else text


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

    def complaint(self, shown: str, endpoint: Endpoint) -> str | None:
        """What is wrong with the configuration as `Launch.shows` printed it; None if nothing is."""
        return None

    def write_files(self, files: Mapping[str, bytes]) -> str | None:
        """Commands write the files, unless an adapter knows better."""
        return None

    def finish(self, tools: Sequence[str]) -> ToolUse | None:
        """Words without a call end its work, unless an adapter knows better."""
        return None

    async def run(self, sandbox: Sandbox, prompt: str, endpoint: Endpoint, limits: Limits) -> Session:
        """Work to the end of the phase; killed when `limits.wall_s` is over."""
        launch = self.launch(prompt, endpoint, limits)
        await _prepare(sandbox, launch, self.id)
        await self._check_version(sandbox, launch)
        shown = await self._checked(sandbox, launch, endpoint)
        result = await sandbox.exec(launch.argv, env=launch.env, timeout_s=limits.wall_s, keep_bytes=KEPT_LOG)
        log = result.stdout if launch.log is None else await _contents(sandbox, launch.log)
        told = self.read(log)
        return Session(result, launch.resolved(endpoint, prompt, shown), told.reported, told.steps)

    async def _check_version(self, sandbox: Sandbox, launch: Launch) -> None:
        said, ok = await _output(sandbox, self.version_command, launch)
        if not ok or self.version not in said.split():
            raise AgentError(
                f"{self.id}: version {self.version} should be installed, but it says: {said[-500:]}"
            )

    async def _checked(self, sandbox: Sandbox, launch: Launch, endpoint: Endpoint) -> str:
        """The configuration as the agent prints it: no silent fallback to another model or provider."""
        if not launch.shows:
            return ""
        shown, ok = await _output(sandbox, launch.shows, launch)
        complaint = self.complaint(shown, endpoint) if ok else f"it cannot show it: {shown[-500:]}"
        if complaint:
            raise AgentError(f"{self.id}: its configuration is not as asked: {complaint}")
        return shown


async def _prepare(sandbox: Sandbox, launch: Launch, agent: str) -> None:
    """Nothing of before, and the files as resolved."""
    command = ["sh", "-c", 'rm -rf -- "$@"', "sh", *launch.state]
    cleared = await sandbox.exec(command, cwd="/", timeout_s=PREFLIGHT_S)
    if not cleared.ok:
        raise AgentError(f"{agent}: its old state cannot be removed: {cleared.stderr[-500:]!r}")
    if launch.files:
        await sandbox.put({path.lstrip("/"): text.encode() for path, text in launch.files.items()}, "/")


async def _output(sandbox: Sandbox, command: Sequence[str], launch: Launch) -> tuple[str, bool]:
    """What a command of the agent prints, stderr only if it fails; and whether it went well."""
    asked = await sandbox.exec(command, env=launch.env, timeout_s=PREFLIGHT_S)
    said = asked.stdout if asked.ok else asked.stdout + asked.stderr
    return said.decode("utf-8", "replace").strip(), asked.ok


async def _contents(sandbox: Sandbox, path: str) -> bytes:
    """A file of the sandbox; empty if it is not there."""
    result = await sandbox.exec(["cat", "--", path], cwd="/", timeout_s=PREFLIGHT_S, keep_bytes=KEPT_LOG)
    return result.stdout
