"""What a stage must offer to be joined by the pipeline. Small on purpose."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from runner.core.records import Finding, Limits, Package, Resources, Usage
from runner.core.tree import SourceFile, SourceTree

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class ExecResult:
    """How a command ended. `exit_code` is None when it was killed on time-out.

    `stdout` and `stderr` hold at most `keep_bytes` each, the first; `truncated` says that there was more.
    """

    exit_code: int | None
    wall_s: float
    stdout: bytes = b""
    stderr: bytes = b""
    timed_out: bool = False
    truncated: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return self.exit_code == 0


@dataclass(frozen=True)
class SandboxSpec:
    """What to open. A sandbox has no network interface but lo.

    `door`: the gateway's Unix socket on the host, reachable inside as http://127.0.0.1:PORT.
    `local_hosts`: names that resolve to 127.0.0.1 inside (a stand-in provider listens there).
    `joins`: the id of another open sandbox whose network namespace is shared.
    `purpose`: `build`, `grade` or `lab`, kept as a label beside `run`.
    """

    image: str
    run: str
    purpose: str = "build"
    resources: Resources = field(default_factory=Resources)
    door: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    local_hosts: tuple[str, ...] = ()
    joins: str | None = None


class Sandbox(Protocol):
    """One sealed container: an unprivileged user in /workspace, no network, nothing of the host.

    Every method raises SandboxGone if the container ended, SandboxError if the engine failed: both
    are the infrastructure's fault. A command's own failure is an ExecResult, never an exception.
    """

    id: str

    async def exec(  # noqa: PLR0913 (as of subprocess.run: what to run, and how it is watched)
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | AsyncIterable[bytes] = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/workspace",
        timeout_s: float = 60,
        on_output: Callable[[bytes], None] | None = None,
        keep_bytes: int = 1_000_000,
    ) -> ExecResult:
        """Run a command to its end; on time-out its whole process tree is killed.

        `stdin` ends with its bytes; pieces that come one by one are passed on at once, for a conversation.
        `on_output` sees each chunk of stdout and stderr as it comes, without a bound; an exception
        raised by it kills the process tree and is passed on.
        """
        ...

    async def put(self, files: Mapping[str, bytes] | SourceTree, path: str = "/workspace") -> None:
        """Write files below `path` (absolute), keeping modes and links of a SourceTree."""
        ...

    async def get(self, path: str, destination: Path, max_bytes: int) -> None:
        """Copy one file out; raises UnpackError above `max_bytes`, leaving nothing behind."""
        ...

    async def restart(self) -> None:
        """Kill every process inside; the files of workspace, HOME and /tmp stay."""
        ...


class SandboxBackend(Protocol):
    """Opens sandboxes; leaving the context removes the container, whatever happened."""

    def open(self, spec: SandboxSpec) -> AbstractAsyncContextManager[Sandbox]:
        """Raises SetupError if engine or image is missing, SandboxError if it does not start."""
        ...


@dataclass(frozen=True)
class BaseImage:
    """An image that stands where a Dockerfile or a compose file names another.

    `prepare` is a shell script to run in it first, as root; `drops` are variables that must not reach its
    commands, because what they point to is elsewhere in it.
    """

    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: str = ""
    drops: frozenset[str] = frozenset()


class Workpiece(Protocol):
    """A sealed container in which an image is made or run: root may be root there, the disk is writable.

    Nothing of the host and no network but the loopback; methods raise as those of Sandbox do. It ends when
    a command times out, when more is written than it may hold, or when the runner dies.
    """

    id: str

    async def exec(  # noqa: PLR0913 (as of Sandbox.exec)
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        user: str = "0:0",
        timeout_s: float = 60,
        on_output: Callable[[bytes], None] | None = None,
        keep_bytes: int = 1_000_000,
    ) -> ExecResult:
        """Run a command to its end; an exception of `on_output` ends the container and is passed on."""
        ...

    def committed(self) -> AbstractAsyncContextManager[str]:
        """Its files as an image, which is removed when the context ends."""
        ...


class Workshop(Protocol):
    """Makes and runs images by steps of our own; no Dockerfile and no compose file reaches the engine."""

    def base(self, reference: str) -> BaseImage | None:
        """What stands for an image that a repository names; None if there is nothing."""
        ...

    def open(
        self, image: str, run: str, resources: Resources, joins: str | None = None
    ) -> AbstractAsyncContextManager[Workpiece]:
        """A container of an image, removed when the context ends. `joins` as in SandboxSpec."""
        ...


@dataclass(frozen=True)
class Endpoint:
    """Where the agent finds its model. `token` is worth nothing outside this run: never a key.

    `base_url` is http://127.0.0.1:PORT without a path; `wire` is one of the agent's wires.
    """

    base_url: str
    model: str
    token: str
    wire: str = "openai_chat"


@dataclass(frozen=True)
class ToolUse:
    """A call of one of an agent's own tools, as a scripted model makes it."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Waits:
    """Calls in a conversation by which a model only waits for a command: how many there were, and the next
    one if the command still runs."""

    made: int = 0
    next: ToolUse | None = None


