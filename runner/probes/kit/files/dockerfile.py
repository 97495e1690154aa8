"""Dockerfiles as data: stages, base images with their ARGs filled in, start commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from runner.core.tree import SourceTree
from runner.probes.kit.files.compose import compose_files, dockerfiles_built

_NAMES = ("Dockerfile", "Containerfile", "dockerfile")
MOST_CHARS = 256_000
MOST_STAGES = 100
MOST_VALUE = 32_000
_DIRECTIVE = re.compile(r"#\s*(?P<name>\w+)\s*=\s*(?P<value>\S+)\s*$")
_HEREDOC = re.compile(r"(?<!\S)\d*<<(?P<tabs>-?)(?P<quote>[\"']?)(?P<name>[A-Za-z_]\w*)(?P=quote)(?!\S)")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?([-+])([^}]*))?\})")
_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(?<!\w)(\w+)=(\"[^\"]*\"|'[^']*'|\S*)")
_PACKAGER = re.compile(r"\b(?:apt-get|apt|apk|dnf|yum|microdnf)\b")
_INSTALLING = re.compile(r"\b(?:install|add)\b")
_RUBY = re.compile(r"\bruby(?:-full)?\b")


@dataclass(frozen=True)
class Document:
    """A here-document: its name, its lines, and whether variables in it are put in."""

    name: str
    body: str
    is_filled: bool


@dataclass(frozen=True)
class Instruction:
    """One instruction; `keyword` in capitals, `arguments` with continued lines and here-documents joined.

    `words` are the arguments without its here-documents.
    """

    keyword: str
    arguments: str
    line: int
    words: str = ""
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it. `image` has its ARGs filled in; `parent` is an earlier stage.

    `known` are the ARGs before the first FROM, which a stage gets by naming them again.
    """

    image: str
    name: str
    line: int
    parent: int | None
    instructions: tuple[Instruction, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict, compare=False)


def dockerfile_path(tree: SourceTree, folders: tuple[str, ...]) -> str | None:
    """The application's Dockerfile: in one of these folders, or one that a compose file there builds."""
    usual = [folder + name for folder in folders for name in _NAMES]
    built = [path for file in compose_files(tree, folders) for path in dockerfiles_built(file)]
    suffixed = [p for f in folders for p in tree.glob(f"{f}Dockerfile.*") if not p.endswith(".dockerignore")]
    return next((path for path in (*usual, *built, *suffixed) if tree.text(path) is not None), None)


def parse(text: str, args: Mapping[str, str] | None = None) -> list[Stage]:
    """The stages in order, at most MOST_STAGES; [] when there is no FROM. `args` are set from outside."""
    stages: list[Stage] = []
    steps: list[list[Instruction]] = []
    known: dict[str, str] = {}
    for instruction in _instructions(text) if len(text) <= MOST_CHARS else ():
        if instruction.keyword == "FROM" and (found := _FROM.match(instruction.arguments)):
            if len(stages) == MOST_STAGES:
                break
            image = filled(found.group(1), known)
            name = (found.group(2) or "").lower()
            stage = Stage(image, name, instruction.line, _stage_named(image, stages), known=known)
            stages.append(stage)
            steps.append([])
        elif stages:
            steps[-1].append(instruction)
        elif instruction.keyword == "ARG":
            known |= {key: filled(value, known) for key, value in assignments(instruction)}
            known |= {key: value for key, value in (args or {}).items() if key in known}
    return [replace(stage, instructions=tuple(own)) for stage, own in zip(stages, steps, strict=True)]


def directives(text: str) -> dict[str, str]:
    """The parser directives (`# name=value`), which stand before anything else."""
    found: dict[str, str] = {}
    for line in text.splitlines()[:10]:
        directive = _DIRECTIVE.match(line)
        if directive is None:
            break
        found.setdefault(directive["name"].lower(), directive["value"])
    return found


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
    return next((i for i in runs if any(map(_installs_ruby, re.split(r"[&;|]", i.arguments)))), None)


def _installs_ruby(command: str) -> bool:
    """One after the other, as a single pattern would take a time that grows with the cube of the length."""
    place = 0
    for pattern in (_PACKAGER, _INSTALLING, _RUBY):
        found = pattern.search(command, place)
        if found is None:
            return False
        place = found.end()
    return True


def _split(image: str) -> tuple[str, str]:
    name, _, _ = image.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return head + slash + last, tag


def _stage_named(image: str, stages: list[Stage]) -> int | None:
    return next((n for n, s in reversed(list(enumerate(stages))) if s.name and s.name == image.lower()), None)


def filled(text: str, defaults: Mapping[str, str]) -> str:
    """A word without its quotes, with the variables it names put in."""
    return expanded(text.strip("\"'"), defaults)


def expanded(text: str, defaults: Mapping[str, str]) -> str:
    """A text with the variables it names put in, empty where unknown; cut, as each may double the last."""

    def value(found: re.Match[str]) -> str:
        known = defaults.get(found.group(1) or found.group(2), "")
        sign, other = found.group(3), found.group(4) or ""
        if sign == "+":
            return other if known else ""
        return known or (other if sign == "-" else "")

    return _VARIABLE.sub(value, text[:MOST_VALUE])[:MOST_VALUE]


def _instructions(text: str) -> Iterator[Instruction]:
    escape = directives(text).get("escape", "\\")
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        joined = _joined(line.strip(), lines, escape)
        keyword, _, words = joined.partition(" ")
        words = words.strip()
        marks = _HEREDOC.finditer(words) if keyword.upper() in ("RUN", "COPY", "ADD") else ()
        documents = tuple(_document(mark, lines) for mark in marks)
        whole = " ".join((words, *(document.body for document in documents))).strip()
        yield Instruction(keyword.upper(), whole, number, words, documents)


def _joined(line: str, lines: Iterator[tuple[int, str]], escape: str) -> str:
    """The line with those it continues on; comments and blank lines in between do not end it."""
    parts = []
    while line.endswith(escape):
        parts.append(line[:-1].strip())
        line = next((s for _, raw in lines if (s := raw.strip()) and not s.startswith("#")), "")
    return " ".join((*parts, line)).strip()


def _document(mark: re.Match[str], lines: Iterator[tuple[int, str]]) -> Document:
    body = []
    for _, raw in lines:
        line = raw.lstrip("\t") if mark["tabs"] else raw
        if line == mark["name"]:
            break
        body.append(line)
    return Document(mark["name"], "\n".join(body), not mark["quote"])
