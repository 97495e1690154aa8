"""A Dockerfile as steps that may be carried out, or the objections to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.files.dockerfile import Instruction, Stage, parse
from runner.probes.kit.shipped.objections import Objection

CONTEXT_BYTES = 100_000_000
RUN_S = 240.0
_KNOWN = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S+))?\s+")
_FRONTEND = re.compile(r"^#\s*(syntax|escape)\s*=\s*(\S+)", re.I | re.M)
_OFFICIAL = re.compile(r"(docker\.io/)?docker/dockerfile(:1(\.\d+)*(-labs)?)?(@\S+)?")
_MAX_STEPS = 500


@dataclass(frozen=True)
class Words:
    """An instruction's flags and the rest of it."""

    flags: tuple[tuple[str, str], ...]
    rest: str

    def flag(self, name: str) -> str:
        """The last value of a flag, empty without it."""
        return dict(self.flags).get(name, "")


def words_of(instruction: Instruction) -> Words:
    """Flags stand before anything else."""
    rest, flags = instruction.arguments, []
    while found := _FLAG.match(rest):
        flags.append((found[1], found[2] or "true"))
        rest = rest[found.end() :]
    return Words(tuple(flags), rest.strip())


def listed(text: str) -> list[str] | None:
    """The words of an instruction in its JSON form, None if it has the other."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


@dataclass(frozen=True)
class Vetted:
    """A Dockerfile's stages, what speaks against carrying them out, and how long one RUN may take."""

    path: str
    stages: tuple[Stage, ...]
    objections: tuple[Objection, ...]
    run_s: float = RUN_S


def vetted(tree: SourceTree, path: str, run_s: float = RUN_S) -> Vetted:
    """Read a Dockerfile. Nothing is asked of anyone."""
    text = tree.text(path)
    if text is None or len(text) > 256_000:
        return Vetted(path, (), (Objection(path, None, "cannot be read as a Dockerfile", is_fault=True),))
    stages = parse(text)
    found = list(_directives(path, text))
    if not stages:
        found.append(Objection(path, None, "has no FROM", is_fault=True))
    steps = [step for stage in stages for step in stage.instructions]
    if len(steps) > _MAX_STEPS:
        found.append(Objection(path, None, f"has more than {_MAX_STEPS} steps"))
    names = {stage.name for stage in stages} | {str(number) for number in range(len(stages))}
    found += [o for step in steps[:_MAX_STEPS] for o in _objections(path, step, names)]
    return Vetted(path, tuple(stages), tuple(found), run_s)


def _directives(path: str, text: str) -> Iterator[Objection]:
    head = re.match(r"(?:#.*\n?)*", text)
    for name, value in _FRONTEND.findall(head[0] if head else ""):
        if name.lower() == "syntax" and not _OFFICIAL.fullmatch(value):
            yield Objection(path, 1, f"asks for a foreign frontend: {value[:100]}")
        if name.lower() == "escape" and value != "\\":
            yield Objection(path, 1, "changes the escape character")


def _objections(path: str, step: Instruction, stages: set[str]) -> Iterator[Objection]:
    words = words_of(step)
    if step.keyword not in _KNOWN:
        yield Objection(path, step.line, f"unknown instruction {step.keyword[:40]}", is_fault=True)
    elif step.keyword == "RUN":
        yield from (Objection(path, step.line, why) for why in _run_reasons(words))
    elif step.keyword == "ONBUILD":
        yield Objection(path, step.line, "ONBUILD is not carried out")
    elif step.keyword in ("ADD", "COPY"):
        yield from (Objection(path, step.line, why) for why in _copy_reasons(step.keyword, words, stages))


def _run_reasons(words: Words) -> Iterator[str]:
    for name, value in words.flags:
        if name == "mount" and not re.match(r"type=(cache|tmpfs)\b", value):
            yield f"RUN with a mount that is not given to builds: {value[:100]}"
        elif name == "network" and value != "none":
            yield f"RUN asks for the network {value[:40]}"
        elif name == "security":
            yield f"RUN asks for security {value[:40]}"


def _copy_reasons(keyword: str, words: Words, stages: set[str]) -> Iterator[str]:
    source = words.flag("from").lower()
    if source and source not in stages:
        yield f"{keyword} from another image: {source[:100]}"
    if re.search(r"(^|[\s\"'])(https?|git|ssh|ftp)://|(^|\s)git@", words.rest):
        yield f"{keyword} of an address, which is not downloaded"
    if "<<" in words.rest:
        yield f"{keyword} of a here-document is not carried out"


def context_of(tree: SourceTree, folder: str, dockerfile: str) -> dict[str, SourceFile]:
    """The files a build may copy, by their path in the context, less what .dockerignore names."""
    inside = {p.removeprefix(folder): file for p, file in tree.files.items() if p.startswith(folder)}
    own = tree.text(f"{dockerfile}.dockerignore")
    rules = own if own is not None else tree.text(f"{folder}.dockerignore") or ""
    return {path: file for path, file in inside.items() if not _ignored(path, rules)}


def _ignored(path: str, rules: str) -> bool:
    """As the engine's client decides: the last rule that fits wins; a rule also fits what is below it."""
    parts = path.split("/")
    above = ["/".join(parts[: n + 1]) for n in range(min(len(parts), 64))]
    ignored = False
    for line in rules.splitlines()[:1000]:
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.removeprefix("!").strip().strip("/").removeprefix("./")
        if any(_fits(candidate, pattern) for candidate in above):
            ignored = not rule.startswith("!")
    return ignored


def _fits(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        tail = pattern[3:]
        return _fits(path, tail) or any(_fits(path[n + 1 :], tail) for n, c in enumerate(path) if c == "/")
    if "**" in pattern:
        return fnmatchcase(path, pattern.replace("**", "*"))
    pieces, wanted = path.split("/"), pattern.split("/")
    return len(pieces) == len(wanted) and all(map(fnmatchcase, pieces, wanted))
