"""What a Harbor `task.toml` says that matters here: schema 1.0 to 1.4, as of harbor 0.26."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from runner.core.errors import SpecError
from runner.core.records import Record
from runner.spec.documents import MAX_BYTES, parse, refuse

FILE = "task.toml"
SHARED, SEPARATE = "shared", "separate"


class _Read(Record):
    """Harbor's own fields come and go; those that are not known here are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Network(_Read):
    """`public`, `no-network` or `allowlist` with its hosts; None where it is not said."""

    network_mode: str | None = None
    allowed_hosts: tuple[str, ...] = ()


class Environment(Network):
    """A container: what it is made of and may use."""

    docker_image: str | None = None
    os: str = "linux"
    cpus: float | None = Field(None, gt=0)
    memory_mb: int | None = Field(None, gt=0)
    memory: str | None = None
    storage_mb: int | None = Field(None, gt=0)
    storage: str | None = None
    gpus: int | None = None
    tpu: dict[str, Any] | None = None
    mcp_servers: tuple[dict[str, Any], ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    skills_dir: str | None = None
    healthcheck: dict[str, Any] | None = None
    workdir: str | None = None
    allow_internet: bool | None = None


class Verifier(_Read):
    """How the tests run."""

    timeout_sec: float = Field(600, gt=0)
    env: dict[str, str] = Field(default_factory=dict)
    environment_mode: str | None = None
    environment: Environment | None = None
    collect: tuple[dict[str, Any], ...] = ()

    @property
    def is_separate(self) -> bool:
        """Whether the tests run in a container of their own."""
        return (self.environment_mode or (SEPARATE if self.environment else SHARED)) == SEPARATE


class Agent(Network):
    """How long the agent may work."""

    timeout_sec: float | None = Field(None, gt=0)


class Package(_Read):
    """`org/name` and what it is."""

    name: str
    description: str = ""


class Step(_Read):
    """One of several instructions, in a folder of `steps/`."""

    name: str
    agent: Agent = Agent()
    verifier: Verifier = Verifier()


class Config(_Read):
    """A task.toml."""

    task: Package | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    verifier: Verifier = Verifier()
    agent: Agent = Agent()
    environment: Environment = Environment()
    steps: tuple[Step, ...] = ()
    multi_step_reward_strategy: str | None = None

    @property
    def network(self) -> Network:
        """What the agent reaches."""
        have = self.environment
        if self.agent.network_mode:
            return self.agent
        if have.network_mode is None and have.allow_internet is not None:
            return Network(network_mode="public" if have.allow_internet else "no-network")
        return have


def read_config(folder: Path) -> Config:
    """Raises SpecError naming file and field, also for what no sandbox here can offer."""
    path = folder / FILE
    try:
        with path.open("rb") as file:
            document = tomllib.loads(file.read(MAX_BYTES).decode())
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}; is {folder} a Harbor task?") from error
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path}: is not TOML: {error}") from error
    config = parse(Config, document, path)
    refuse([*_impossible(config, folder)], path)
    return config


def _impossible(config: Config, folder: Path) -> Iterator[str]:
    have = config.environment
    if have.os.lower() != "linux":
        yield f"environment.os: {have.os!r} cannot be run; sandboxes are Linux containers"
    for field in ("gpus", "tpu", "mcp_servers"):
        if getattr(have, field):
            yield f"environment.{field}: a sandbox offers none"
    for name in ("docker-compose.yaml", "docker-compose.yml"):
        if (folder / "environment" / name).exists():
            yield f"environment/{name}: several containers cannot be imported; make one Dockerfile of them"
    if config.verifier.collect:
        yield "verifier.collect: hooks of several containers cannot be imported"
    if config.verifier.environment and config.verifier.environment.os.lower() != "linux":
        yield f"verifier.environment.os: {config.verifier.environment.os!r} cannot be run"


def megabytes(mb: int | None, text: str | None) -> int | None:
    """A size in megabytes, or of older files as in `2G`; None if neither says one."""
    if mb is not None or text is None:
        return mb
    number, unit = text.strip()[:-1], text.strip()[-1:].upper()
    factor = {"G": 1024.0, "M": 1.0, "K": 1 / 1024}.get(unit)
    try:
        return int(float(number) * factor) if factor else None
    except ValueError:
        return None
