"""What an image says of its commands, and how the instructions that run nothing change it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runner.probes.kit.files.dockerfile import Instruction, assignments, filled
from runner.probes.kit.shipped.recipe import listed, words_of

# What every build knows of the machine; an ARG makes them visible.
PLATFORM = {
    "TARGETPLATFORM": "linux/amd64",
    "TARGETOS": "linux",
    "TARGETARCH": "amd64",
    "BUILDPLATFORM": "linux/amd64",
    "BUILDOS": "linux",
    "BUILDARCH": "amd64",
}
MAX_PORT = 65_535


@dataclass(frozen=True)
class State:
    """What an image says of its commands; `args` are known to the build alone.

    `health` is its check's command. `inherits`: the command is that of the image it is built on.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    drops: frozenset[str] = frozenset()
    folder: str = "/"
    user: str = ""
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    health: tuple[str, ...] = ()
    inherits: bool = False

    @property
    def known(self) -> dict[str, str]:
        """Every variable an instruction can name."""
        return {**self.args, **self.env}

    @property
    def passed(self) -> dict[str, str]:
        """The variables its commands get."""
        return {name: value for name, value in self.env.items() if name not in self.drops}

    @property
    def argv(self) -> tuple[str, ...]:
        """How it starts."""
        return (*self.entrypoint, *self.command)


def declared(
    state: State, step: Instruction, args: Mapping[str, str], known: Mapping[str, str] | None = None
) -> State:
    """The state after an instruction that runs nothing.

    `args` are what ARGs are given from outside, `known` those before the first FROM.
    """
    text = step.arguments
    if step.keyword == "ARG":
        return replace(state, args={**state.args, **_arguments(state, step, args, known or {})})
    if step.keyword == "ENV":
        added = {name: filled(value, state.known) for name, value in assignments(step)}
        return replace(state, env={**state.env, **added})
    if step.keyword == "USER":
        return replace(state, user=filled(text, state.known))
    if step.keyword == "EXPOSE":
        numbers = (re.match(r"\d{1,5}", filled(word, state.known)) for word in text.split())
        ports = (int(found[0]) for found in numbers if found)
        return replace(state, ports=(*state.ports, *(port for port in ports if 0 < port <= MAX_PORT)))
    if step.keyword == "HEALTHCHECK":
        command = words_of(step).rest.removeprefix("CMD").strip()
        return replace(state, health=() if command == "NONE" else _started(state, command))
    if step.keyword in ("CMD", "ENTRYPOINT", "SHELL"):
        return _starting(state, step.keyword, _started(state, text))
    return state


def _arguments(
    state: State, step: Instruction, args: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    defaults = {name: filled(value, state.known) for name, value in assignments(step)}
    bare = [] if any(quote in step.arguments for quote in "\"'") else step.arguments.split()
    names = [*defaults, *(word for word in bare if "=" not in word)]
    told = {**PLATFORM, **known, **defaults, **args}
    return {name: told.get(name, "") for name in names}


def _started(state: State, text: str) -> tuple[str, ...]:
    words = listed(text)
    return tuple(words if words is not None else [*state.shell, text])


def _starting(state: State, keyword: str, words: tuple[str, ...]) -> State:
    if keyword == "SHELL":
        return replace(state, shell=words)
    if keyword == "CMD":
        return replace(state, command=words, inherits=False)
    return replace(state, entrypoint=words, command=() if state.inherits else state.command)


def is_root(state: State) -> bool:
    """Whether an image's commands run as root."""
    return state.user.partition(":")[0] in ("", "0", "root")


def shell_words(value: object) -> tuple[str, ...]:
    """A command of a compose file: a list as it is, a text split as a shell would; () if there is none."""
    if isinstance(value, list):
        return tuple(str(word) for word in value)
    if not value:
        return ()
    text = str(value)
    if (words := listed(text)) is not None:
        return tuple(words)
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return ("sh", "-c", text)
