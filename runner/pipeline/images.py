"""Building and listing images and agents, with an engine that is set up first where that is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from docker import APIClient

from runner.core.errors import SetupError
from runner.core.protocols import Agent
from runner.pipeline.settings import Settings, all_agents
from runner.sandbox.engine import connect
from runner.sandbox.host import Progress
from runner.sandbox.images import ensure_image
from runner.sandbox.provision import ensure_engine
from runner.sandbox.recipes import AGENTS_ON, all_image_names, image_tag


@dataclass(frozen=True)
class ImageState:
    """An image as its inputs are now; `size_mb` is None if it is not built."""

    name: str
    tag: str
    size_mb: int | None

    @property
    def is_built(self) -> bool:
        """Whether the engine has it."""
        return self.size_mb is not None


@dataclass(frozen=True)
class AgentState:
    """An agent; `size_mb` is what it adds to an image, None if unknown."""

    id: str
    version: str
    wires: tuple[str, ...]
    size_mb: int | None


def set_up_engine(settings: Settings, progress: Progress) -> APIClient:
    """A client of an engine that answers, to be closed. Raises SetupError that says what to do."""
    return ensure_engine(settings.engine_url, settings.host, settings.logs, progress)


def build_images(settings: Settings, names: Sequence[str], progress: Progress) -> dict[str, str]:
    """The tag of each image, built now if it is missing; no names means all."""
    wanted = names or all_image_names(settings.images)
    for name in wanted:
        image_tag(name, settings.images)  # a wrong name is told before anything is set up
    with closing(set_up_engine(settings, progress)) as client:
        return {name: ensure_image(client, name, settings.images, progress) for name in wanted}


def list_images(settings: Settings) -> list[ImageState]:
    """Every image, built or not; the engine must be there already."""
    with closing(connect(settings.engine_url, settings.host)) as client:
        return image_states(settings, client)


def image_states(settings: Settings, client: APIClient) -> list[ImageState]:
    """Every image, built or not."""
    return [_state(name, settings, client) for name in all_image_names(settings.images)]


def list_agents(settings: Settings) -> list[AgentState]:
    """Every agent; no size is known of one that is not built, nor without an engine."""
    try:
        client = connect(settings.engine_url, settings.host)
    except SetupError:
        return _agent_states(settings, None)
    with closing(client):
        return _agent_states(settings, client)


def _agent_states(settings: Settings, client: APIClient | None) -> list[AgentState]:
    return [
        AgentState(agent.id, agent.version, agent.wires, _own_mb(agent, settings, client))
        for agent in all_agents()
    ]


def _own_mb(agent: Agent, settings: Settings, client: APIClient | None) -> int | None:
    """What its image has more than the one it was built on."""
    if not agent.install:
        return 0
    if client is None:
        return None
    states = [_state(name, settings, client) for name in (agent.id, AGENTS_ON)]
    whole, below = (state.size_mb for state in states)
    return None if whole is None or below is None else whole - below


def _state(name: str, settings: Settings, client: APIClient) -> ImageState:
    tag = image_tag(name, settings.images)
    found = client.images(name=tag)
    return ImageState(name, tag, found[0]["Size"] // 10**6 if found else None)
