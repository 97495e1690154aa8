"""The API of one release of the ruby_llm gem: what exists and how it may be called, from its manifest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.probes.kit.llm.ruby_llm_facts import DELEGATES, ENUMERABLE, MODULE_OBJECT, OBJECT, TYPES
from runner.probes.kit.manifests import Manifest, Methods, Version, nearest_manifest, parsed_version

UNRELEASED: Version = (2, 0)
ROOT = "RubyLLM"
RESULTS = ("Message", "Chunk", "Embedding", "Image", "Moderation", "Transcription", "Content")
_ENUMERABLES = ("Chat", "Agent", "Models")
_INSTANCES = ("Chat", "Message", "Chunk", "Agent", "Context", "Content", *RESULTS[2:6])
_CLASSES = ("Chat", "Message", "Agent", "Content", "Tool")
_TOLD = ("self", "Record", "Models", "Messages", "Configuration", *_INSTANCES)
_RECORD = "RubyLLM::ActiveRecord::ChatMethods"
# A library's mix-ins for models use Active Record too: a call that is not listed may be the model's own.
_OPEN = ("Record",)


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


class RubyLlmApi:
    """The API of one release of the gem, judged by `manifest`, that release's or the nearest one's.

    `version` is what the application asks for. `addons`: constants that other gems of it bring.
    """

    def __init__(
        self, manifest: Manifest, version: Version | None = None, addons: frozenset[str] = frozenset()
    ) -> None:
        self.manifest = manifest
        self.version = version or manifest.version
        self.methods: Mapping[str, Mapping[str, Signature]] = dict(_tables(manifest))
        self.options = frozenset(
            name.removesuffix("=") for name in manifest.instance_methods(f"{ROOT}::Configuration")
        )
        self.constants = manifest.constants(ROOT) | {"Schema", "Railtie", "Generators"} | addons
        self.errors = frozenset(
            c for c in self.constants if manifest.descends(f"{ROOT}::{c}", f"{ROOT}::Error")
        )
        self.providers = manifest.constants(f"{ROOT}::Providers")

    @property
    def complete(self) -> bool:
        """Whether all of the release's API is listed; of a newer one something may be missing here."""
        return self.version <= self.manifest.version

    @property
    def judged_by(self) -> str:
        """`ruby_llm 1.14.1`, and which manifest stands in for it if there is none of it."""
        asked = ".".join(map(str, self.version))
        used = ".".join(map(str, self.manifest.version))
        return f"ruby_llm {asked}" + ("" if asked == used else f", judged by the manifest of {used}")

    def knows(self, kind: str) -> bool:
        """Whether all methods of that receiver are listed, so that a missing one does not exist."""
        return kind not in _OPEN and (kind in self.methods or kind == "Configuration")

    def signature(self, kind: str, name: str) -> Signature | None:
        """How a method is called, None if it is inherited from Object or does not exist."""
        return self.methods.get(kind, {}).get(name)

    def has(self, kind: str, name: str) -> bool:
        """Whether the receiver answers a method, its Ruby and Active Support ancestors included."""
        if kind == "Configuration":
            return name.removesuffix("=") in self.options or name in _WORDS["object"]
        if name in self.methods.get(kind, {}) or name in _WORDS["object"]:
            return True
        if kind == ROOT or kind.endswith(".class"):
            return name in _WORDS["module"] and not (
                kind == ROOT and name in ("new", "allocate", "superclass")
            )
        return kind in _ENUMERABLES and name in _WORDS["enumerable"]


_WORDS = {
    "object": frozenset(OBJECT.split()),
    "module": frozenset(MODULE_OBJECT.split()),
    "enumerable": frozenset(ENUMERABLE.split()),
}


def _tables(manifest: Manifest) -> Iterator[tuple[str, dict[str, Signature]]]:
    """Signatures by receiver: `Chat` an instance, `Chat.class` the class itself, `RubyLLM` the module."""
    yield ROOT, _signatures(ROOT, manifest.singleton_methods(ROOT))
    for name in _INSTANCES:
        path = f"{ROOT}::{name}"
        if path in manifest.modules:
            yield name, _signatures(name, manifest.instance_methods(path) | _delegated(manifest, name))
    for name in _CLASSES:
        path = f"{ROOT}::{name}"
        if path in manifest.modules:
            yield f"{name}.class", _signatures(f"{name}.class", manifest.singleton_methods(path))
    yield "Record", _signatures("Record", manifest.instance_methods(_RECORD))


def _delegated(manifest: Manifest, name: str) -> Methods:
    """Methods that only hand on what they are given tell no parameters: those of their target are meant."""
    if name not in DELEGATES:
        return {}
    own, to = manifest.instance_methods(f"{ROOT}::{name}"), DELEGATES[name]
    target = manifest.singleton_methods(ROOT) if to == ROOT else manifest.instance_methods(f"{ROOT}::{to}")
    handed_on = [method for method, facts in own.items() if "rest args" in facts["parameters"]]
    return {method: target[method] for method in handed_on if method in target}


def _signatures(kind: str, methods: Methods) -> dict[str, Signature]:
    return {name: _typed(kind, _signature(name, facts)) for name, facts in methods.items()}


def _signature(name: str, facts: Mapping[str, Any]) -> Signature:
    parts = [tuple(part.partition(" ")[::2]) for part in facts["parameters"]]
    kinds = [kind for kind, _ in parts]
    returns = facts.get("returns")
    return Signature(
        name=name,
        least=kinds.count("req"),
        most=None if "rest" in kinds else kinds.count("req") + kinds.count("opt"),
        keywords=frozenset(word for kind, word in parts if kind in ("key", "keyreq")),
        any_keyword="keyrest" in kinds,
        takes_block=bool(facts["block"]),
        returns=returns.removeprefix(f"{ROOT}::") if returns else None,
    )


def _typed(kind: str, signature: Signature) -> Signature:
    """With the types that reflection cannot see."""
    yields, returns = TYPES.get(f"{kind}#{signature.name}", (None, None))
    if kind.endswith(".class") and signature.returns == "self":
        returns = returns or kind.removesuffix(".class")
    returns = returns or signature.returns
    return replace(signature, yields=yields, returns=returns if returns in _TOLD else None)


def api_of(lockfile: str, gems: set[str], manifests: Path) -> RubyLlmApi:
    """The API of the release a Gemfile.lock names (the newest known without one), beside add-on gems."""
    source = re.search(r"^(GIT|PATH|GEM)\n(?:(?!^\S).*\n)*? {4}ruby_llm \((\d+[\d.]*)", lockfile, re.M)
    addons = frozenset(name for gem in gems for name in _addon_names(gem))
    wanted = None
    if source is not None:
        wanted = UNRELEASED if source[1] == "GIT" else parsed_version(source[2])
    return RubyLlmApi(nearest_manifest(manifests, "ruby_llm", wanted), wanted, addons)


def _addon_names(gem: str) -> list[str]:
    """What an add-on gem may call its module (`ruby_llm-mcp`: RubyLLM::MCP)."""
    match = re.fullmatch(r"ruby_llm[-_](\w+)", gem)
    if match is None:
        return []
    words = match[1].split("_")
    return ["".join(words).upper(), "".join(w.capitalize() for w in words)]
