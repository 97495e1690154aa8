"""What lock files of Python pin: uv.lock, poetry.lock, Pipfile.lock, pylock.toml; else pyproject.toml.

Each is read for names and versions alone: the files themselves and their digests are the index's.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runner.core.tree import SourceTree
from runner.pipeline.packages.locks import lock_files


def pinned(tree: SourceTree) -> list[str]:
    """Requirements, as texts that may make no sense."""
    found = [(path, read) for path in lock_files(tree) if (read := _READERS.get(path.rpartition("/")[2]))]
    locks = [(path, read) for path, read in found if not path.endswith("pyproject.toml")]
    return [line for path, read in locks or found for line in read(tree.text(path) or "")]


def _of_packages(text: str) -> Iterator[str]:
    """The tables of uv, Poetry and pylock, which differ in what only names the project itself."""
    lock = _toml(text)
    entries = lock.get("package", lock.get("packages"))
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("version") and _is_of_an_index(entry.get("source")):
            yield f"{entry.get('name')}=={entry['version']}"


def _is_of_an_index(source: Any) -> bool:
    """uv names the project itself, folders and addresses otherwise; Poetry gives them a type."""
    if not isinstance(source, dict):
        return True
    return "registry" in source or source.get("type") == "legacy"


def _of_pipfile(text: str) -> Iterator[str]:
    try:
        lock = json.loads(text)
    except (ValueError, RecursionError):
        return
    entries = lock.get("default") if isinstance(lock, dict) else None
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("version"), str):
            yield f"{name}{entry['version']}"


def _of_project(text: str) -> Iterator[str]:
    project = _toml(text).get("project")
    lines = project.get("dependencies") if isinstance(project, dict) else None
    yield from (line for line in lines or () if isinstance(line, str))


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


_READERS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "uv.lock": _of_packages,
    "poetry.lock": _of_packages,
    "pylock.toml": _of_packages,
    "Pipfile.lock": _of_pipfile,
    "pyproject.toml": _of_project,
}
