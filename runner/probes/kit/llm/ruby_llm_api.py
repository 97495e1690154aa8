"""The API of one release of the ruby_llm gem: what exists and how it may be called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from runner.probes.kit.llm.ruby_llm_facts import (
    CONSTANTS,
    ENUMERABLE,
    ERRORS,
    MODULE_OBJECT,
    OBJECT,
    OPTIONS,
    OTHER_ERRORS,
    PROVIDERS,
    TABLES,
)

Version = tuple[int, ...]
NEWEST: Version = (1, 16, 0)
UNRELEASED: Version = (2, 0)


@dataclass(frozen=True)
class Signature:
    """How one method may be called. `most` is None for any number of positional arguments."""

    name: str
    least: int = 0
    most: int | None = 0
    keywords: frozenset[str] = frozenset()
    any_keyword: bool = False
    takes_block: bool = False
    yields: str | None = None
    returns: str | None = None


_ENUMERABLES = ("Chat", "Agent", "Models")
RESULTS = ("Message", "Chunk", "Embedding", "Image", "Moderation", "Transcription", "Content")


class RubyLlmApi:
    """The API of one release of the gem. Later releases only add to what is listed.

    `addons`: constants under RubyLLM that other gems of the application bring.
    """

    def __init__(self, version: Version = NEWEST, addons: frozenset[str] = frozenset()) -> None:
        self.version = version
        self.methods: Mapping[str, Mapping[str, Signature]] = {
            kind: dict(self._signatures(table)) for kind, table in TABLES.items()
        }
        self.options = self._names(OPTIONS)
        self.errors = self._names(ERRORS)
        self.constants = self._names(CONSTANTS) | self.errors | self._names(OTHER_ERRORS) | addons
        self.providers = self._names(PROVIDERS)

    @property
    def complete(self) -> bool:
        """Whether all of the release's API is listed; of a newer one something may be missing here."""
        return self.version <= NEWEST

    def knows(self, kind: str) -> bool:
        """Whether all methods of that receiver are listed, so that a missing one does not exist."""
        return kind != "Record" and (kind in self.methods or kind == "Configuration")

    def signature(self, kind: str, name: str) -> Signature | None:
        """How a method is called, None if it is inherited from Object or does not exist."""
        return self.methods.get(kind, {}).get(name)

    def has(self, kind: str, name: str) -> bool:
        """Whether the receiver answers a method, its Ruby and Active Support ancestors included."""
        if kind == "Configuration":
            return name.removesuffix("=") in self.options or name in _WORDS["object"]
        if name in self.methods.get(kind, {}) or name in _WORDS["object"]:
            return True
        if kind == "RubyLLM" or kind.endswith(".class"):
            return name in _WORDS["module"] and not (
                kind == "RubyLLM" and name in ("new", "allocate", "superclass")
            )
        return kind in _ENUMERABLES and name in _WORDS["enumerable"]

    def _since(self, written: str) -> tuple[str, bool]:
        name, _, since = written.partition("@")
        return name.strip(), not since or _version(since) <= self.version

    def _names(self, listed: str) -> frozenset[str]:
        return frozenset(name for name, there in map(self._since, listed.split()) if there)

    def _signatures(self, table: str) -> list[tuple[str, Signature]]:
        lines = (self._since(line) for line in table.strip().splitlines())
        found = [_signature(line) for line, there in lines if there]
        return [(signature.name, signature) for signature in found]


_WORDS = {
    "object": frozenset(OBJECT.split()),
    "module": frozenset(MODULE_OBJECT.split()),
    "enumerable": frozenset(ENUMERABLE.split()),
}
_LINE = re.compile(
    r"(?P<name>[\w!?=]+)(?:\((?P<params>.*)\))?(?: \{(?P<yields>\w+)\})?(?: -> (?P<returns>\w+))?"
)


def _signature(line: str) -> Signature:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"not a signature: {line}")
    parts = [p.strip() for p in (match["params"] or "").split(",") if p.strip()]
    anything = "..." in parts
    splat = any(p.startswith("*") and not p.startswith("**") for p in parts)
    keywords = frozenset(p.split(":")[0] for p in parts if re.match(r"\w+:", p))
    positional = [p for p in parts if re.match(r"\w+( =.*)?$", p)]
    return Signature(
        name=match["name"],
        least=sum("=" not in p for p in positional),
        most=None if anything or splat else len(positional),
        keywords=keywords,
        any_keyword=anything or any(p.startswith("**") for p in parts),
        takes_block=anything or "&" in parts,
        yields=match["yields"],
        returns=match["returns"],
    )


def _version(written: str) -> Version:
    return tuple(int(part) for part in re.findall(r"\d+", written))


def api_of(lockfile: str, gems: set[str]) -> RubyLlmApi:
    """The API of the release a Gemfile.lock names (the newest known without one), beside add-on gems."""
    source = re.search(r"^(GIT|PATH|GEM)\n(?:(?!^\S).*\n)*? {4}ruby_llm \((\d+[\d.]*)", lockfile, re.M)
    addons = frozenset(name for gem in gems for name in _addon_names(gem))
    if source is None:
        return RubyLlmApi(addons=addons)
    return RubyLlmApi(UNRELEASED if source[1] == "GIT" else _version(source[2]), addons)


def _addon_names(gem: str) -> list[str]:
    """What an add-on gem may call its module (`ruby_llm-mcp`: RubyLLM::MCP)."""
    match = re.fullmatch(r"ruby_llm[-_](\w+)", gem)
    if match is None:
        return []
    words = match[1].split("_")
    return ["".join(words).upper(), "".join(w.capitalize() for w in words)]