@dataclass(frozen=True)
class Step:
    """One event of an agent's own log: `said` (the model's words), `thought`, `called` (a tool), `returned`
    (its result), `noted` (anything else worth keeping)."""

    kind: str
    text: str
    tool: str | None = None


@dataclass(frozen=True)
class Session:
    """How an agent's work in one phase ended.

    `configuration` is all it was started with, as JSON, without the token and the prompt. `reported` is what
    the agent itself says it used, None where its log has no such figures. `steps` are its own log's events.
    """

    result: ExecResult
    configuration: str
    reported: Usage | None = None
    steps: tuple[Step, ...] = ()


class Agent(Protocol):
    """Drives a model through phases inside a sandbox, each in a fresh invocation.

    `version` is pinned and recorded with every run. `wires` are the formats it speaks, the preferred first.
    `install` are Dockerfile lines that put it, as root and without asking, below /opt/<id> of a small Debian
    image, from where it is copied on top of any sandbox image; empty if there is nothing to install.
    """

    id: str
    version: str
    wires: tuple[str, ...]
    install: str

    async def run(self, sandbox: Sandbox, prompt: str, endpoint: Endpoint, limits: Limits) -> Session:
        """Work to the end of the phase or of `limits.wall_s`.

        Raises AgentError if what is installed or configured is not what was asked for.
        """
        ...

    def run_command(self, command: str, tools: Sequence[str]) -> ToolUse | str:
        """How a scripted model has this agent run a shell command, given the names of the tools it offered;
        a text for an agent without tools."""
        ...

    def waits(self, request: bytes) -> Waits:
        """How a scripted model waits for a command that a tool did not wait for, given the request's body."""
        ...

    def write_files(self, files: Mapping[str, bytes]) -> str | None:
        """How a scripted model has this agent write files by text alone; None if commands do it."""
        ...

    def finish(self, tools: Sequence[str]) -> ToolUse | None:
        """The call with which a scripted model ends this agent's work; None if words without a call do."""
        ...


@dataclass(frozen=True)
class PackageFile:
    """A kept package and its file on this host."""

    package: Package
    path: Path


@dataclass(frozen=True)
class BroughtTests:
    """A task's own tests, to be laid under /tests of `image`; `test.sh` there writes the reward.

    The produced files belong at `place`, where they are also run.
    """

    files: Mapping[str, SourceFile]
    timeout_s: float
    image: str
    place: str
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """What a probe looks at: the tree, and a way to open sandboxes of the task's image.

    `image` is the task's sandbox image, `helper_image` a small one with Python for stand-ins;
    both are None when no engine is at hand, and lab probes must then not be run.
    `manifests` is the folder with the API manifests of the task's sandbox.
    `artifacts` is where logs worth keeping may be written, None to keep nothing.
    `workshop` makes and runs the images that the repository describes; None where there is no engine.
    `packages` are those that were kept when the run was made, for the app to be installed from.
    `tests` are the task's own, if it brings any.
    `shared` is where probes that examine it side by side leave what serves the others too.
    """

    tree: SourceTree
    run: str
    manifests: Path
    backend: SandboxBackend | None = None
    image: str | None = None
    helper_image: str | None = None
    resources: Resources = field(default_factory=Resources)
    artifacts: Path | None = None
    workshop: Workshop | None = None
    packages: tuple[PackageFile, ...] = ()
    tests: BroughtTests | None = None
    shared: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


class Probe(Protocol):
    """Looks at one aspect of a produced repository and reports facts, never points.

    `checks` maps each check id to its statement, true of good code. `run` returns exactly one finding
    per check. `needs_lab` is True if it starts containers. Raise `version` when findings can change.
    """

    id: str
    version: int
    needs_lab: bool
    checks: Mapping[str, str]

    async def run(self, subject: Subject) -> list[Finding]:
        """SandboxError may pass through: the pipeline turns it into UNKNOWN."""
        ...


class Store(Protocol):
    """Write-once bytes under slash-separated keys."""

    def read(self, key: str) -> bytes:
        """Raises ArchiveError if absent."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Atomic. Writing the same bytes again is a no-op; other bytes raise ArchiveError."""
        ...

    def keys(self, prefix: str = "") -> Iterable[str]:
        """Sorted keys starting with `prefix`."""
        ...


class Executor(Protocol):
    """Runs jobs side by side."""

    def map(self, work: Callable[[Job], Awaitable[Result]], jobs: Iterable[Job]) -> AsyncIterator[Result]:
        """Results in the order of completion."""
        ...
