"""Stimulus controllers of an application: classes in scripts and the names they go by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.page.javascript import JavaScriptFile, arguments
from runner.probes.kit.ruby.syntax import text

_FILE = re.compile(r"(?:^|/)controllers/(.+?)[_-]controller\.\w+$")
_SINGLE_FILE = re.compile(r"(?:^|/)([^/]+?)[_-]controller\.\w+$")
_IMPORT = re.compile(r"import\s+(\w+)\s+from\s+[\"'](?:[^\"'\n]*/)?([\w-]+)(?:\.\w+)?[\"']")
_PACKAGE = re.compile(r"stimulus")
GREETING = re.compile(r"this\.element\.textContent\s*=\s*[\"']Hello World!?[\"']")


@dataclass(frozen=True, eq=False)
class Controller:
    """One controller, by the name markup uses for it."""

    name: str
    where: Location
    script: JavaScriptFile
    node: Node


def controllers(scripts: list[JavaScriptFile]) -> list[Controller]:
    """All controllers but the generator's greeting."""
    registered = dict(pair for script in scripts for pair in _registered(script))
    found = []
    for script in scripts:
        if GREETING.search(script.source):
            continue
        for node in script.of("class", "class_declaration"):
            names = _names(script, node, registered) if _is_controller(script, node) else []
            found += [Controller(name, script.at(node), script, node) for name in names]
    return found


def extended(scripts: Iterable[JavaScriptFile]) -> set[str]:
    """Stems of the files whose class another script extends."""
    return {
        imported
        for script in scripts
        for name, imported in _IMPORT.findall(script.source)
        if re.search(rf"extends\s+{name}\b", script.source)
    }


def stem(path: str) -> str:
    """A script's name without folder and endings."""
    return path.rpartition("/")[2].partition(".")[0]


def _is_controller(script: JavaScriptFile, node: Node) -> bool:
    heritage = next((text(child) for child in node.children if child.type == "class_heritage"), "")
    base = heritage.removeprefix("extends").strip()
    imports = [text(statement) for statement in script.of("import_statement")]
    imported = any(_PACKAGE.search(line) and re.search(rf"\b{re.escape(base)}\b", line) for line in imports)
    return bool(base) and (imported or base.endswith("Controller"))


def _names(script: JavaScriptFile, node: Node, registered: dict[str, str]) -> list[str]:
    """What it is registered as, and the name that the loader makes of its file's name."""
    own, of_file = text(node.child_by_field_name("name")), stem(script.path)
    file = _FILE.search(script.path) or _SINGLE_FILE.search(script.path)
    by_file = file.group(1).replace("_", "-").replace("/", "--") if file else None
    return [name for name in dict.fromkeys((registered.get(own), registered.get(of_file), by_file)) if name]


def _registered(script: JavaScriptFile) -> list[tuple[str, str]]:
    """`register("chat", ChatController)` as pairs of class and name, and of its file's stem and name."""
    stems = dict(_IMPORT.findall(script.source))
    found = []
    for name, call in script.calls:
        given = arguments(call) if name == "register" else []
        if len(given) == 2 and given[0].type == "string":
            cls = text(given[1].child_by_field_name("name") if given[1].type == "class" else given[1])
            known_as = text(given[0]).strip("\"'")
            found += [(cls, known_as), (stems.get(cls, cls), known_as)]
    return found
