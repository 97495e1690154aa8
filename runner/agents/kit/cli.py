"""A command-line agent in the sandbox: configured from nothing, checked, started, and its log read.

An adapter is one file of `runner/agents` with a subclass and an `AGENT`. It says how the program gets into an
image, with what it is started, and how its log reads; everything else is here.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from runner.core.errors import AgentError
from runner.core.protocols import Endpoint, Sandbox, Session, Step, ToolUse, Waits
from runner.core.records import Limits, Usage

HOME = "/home/agent"
KEPT_LOG = 64_000_000
PREFLIGHT_S = 300
CONTEXT_TOKENS, OUTPUT_TOKENS = 200_000, 32_000  # of a model nothing more is known of
TOKEN, PROMPT = "<this run's token>", "<the phase's prompt>"


@dataclass(frozen=True)
class Understood:
    """What an agent says it is configured for: every model it would ask, and where."""

    models: tuple[str | None, ...]
    address: str | None


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

    def resolved(self, endpoint: Endpoint, prompt: str, understood: Understood | None) -> str:
        """The configuration as JSON, the same for equal settings: without the token and the prompt."""
        argv = [PROMPT if word == prompt else word for word in self.argv]
        files = {path: PROMPT if text == prompt else text for path, text in self.files.items()}
        plain = {"argv": argv, "env": dict(self.env), "files": files, "wire": endpoint.wire}
        said = {"understood": asdict(understood)} if understood else {}
        text = json.dumps(plain | said, indent=1, sort_keys=True)
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

    def understood(self, shown: str) -> Understood:
        """What `Launch.shows` printed, read; ValueError if it cannot be."""
        raise NotImplementedError

    def waits(self, request: bytes) -> Waits:
        """Its tools wait for their commands, unless an adapter knows better."""
        return Waits()

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
        understood = await self._understood(sandbox, launch, endpoint)
        result = await sandbox.exec(launch.argv, env=launch.env, timeout_s=limits.wall_s, keep_bytes=KEPT_LOG)
        log = result.stdout if launch.log is None else await _contents(sandbox, launch.log)
        told = self.read(log)
        return Session(result, launch.resolved(endpoint, prompt, understood), told.reported, told.steps)

    async def _check_version(self, sandbox: Sandbox, launch: Launch) -> None:
        asked = await sandbox.exec(self.version_command, env=launch.env, timeout_s=PREFLIGHT_S)
        said = (asked.stdout + asked.stderr).decode("utf-8", "replace")
        if not asked.ok or self.version not in said.split():
            raise AgentError(
                f"{self.id}: version {self.version} should be installed, but it says: {said[-500:]}"
            )

    async def _understood(self, sandbox: Sandbox, launch: Launch, endpoint: Endpoint) -> Understood | None:
        """The configuration as the agent prints it: no silent fallback to another model or provider."""
        if not launch.shows:
            return None
        shown = await sandbox.exec(launch.shows, env=launch.env, timeout_s=PREFLIGHT_S)
        try:
            understood = self.understood(shown.stdout.decode("utf-8", "replace"))
        except ValueError:
            said = shown.stderr[-500:].decode("utf-8", "replace")
            raise AgentError(f"{self.id}: its configuration cannot be read: {said}") from None
        asked = set(understood.models) == {endpoint.model}
        if not asked or not (understood.address or "").startswith(f"{endpoint.base_url}/"):
            raise AgentError(
                f"{self.id}: {endpoint.model} at {endpoint.base_url} was asked, not {understood}"
            )
        return understood


async def _prepare(sandbox: Sandbox, launch: Launch, agent: str) -> None:
    """Nothing of before, and the files as resolved."""
    command = ["sh", "-c", 'rm -rf -- "$@"', "sh", *launch.state]
    cleared = await sandbox.exec(command, cwd="/", timeout_s=PREFLIGHT_S)
    if not cleared.ok:
        raise AgentError(f"{agent}: its old state cannot be removed: {cleared.stderr[-500:]!r}")
    if launch.files:
        await sandbox.put({path.lstrip("/"): text.encode() for path, text in launch.files.items()}, "/")


async def _contents(sandbox: Sandbox, path: str) -> bytes:
    """A file of the sandbox; empty if it is not there."""
    result = await sandbox.exec(["cat", "--", path], cwd="/", timeout_s=PREFLIGHT_S, keep_bytes=KEPT_LOG)
    return result.stdout
