"""Where things lie and how this machine is used: decided once by the command line, handed down from there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from runner import agents
from runner.core.protocols import Agent
from runner.core.registry import load, names
from runner.sandbox.host import DEFAULT_URL, NO_INSTALL, DoorMode, Host
from runner.sandbox.recipes import ImageSettings

__all__ = ["DEFAULT_URL", "NO_INSTALL", "DoorMode", "Host", "Settings"]


@cache
def all_agents() -> tuple[Agent, ...]:
    """Every agent there is, by name."""
    return tuple(load(agents, name, "agent").AGENT for name in names(agents))


@dataclass(frozen=True)
class Settings:
    """All settings of one command.

    `root` is the repository: tasks, rubrics and sandboxes lie there. `models` is the user's own model file,
    which need not exist. `proxies` are name and value (`HTTPS_PROXY`, ...). `variables` are the names, never
    the values, of the environment variables that are set.
    """

    root: Path
    archive: Path
    models: Path
    engine_url: str
    runtime: str
    door: DoorMode
    ca_bundle: Path | None
    proxies: tuple[tuple[str, str], ...]
    mirror: str
    host: Host
    variables: frozenset[str]

    @property
    def tasks(self) -> Path:
        """One folder a task."""
        return self.root / "tasks"

    @property
    def rubrics(self) -> Path:
        """One folder a rubric."""
        return self.root / "rubrics"

    @property
    def mirrors(self) -> Path:
        """Which images stand for those that produced repositories name."""
        return self.root / "sandboxes" / "mirror.yaml"

    @property
    def shipped_models(self) -> Path:
        """The model providers that come with the runner."""
        return self.root / "runner" / "models.yaml"

    @property
    def cache(self) -> Path:
        """What may be deleted at any time: logs of builds, locks."""
        return self.root / ".cache"

    @property
    def logs(self) -> Path:
        """Logs of set-up: engine and images."""
        return self.cache / "logs"

    @property
    def images(self) -> ImageSettings:
        """The part that image building needs."""
        return ImageSettings(
            sandboxes=self.root / "sandboxes",
            logs=self.logs,
            ca_bundle=self.ca_bundle,
            proxies=self.proxies,
            mirror=self.mirror,
            host=self.host,
            agents={agent.id: agent.install for agent in all_agents() if agent.install},
        )
