"""A compose file with what belongs to it: its override, files that it includes, services that it extends."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.core.tree import SourceTree
from runner.probes.kit.files.yaml_data import BrokenYaml, load, mapping
from runner.probes.kit.shipped.places import leads_out
from runner.probes.kit.shipped.variables import interpolated, variables

MOST_FILES = 20
_DEEPEST = 10
# A later file's list takes the place of an earlier one here, and is added to it elsewhere.
_REPLACED = ("command", "entrypoint", "test")
_PAIRS = ("environment", "labels", "args", "extra_hosts")


@dataclass(frozen=True)
class Part:
    """One file, its variables put in. `problem` says why it cannot be read, `line` where."""

    path: str
    text: str
    document: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    line: int | None = None

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        """Its services by name."""
        return {name: mapping(item) for name, item in mapping(self.document.get("services")).items()}


class Composition:
    """All files of the repository that one compose file brings in; those outside are never looked for."""

    def __init__(self, tree: SourceTree, path: str) -> None:
        self.tree = tree
        self.path = path
        self.parts: dict[str, Part] = {}
        self._known = variables(tree, path[: path.rfind("/") + 1])
        self._read(path)
        for name in _overrides(path):
            if name in tree:
                self._read(name)

    def services(self) -> dict[str, dict[str, Any]]:
        """The services that are started: merged, without those that only a profile starts."""
        merged: dict[str, Any] = {}
        for part in self._layers():
            own = {name: self._whole(part.path, item, 0) for name, item in part.services.items()}
            merged = merge(merged, own)
        return {name: item for name, item in merged.items() if not item.get("profiles")}

    def top(self, kind: str) -> dict[str, Any]:
        """A top-level element such as `secrets`, merged."""
        merged: dict[str, Any] = {}
        for part in self._layers():
            merged = merge(merged, mapping(part.document.get(kind)))
        return merged

    def _layers(self) -> list[Part]:
        """Included files first, then the file itself, then its override."""
        own = [self.path, *(path for path in _overrides(self.path) if path in self.parts)]
        included = [path for layer in own for path in included_by(self.parts[layer]) if path in self.parts]
        return [self.parts[path] for path in dict.fromkeys((*included, *own))]

    def _read(self, path: str) -> None:
        if path in self.parts or len(self.parts) == MOST_FILES or leads_out(self.tree, "", path):
            return
        text = self.tree.text(path)
        if text is None:
            return
        try:
            self.parts[path] = Part(path, text, interpolated(mapping(load(text)), self._known))
        except BrokenYaml as error:
            self.parts[path] = Part(path, text, {}, str(error), error.line)
        for other in (*included_by(self.parts[path]), *extended_by(self.parts[path])):
            self._read(other)

    def _whole(self, path: str, service: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """A service with what it extends."""
        file, name = extended(path, service)
        base = self.parts[file].services.get(name) if file in self.parts else None
        if not name or base is None or depth == _DEEPEST:
            return dict(service)
        below = self._whole(file, base, depth + 1)
        return merge({key: item for key, item in below.items() if key != "profiles"}, service)


def included_by(part: Part) -> list[str]:
    """The paths of the files that it includes, as it names them."""
    return [posixpath.normpath(posixpath.join(posixpath.dirname(part.path), name)) for name in included(part)]


def included(part: Part) -> Iterator[str]:
    """The names under `include`."""
    for item in listed(part.document.get("include")):
        names = item.get("path") if isinstance(item, dict) else item
        yield from (str(name) for name in listed(names))


def extended_by(part: Part) -> list[str]:
    """The paths of the files whose services its services extend."""
    return [extended(part.path, service)[0] for service in part.services.values()]


def extended(path: str, service: Mapping[str, Any]) -> tuple[str, str]:
    """(file, service) that a service of this file extends; an empty name if none."""
    told = service.get("extends")
    if isinstance(told, str):
        return path, told
    options = mapping(told)
    file = options.get("file")
    there = posixpath.normpath(posixpath.join(posixpath.dirname(path), str(file))) if file else path
    return there, str(options.get("service") or "")


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """As Compose lays one file over another."""
    merged = dict(below)
    for key, item in above.items():
        before = merged.get(key)
        if key in _PAIRS:
            merged[key] = {**pairs(before), **pairs(item)}
        elif isinstance(before, dict) and isinstance(item, dict):
            merged[key] = merge(before, item)
        elif isinstance(before, list) and isinstance(item, list) and key not in _REPLACED:
            merged[key] = [*before, *(entry for entry in item if entry not in before)]
        else:
            merged[key] = item
    return merged


def pairs(value: Any) -> dict[str, Any]:
    """Variables, given as a mapping or as NAME=value; None for a name alone, which would take the host's."""
    if isinstance(value, dict):
        return {str(name): item for name, item in value.items()}
    told = (str(entry).partition("=") for entry in listed(value))
    return {name.strip(): text.strip() if sign else None for name, sign, text in told}


def listed(value: Any) -> list[Any]:
    """A value as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _overrides(path: str) -> list[str]:
    """The names of the file that Compose lays over this one without being asked."""
    stem = path.rpartition(".")[0]
    return [f"{stem}.override.yaml", f"{stem}.override.yml"]
