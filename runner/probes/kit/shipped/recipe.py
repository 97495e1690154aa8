"""A Dockerfile as steps that may be carried out, or the objections to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runner.core.tree import SourceTree
from runner.probes.kit.files.dockerfile import MOST_CHARS, Instruction, Stage, directives, parse
from runner.probes.kit.shipped.context import MOST_SOURCES
from runner.probes.kit.shipped.objections import Objection

CONTEXT_BYTES = 100_000_000
RUN_S = 240.0
BUILD_S = 900.0
MAX_STAGES = 20
_KNOWN = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S+))?(?:\s+|$)")
_OFFICIAL = re.compile(r"(docker\.io/)?docker/dockerfile(-upstream)?(:[\w.-]+)?(@\S+)?")
_ARCHIVE = re.compile(r"\.(tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz|zst))$", re.I)
_MAX_STEPS = 500
_MAX_WORDS = 60_000  # of one command: a kernel takes 128 KB at most


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
    rest, flags = instruction.words, []
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
class Mount:
    """A `--mount` of a RUN; `source` is in the context, or in the stage `stage`."""

    kind: str
    target: str
    source: str
    stage: str

    @property
    def is_given(self) -> bool:
        """Whether builds get it: what is empty at first, and files that they could copy as well."""
        return self.kind in ("cache", "tmpfs", "bind")


def mounts(words: Words) -> list[Mount]:
    """All of them, in order."""
    told = [value for name, value in words.flags if name == "mount"]
    return [_mount(dict(part.partition("=")[::2] for part in value.split(","))) for value in told]


def _mount(options: dict[str, str]) -> Mount:
    target = next((options[name] for name in ("target", "dst", "destination") if name in options), "")
    source = next((options[name] for name in ("source", "src") if name in options), "")
    return Mount(options.get("type", "bind"), target, source, options.get("from", "").lower())


@dataclass(frozen=True)
class Vetted:
    """A Dockerfile's stages, what speaks against carrying them out, and how long it may take.

    `run_s` is for one RUN, `build_s` for all.
    """

    path: str
    stages: tuple[Stage, ...]
    objections: tuple[Objection, ...]
    run_s: float = RUN_S
    build_s: float = BUILD_S

    def number(self, name: str) -> int | None:
        """Which stage is called so, by name or number."""
        if name.isdecimal():
            return int(name) if len(name) < 4 and int(name) < len(self.stages) else None
        named = [number for number, stage in enumerate(self.stages) if stage.name == name]
        return named[-1] if name and named else None

    def needed(self, target: str) -> list[int]:
        """The stages that the target, by default the last, comes of, in order."""
        last = self.number(target.lower()) if target else len(self.stages) - 1
        waiting, found = [] if last is None else [last], set[int]()
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                waiting += [n for n in _sources(self, self.stages[number]) if n < number]
        return sorted(found)


def _sources(recipe: Vetted, stage: Stage) -> Iterator[int]:
    if stage.parent is not None:
        yield stage.parent
    words = [words_of(step) for step in stage.instructions if step.keyword in ("COPY", "ADD", "RUN")]
    names = [name for w in words for name in (w.flag("from").lower(), *(m.stage for m in mounts(w)))]
    yield from (number for name in names if (number := recipe.number(name)) is not None)


def vetted(
    tree: SourceTree, path: str, run_s: float = RUN_S, args: Mapping[str, str] | None = None
) -> Vetted:
    """Read a Dockerfile. Nothing is asked of anyone."""
    text = tree.text(path)
    if text is None:
        told = "is not there" if path not in tree else "cannot be read as a Dockerfile"
        return Vetted(path, (), (Objection(path, None, told, is_fault=True),))
    return vetted_text(text, path, run_s, args)


def vetted_text(text: str, path: str, run_s: float = RUN_S, args: Mapping[str, str] | None = None) -> Vetted:
    """The same of a text that stands in another file."""
    if len(text) > MOST_CHARS:
        return Vetted(path, (), (Objection(path, None, "cannot be read as a Dockerfile", is_fault=True),))
    stages = parse(text, args)
    found = list(_directives(path, text))
    if not stages:
        found.append(Objection(path, None, "has no FROM", is_fault=True))
    if len(stages) > MAX_STAGES:
        found.append(Objection(path, None, f"has more than {MAX_STAGES} stages"))
    steps = [step for stage in stages for step in stage.instructions]
    if len(steps) > _MAX_STEPS:
        found.append(Objection(path, None, f"has more than {_MAX_STEPS} steps"))
    names = {stage.name for stage in stages} | {str(number) for number in range(len(stages))}
    found += [o for step in steps[:_MAX_STEPS] for o in _objections(path, step, names)]
    return Vetted(path, tuple(stages), tuple(found), run_s)


def _directives(path: str, text: str) -> Iterator[Objection]:
    told = directives(text)
    if "syntax" in told and not _OFFICIAL.fullmatch(told["syntax"]):
        yield Objection(path, 1, f"asks for a foreign frontend: {told['syntax'][:100]}")
    if told.get("escape", "\\") not in ("\\", "`"):
        yield Objection(path, 1, "names an escape character that there is not", is_fault=True)


def _objections(path: str, step: Instruction, stages: set[str]) -> Iterator[Objection]:
    words = words_of(step)
    if step.keyword not in _KNOWN:
        yield Objection(path, step.line, f"unknown instruction {step.keyword[:40]}", is_fault=True)
    elif step.keyword == "RUN":
        yield from (Objection(path, step.line, why) for why in _run_reasons(words, stages))
    elif step.keyword == "ONBUILD":
        yield Objection(path, step.line, "ONBUILD is not carried out")
    elif step.keyword in ("ADD", "COPY"):
        yield from (Objection(path, step.line, why) for why in _copy_reasons(step.keyword, words, stages))


def _run_reasons(words: Words, stages: set[str]) -> Iterator[str]:
    for mount in mounts(words):
        if not mount.is_given:
            yield f"RUN with a mount that is not given to builds: type={mount.kind[:40]}"
        elif mount.stage and mount.stage not in stages:
            yield f"RUN with a mount from another image: {mount.stage[:100]}"
    for name, value in words.flags:
        if name == "network" and value not in ("none", "default"):
            yield f"RUN asks for the network {value[:40]}"
        elif name == "security" and value != "sandbox":
            yield f"RUN asks for security {value[:40]}"
    if len(words.rest) > _MAX_WORDS:
        yield "RUN is longer than a command can be"


def _copy_reasons(keyword: str, words: Words, stages: set[str]) -> Iterator[str]:
    source = words.flag("from").lower()
    if source and source not in stages:
        yield f"{keyword} from another image: {source[:100]}"
    if re.search(r"(^|[\s\"'])(https?|git|ssh|ftp)://|(^|\s)git@", words.rest):
        yield f"{keyword} of an address, which is not downloaded"
    if keyword == "ADD" and not source and any(map(_ARCHIVE.search, words.rest.split()[:-1])):
        yield "ADD of an archive is not carried out"
    if words.flag("parents"):
        yield f"{keyword} with --parents is not carried out"
    if len(words.rest.split()) > MOST_SOURCES:
        yield f"{keyword} names more than {MOST_SOURCES} files"
