"""API manifests: what a library's version really offers, as `shipworthy manifest build` wrote it down."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from runner.core.errors import ShipworthyError

Version = tuple[int, ...]
Methods = dict[str, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Manifest:
    """One version of a library. `modules` maps each class and module to its facts; see the JSON files."""

    library: str
    version: Version
    language: str
    modules: Mapping[str, Mapping[str, Any]]

    def constants(self, module: str) -> frozenset[str]:
        """The names directly below a module."""
        return frozenset(self.modules[module]["constants"]) if module in self.modules else frozenset()

    def instance_methods(self, module: str) -> Methods:
        """What its instances answer, by the library's own code."""
        return self._methods(module, "instance")

    def singleton_methods(self, module: str) -> Methods:
        """What it answers itself, by the library's own code."""
        return self._methods(module, "singleton")

    def descends(self, module: str, ancestor: str) -> bool:
        """Whether it is `ancestor` or inherits from it."""
        return module == ancestor or ancestor in self.modules.get(module, {}).get("ancestors", ())

    def _methods(self, module: str, side: str) -> Methods:
        if module not in self.modules:
            return {}
        line = [module, *(a for a in self.modules[module]["ancestors"] if a in self.modules)]
        found: Methods = {}
        for name in reversed(line):
            found |= self.modules[name][side]
        return found


def nearest_manifest(folder: Path, library: str, wanted: Version | None) -> Manifest:
    """The manifest of `wanted`, else of the nearest later release, else of the newest; the newest for None.

    A later one rather than an earlier: what it offers too much is missed, what it offers too little would be
    called invented. One that is not released yet (`2.0.dev`) stands in for nothing but itself. Raises
    ShipworthyError if there is none at all.
    """
    written = {path.stem.removeprefix(f"{library}-"): path for path in folder.glob(f"{library}-*.json")}
    exact = next((path for name, path in written.items() if parsed_version(name) == wanted), None)
    if exact is not None:
        return _read(exact)
    released = {parsed_version(name): path for name, path in written.items() if not name.endswith("dev")}
    if not released:
        raise ShipworthyError(f"{folder}: no manifest of {library}; make one: shipworthy manifest build")
    later = [version for version in released if wanted is not None and version >= wanted]
    return _read(released[min(later) if later else max(released)])


@cache
def _read(path: Path) -> Manifest:
    document = json.loads(path.read_text("utf-8"))
    return Manifest(
        document["library"], parsed_version(document["version"]), document["language"], document["modules"]
    )


def parsed_version(written: str) -> Version:
    """The numbers of a version."""
    return tuple(int(part) for part in re.findall(r"\d+", written))
