"""One JavaScript file as syntax: nodes by type, calls, imported names. Parsed, never run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from runner.core.records import Location
from runner.probes.kit.files.application import Application
from runner.probes.kit.page import markup
from runner.probes.kit.ruby.budget import Budget
from runner.probes.kit.ruby.syntax import descendants, text
from runner.probes.kit.verdicts import place

_ENDINGS = (".js", ".mjs", ".jsx", ".ts", ".tsx", ".vue")
_MAX_CHARS = 150_000
_LONG_LINE = 1_000


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_javascript.language()))


class JavaScriptFile:
    """A parsed script, or the inline scripts of a page."""

    def __init__(self, app: Application, path: str, source: str) -> None:
        self.path = path
        self.source = source
        self._app = app
        self._budget = Budget.of(app.tree)
        self._by_types: dict[tuple[str, ...], list[Node]] = {}
        self.root = _parser().parse(source.encode()).root_node

    def of(self, *types: str) -> list[Node]:
        """Its nodes of these types, in source order."""
        if types not in self._by_types:
            self._by_types[types] = list(descendants(self.root, *types))
        self._budget.spend(1 + len(self._by_types[types]) // 2)
        return self._by_types[types]

    @cached_property
    def _parents(self) -> dict[int, Node]:
        return {child.id: node for node in descendants(self.root) for child in node.children}

    def called_elsewhere(self, name: str) -> list[tuple[JavaScriptFile, Node]]:
        """The calls of that name in the application's other scripts."""
        index = self._app.tree.derived("calls of scripts", lambda: _calls_of(own_scripts(self._app)))
        return [(script, call) for script, call in index.get(name, []) if script.path != self.path]

    def at(self, node: Node) -> Location:
        """Where a node stands."""
        return place(self._app.tree, self.path, node.start_point[0] + 1)

    def ancestors(self, node: Node) -> Iterator[Node]:
        """From the parent outwards."""
        current = self._parents.get(node.id)
        while current is not None:
            yield current
            current = self._parents.get(current.id)

    def assigned(self, name: str) -> list[Node]:
        """All that is ever assigned to a variable of that name."""
        declared = [n for n in self.of("variable_declarator") if text(n.child_by_field_name("name")) == name]
        changed = [
            n
            for n in self.of("assignment_expression", "augmented_assignment_expression")
            if text(n.child_by_field_name("left")) == name
        ]
        values = [n.child_by_field_name("value") for n in declared] + [
            n.child_by_field_name("right") for n in changed
        ]
        return [value for value in values if value is not None]

    @cached_property
    def calls(self) -> list[tuple[str, Node]]:
        """Every call with the last name of what is called: `json` for `response.json()`."""
        return [(callee(node).rpartition(".")[2], node) for node in self.of("call_expression")]


def _calls_of(scripts: list[JavaScriptFile]) -> dict[str, list[tuple[JavaScriptFile, Node]]]:
    found: dict[str, list[tuple[JavaScriptFile, Node]]] = {}
    for script in scripts:
        for name, call in script.calls:
            found.setdefault(name, []).append((script, call))
    return found


def callee(call: Node) -> str:
    """What a call calls, as written: `DOMPurify.sanitize`."""
    return "".join(text(call.child_by_field_name("function")).split())


def arguments(call: Node) -> list[Node]:
    """The arguments of a call."""
    listed = call.child_by_field_name("arguments")
    return [] if listed is None else [node for node in listed.named_children if node.type != "comment"]


def own_scripts(app: Application) -> list[JavaScriptFile]:
    """The application's hand-written scripts, inline ones included; nothing vendored or minified."""
    return app.tree.derived("own scripts", lambda: _read_scripts(app))


def _read_scripts(app: Application) -> list[JavaScriptFile]:
    found = []
    for path in app.glob("app/*", "public/*.html", "lib/*.js"):
        source = app.tree.text(path) or ""
        if path.endswith(_ENDINGS) and "/builds/" not in path:
            if len(source) <= _MAX_CHARS and not _is_minified(source):
                found.append(JavaScriptFile(app, path, source))
        elif (
            path.endswith((".erb", ".html", ".haml", ".slim")) and (inline := markup.scripts(source)).strip()
        ):
            found.append(JavaScriptFile(app, path, inline))
    return found


def _is_minified(source: str) -> bool:
    return any(len(line) > _LONG_LINE for line in source.splitlines())
