"""Which version of a library a Python project asks for."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from typing import Any

from runner.core.tree import SourceTree
from runner.probes.kit.manifests import Version, parsed_version

MOST_CHARACTERS = 2_000_000
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
_PINNED = r"(?im)^\s*{name}\s*(?:\[[^\]\n]*\])?\s*==\s*([\d.]+)"


def wanted_version(tree: SourceTree, library: str) -> Version | None:
    """What a lock file says, else what a requirements file pins; Python's own for a part of Python."""
    if library in sys.stdlib_module_names:
        return _first([(_text(tree, ".python-version").strip().splitlines() or [""])[0]])
    name = library.replace("_", "-").lower()
    locked = [version for path in _LOCKS for version in _locked(_text(tree, path), name)]
    pattern = _PINNED.format(name=re.escape(name).replace(r"\-", "[-_.]"))
    pinned = [
        version
        for path in sorted(tree.glob("*requirements*.txt"))
        for version in re.findall(pattern, _text(tree, path))
    ]
    return _first([*locked, *_pipfile(_text(tree, "Pipfile.lock"), name), *pinned])


def _first(written: list[str]) -> Version | None:
    return next((version for text in written if (version := parsed_version(text))), None)


def _text(tree: SourceTree, path: str) -> str:
    return (tree.text(path) or "")[:MOST_CHARACTERS]


def _locked(source: str, name: str) -> list[str]:
    try:
        document = tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError):
        return []
    packages = document.get("package") or document.get("packages")
    return [
        str(package.get("version", ""))
        for package in (packages if isinstance(packages, list) else ())
        if isinstance(package, dict) and _plain(package.get("name")) == name
    ]


def _pipfile(source: str, name: str) -> list[str]:
    try:
        document: Any = json.loads(source or "{}")
        return [str(facts["version"]) for key, facts in document["default"].items() if _plain(key) == name]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return []


def _plain(name: object) -> str:
    return re.sub(r"[-_.]+", "-", str(name)).lower()
