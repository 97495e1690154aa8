"""What a project imports from elsewhere, and what it declares to need."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

from runner.core.tree import SourceTree
from runner.probes.kit.python.project import Project, PythonFile

MOST_CHARACTERS = 100_000

# Newer than the oldest Python this runs on; a name that is gone from a newer one is still no third party.
_NEWER = frozenset({"annotationlib", "compression", "_colorize"})
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_SECTION = re.compile(r"(?:install_requires|requires)\s*=\s*(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"install_requires\s*=\s*\[(.*?)\]", re.DOTALL)
# Distributions that are imported under another name.
_ALIASES = {"pyyaml": "yaml", "python_dateutil": "dateutil", "beautifulsoup4": "bs4", "pillow": "pil"}


def third_party(project: Project, file: PythonFile) -> Iterator[tuple[str, int]]:
    """(top-level name, line) of each import from outside; what is tried with a way out is not needed."""
    optional = {
        node for attempt in file.nodes() if isinstance(attempt, ast.Try) for node in _guarded(attempt)
    }
    for node in file.nodes():
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in optional:
            for name in _names(node):
                if not _is_at_hand(project, file, name):
                    yield name, node.lineno


def declared(tree: SourceTree) -> set[str]:
    """What requirements files, pyproject.toml, setup.cfg or setup.py ask for, as it is imported."""
    lines = [line for path in tree.glob("*requirements*.txt") for line in _start(tree, path).splitlines()]
    lines += _pyproject(_start(tree, "pyproject.toml"))
    for section in _SECTION.findall(_start(tree, "setup.cfg")):
        lines += section.splitlines()
    for section in _QUOTED.findall(_start(tree, "setup.py")):
        lines += re.findall(r"[\"']([^\"']+)[\"']", section)
    names = (match[1] for line in lines if (match := _NAME.match(line)))
    plain = {re.sub(r"[-.]+", "_", name).lower() for name in names}
    return plain | {_ALIASES[name] for name in plain & _ALIASES.keys()}


def _start(tree: SourceTree, path: str) -> str:
    """As much of a file as is read: patterns are slow on what never ends."""
    return (tree.text(path) or "")[:MOST_CHARACTERS]


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    return [node.module.split(".")[0]] if node.module and not node.level else []


def _is_at_hand(project: Project, file: PythonFile, name: str) -> bool:
    return name in sys.stdlib_module_names or name in _NEWER or is_local(project, file, name)


def is_local(project: Project, file: PythonFile, name: str) -> bool:
    """Whether a top-level name is a module of the project itself, as a file sees it."""
    folders = {"", "src/", f"{file.path.rpartition('/')[0]}/"}
    local = tuple(prefix for folder in folders for prefix in (f"{folder}{name}/", f"{folder}{name}.py"))
    return any(path.startswith(local) for path in project.paths)


def _guarded(attempt: ast.Try) -> Iterator[ast.AST]:
    caught = {
        name.id
        for handler in attempt.handlers
        if handler.type
        for name in ast.walk(handler.type)
        if isinstance(name, ast.Name)
    }
    if caught & {"ImportError", "ModuleNotFoundError"}:
        for statement in attempt.body:
            yield from ast.walk(statement)


def _pyproject(source: str) -> list[str]:
    try:
        project = tomllib.loads(source).get("project", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        return []
    if not isinstance(project, dict):
        return []
    extras = project.get("optional-dependencies")
    listed = [project.get("dependencies"), *(extras.values() if isinstance(extras, dict) else ())]
    return [item for items in listed if isinstance(items, list) for item in items if isinstance(item, str)]
