"""Dockerfiles as data: stages, base images with their ARGs filled in, start commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from runner.core.tree import SourceTree
from runner.probes.kit.files.compose import compose_files, dockerfiles_built

_NAMES = ("Dockerfile", "Containerfile", "dockerfile")
_HEREDOC = re.compile(r"<<-?\s*[\"']?([A-Za-z_]\w*)[\"']?")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?([-+])([^}]*))?\})")
_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S*)")
_INSTALLS_RUBY = re.compile(
    r"\b(?:apt-get|apt|apk|dnf|yum|microdnf)\b[^&;|]*\b(?:install|add)\b[^&;|]*\bruby(?:-full)?\b"
)


@dataclass(frozen=True)
class Instruction:
    """One instruction; `keyword` in capitals, `arguments` with continued lines joined."""

    keyword: str
    arguments: str
    line: int


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it. `image` has its ARGs filled in; `parent` is an earlier stage."""

    image: str
    name: str
    line: int
    parent: int | None
    instructions: tuple[Instruction, ...] = ()


def dockerfile_path(tree: SourceTree, folders: tuple[str, ...]) -> str | None:
    """The application's Dockerfile: in one of these folders, or one that a compose file there builds."""
    usual = [folder + name for folder in folders for name in _NAMES]
    built = [path for file in compose_files(tree, folders) for path in dockerfiles_built(file)]
    suffixed = [p for f in folders for p in tree.glob(f"{f}Dockerfile.*") if not p.endswith(".dockerignore")]
    return next((path for path in (*usual, *built, *suffixed) if tree.text(path) is not None), None)


def parse(text: str) -> list[Stage]:
    """The stages in order; [] when there is no FROM."""
    stages: list[Stage] = []
    defaults: dict[str, str] = {}
    for instruction in _instructions(text):
        if instruction.keyword == "FROM" and (found := _FROM.match(instruction.arguments)):
            image = filled(found.group(1), defaults)
            name = (found.group(2) or "").lower()
            stages.append(Stage(image, name, instruction.line, _stage_named(image, stages)))
        elif stages:
            stages[-1] = replace(stages[-1], instructions=(*stages[-1].instructions, instruction))
        elif instruction.keyword == "ARG":
            defaults |= {key: filled(value, defaults) for key, value in assignments(instruction)}
    return stages


def assignments(instruction: Instruction) -> list[tuple[str, str]]:
    """What an ARG or ENV sets."""
    found = _ASSIGNMENT.findall(instruction.arguments)
    if not found and instruction.keyword == "ENV":
        key, _, value = instruction.arguments.partition(" ")
        return [(key, value.strip())]
    return [(key, value.strip("\"'")) for key, value in found]


def start_command(stages: list[Stage]) -> Instruction | None:
    """The CMD, else the ENTRYPOINT, that the last stage has or inherits from an earlier stage."""
    inherited = [instruction for stage in lineage(stages) for instruction in reversed(stage.instructions)]
    commands = [i for i in inherited if i.keyword in ("CMD", "ENTRYPOINT") and i.arguments not in ("", "[]")]
    return next((i for i in commands if i.keyword == "CMD"), commands[0] if commands else None)


def lineage(stages: list[Stage]) -> list[Stage]:
    """The last stage and the earlier ones it is built on, last first."""
    chain: list[Stage] = []
    index = len(stages) - 1 if stages else None
    while index is not None:
        chain.append(stages[index])
        index = stages[index].parent
    return chain


def ruby_stages(stages: list[Stage]) -> list[tuple[Stage, str]]:
    """The stages that start from an image of Ruby, with its tag (`""` without one)."""
    images = [(stage, *_split(stage.image)) for stage in stages if stage.parent is None]
    return [(s, tag) for s, name, tag in images if re.search(r"(?:^|[/-])ruby$", name)]


def package_ruby(stages: list[Stage]) -> Instruction | None:
    """The RUN that installs the distribution's own Ruby, if one does."""
    runs = (i for stage in stages for i in stage.instructions if i.keyword == "RUN")
    return next((i for i in runs if _INSTALLS_RUBY.search(i.arguments)), None)


def _split(image: str) -> tuple[str, str]:
    name, _, _ = image.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return head + slash + last, tag


def _stage_named(image: str, stages: list[Stage]) -> int | None:
    return next((n for n, s in reversed(list(enumerate(stages))) if s.name and s.name == image.lower()), None)


def filled(text: str, defaults: dict[str, str]) -> str:
    """A text with the variables it names put in, empty where unknown."""

    def value(found: re.Match[str]) -> str:
        known = defaults.get(found.group(1) or found.group(2), "")
        sign, other = found.group(3), found.group(4) or ""
        if sign == "+":
            return other if known else ""
        return known or (other if sign == "-" else "")

    return _VARIABLE.sub(value, text.strip("\"'"))


def _instructions(text: str) -> Iterator[Instruction]:
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        joined = _joined(line.strip(), lines)
        keyword, _, arguments = joined.partition(" ")
        body = [
            _heredoc(word, lines)
            for word in _HEREDOC.findall(arguments)
            if keyword.upper() in ("RUN", "COPY")
        ]
        yield Instruction(keyword.upper(), " ".join((arguments.strip(), *body)).strip(), number)


def _joined(line: str, lines: Iterator[tuple[int, str]]) -> str:
    """The line with those it continues on; comments and blank lines in between do not end it."""
    parts = []
    while line.endswith("\\"):
        parts.append(line[:-1].strip())
        line = next((s for _, raw in lines if (s := raw.strip()) and not s.startswith("#")), "")
    return " ".join((*parts, line)).strip()


def _heredoc(word: str, lines: Iterator[tuple[int, str]]) -> str:
    body = []
    for _, line in lines:
        if line.strip() == word:
            break
        body.append(line)
    return "\n".join(body)
