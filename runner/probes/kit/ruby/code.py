"""The Ruby code of a produced repository: its files, classes, methods and who owns which line."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from functools import cached_property
from typing import Self, TypeVar

from tree_sitter import Node

from runner.core.tree import SourceTree
from runner.probes.kit.ruby.budget import Budget
from runner.probes.kit.ruby.classes import Method, RubyClass
from runner.probes.kit.ruby.paths import is_ruby, is_test
from runner.probes.kit.ruby.syntax import (
    ASSIGNMENTS,
    BLOCKS,
    METHODS,
    RubyFile,
    constant_path,
    literal,
    text,
)

_T = TypeVar("_T")
_Key = tuple[str, int]
_MAX_BYTES = 500_000
_CLASS_MAKERS = {"Class", "Module", "Struct", "Data"}
_ATTRIBUTES = ("attr_reader", "attr_accessor", "attr", "class_attribute", "mattr_accessor")
_MIXING = ("include", "extend", "prepend")
_PSEUDO_METHODS = {"define_method", "define_singleton_method", "let", "let!", "subject", "subject!"}
_DECLARING = frozenset((*_PSEUDO_METHODS, *_ATTRIBUTES, *_MIXING, "delegate"))


class RubyCode:
    """All Ruby and ERB files of a tree, with their classes joined over files."""

    def __init__(self, tree: SourceTree) -> None:
        self.files: dict[str, RubyFile] = {}
        self.classes: dict[str, RubyClass] = {}
        self._owners: dict[_Key, RubyClass] = {}
        self._methods: dict[_Key, Method] = {}
        self._owner_of: dict[_Key, RubyClass | None] = {}
        self._method_of: dict[_Key, Method | None] = {}
        self._marked: dict[_Key, list[Node]] = {}
        self._lineages: dict[str, list[RubyClass]] = {}
        self._reached: dict[tuple[str, str, bool], Method | None] = {}
        self.budget = Budget.of(tree)
        self.derived = tree.derived
        written = [path for path in tree if is_ruby(path) and len(tree.files[path].content) <= _MAX_BYTES]
        self.budget.allow_reading(sum(len(tree.files[path].content) for path in written))
        for path in written:
            source = tree.text(path)
            if source is not None:
                self.files[path] = RubyFile(path, source, self.budget)
        for file in self.files.values():
            self._read_classes(file)
        self._owner_of.clear()
        for file in self.files.values():
            self._read_members(file)
        self._method_of.clear()
        self._lineages.clear()
        self._reached.clear()

    @classmethod
    def of(cls, tree: SourceTree) -> Self:
        """A tree's code, parsed once."""
        return tree.derived(cls.__name__, lambda: cls(tree))

    @cached_property
    def app_files(self) -> list[RubyFile]:
        """Files that are not tests."""
        return [f for p, f in self.files.items() if not is_test(p)]

    @cached_property
    def test_files(self) -> list[RubyFile]:
        """Files of the test suite, its support files included."""
        return [f for p, f in self.files.items() if is_test(p)]

    def is_app_file(self, file: RubyFile) -> bool:
        """Whether it is a file of the tree that is not a test."""
        return not is_test(file.path)

    def methods_named(self, name: str) -> list[Method]:
        """Every method of that name that is not a test's."""
        return self._app_methods.get(name, [])

    @cached_property
    def _app_methods(self) -> dict[str, list[Method]]:
        found: dict[str, list[Method]] = {}
        for method in self.methods:
            if not is_test(method.file.path):
                found.setdefault(method.name, []).append(method)
        return found

    @property
    def methods(self) -> Iterator[Method]:
        """Every method of every class."""
        return iter(self._methods.values())

    def owner(self, file: RubyFile, node: Node) -> RubyClass:
        """The class whose body a node stands in."""
        found = self._nearest(file, node, self._owners, self._owner_of)
        return self._owners[file.path, file.root.id] if found is None else found

    def method_of(self, file: RubyFile, node: Node) -> Method | None:
        """The method whose body a node stands in."""
        return self._nearest(file, node, self._methods, self._method_of)

    def _nearest(
        self, file: RubyFile, node: Node, marked: dict[_Key, _T], known: dict[_Key, _T | None]
    ) -> _T | None:
        """What the nearest marked ancestor is marked with, remembered on the way."""
        passed: list[_Key] = []
        found: _T | None = None
        current: Node | None = node
        while current is not None:
            key = (file.path, current.id)
            if key in known:
                found = known[key]
                break
            passed.append(key)
            current = file.parent(current)
            if current is not None and (file.path, current.id) in marked:
                found = marked[file.path, current.id]
                break
        known.update(dict.fromkeys(passed, found))
        return found

    def in_app(self, owner: RubyClass | None) -> bool:
        """Whether application code opens a class: what tests define is absent when it runs."""
        return owner is not None and any(not is_test(file.path) for file, _ in owner.bodies)

    def method_at(self, file: RubyFile, node: Node) -> Method | None:
        """The method that a definition's node defines."""
        return self._methods.get((file.path, node.id))

    def in_class(self, file: RubyFile, node: Node) -> bool:
        """Whether `self` at a node is the class: in its class methods and directly in its body."""
        method = self.method_of(file, node)
        if method is not None:
            return method.singleton
        around = file.enclosing(node, "class", "module", "program", *BLOCKS)
        return around is not None and around.type in ("class", "module")

    def resolve(self, name: str, inside: RubyClass | None = None) -> RubyClass | None:
        """The repository's own class meant by a constant, looked up through the nesting of `inside`."""
        nesting = inside.name.split("::") if inside is not None and not inside.name.startswith("<") else []
        for depth in range(len(nesting), -1, -1):
            found = self.classes.get("::".join([*nesting[:depth], name]))
            if found is not None:
                return found
        return None

    def lineage(self, start: RubyClass) -> list[RubyClass]:
        """A class, then what it includes and inherits, as far as the repository defines them."""
        if start.name not in self._lineages:
            self._lineages[start.name] = list(self._line_of(start))
        return self._lineages[start.name]

    def _line_of(self, start: RubyClass) -> Iterator[RubyClass]:
        seen: set[str] = set()
        waiting = deque([start])
        while waiting:
            current = waiting.popleft()
            if current.name in seen:
                continue
            seen.add(current.name)
            yield current
            above = [*reversed(current.includes), *([current.superclass] if current.superclass else [])]
            waiting += [c for c in (self.resolve(name, current) for name in above) if c is not None]

    def includers(self, module: RubyClass) -> list[RubyClass]:
        """The classes that include a module by name."""
        return self._includers.get(module.name, [])

    @cached_property
    def _includers(self) -> dict[str, list[RubyClass]]:
        found: dict[str, list[RubyClass]] = {}
        for owner in self.classes.values():
            for included in (self.resolve(name, owner) for name in owner.includes):
                if included is not None:
                    found.setdefault(included.name, []).append(owner)
        return found

    def ancestry(self, start: RubyClass) -> list[str]:
        """Names of all superclasses, also of those the repository does not define."""
        return [c.superclass for c in self.lineage(start) if c.superclass is not None]

    def find_method(self, owner: RubyClass, name: str, singleton: bool) -> Method | None:
        """The method a call on `owner` reaches, inherited ones included."""
        key = (owner.name, name, singleton)
        if key not in self._reached:
            methods = (current.method(name, singleton) for current in self.lineage(owner))
            self._reached[key] = next((m for m in methods if m is not None), None)
        return self._reached[key]

    def _read_classes(self, file: RubyFile) -> None:
        top = RubyClass(f"<{file.path}>", bodies=[(file, file.root)])
        self.classes[top.name] = self._owners[file.path, file.root.id] = top
        for node in file.of("class", "module", "singleton_class", *ASSIGNMENTS):
            if node.type in ("class", "module"):
                written = constant_path(node.child_by_field_name("name")) or text(
                    node.child_by_field_name("name")
                )
                self._open(file, node, written, _superclass(node), node.type == "module")
            elif node.type == "singleton_class":
                self._owners[file.path, node.id] = self.owner(file, node)
            else:
                self._read_made_class(file, node)

    def _read_made_class(self, file: RubyFile, node: Node) -> None:
        name = constant_path(node.child_by_field_name("left"))
        right = node.child_by_field_name("right")
        call = file.call(right) if name is not None and right is not None and right.type == "call" else None
        maker = constant_path(call.receiver) if call is not None else None
        if name is None or call is None or maker not in _CLASS_MAKERS or call.name not in ("new", "define"):
            return
        superclass = constant_path(call.positional[0]) if maker == "Class" and call.positional else None
        body = call.block if call.block is not None else call.node
        made = self._open(file, body, name, superclass, maker == "Module")
        if maker in ("Struct", "Data"):
            made.members += [m for m in map(literal, call.positional) if m is not None]

    def _open(
        self, file: RubyFile, body: Node, written: str, superclass: str | None, is_module: bool
    ) -> RubyClass:
        outer = self.owner(file, body).name
        name = written if outer.startswith("<") else f"{outer}::{written}"
        opened = self.classes.setdefault(name, RubyClass(name, is_module))
        opened.superclass = opened.superclass or superclass
        opened.bodies.append((file, body))
        self._owners[file.path, body.id] = opened
        return opened

    def _read_members(self, file: RubyFile) -> None:
        for node in file.of(*METHODS):
            self._add_method(file, node, text(node.child_by_field_name("name")), _is_singleton(file, node))
        for call in file.calls:
            if call.receiver is not None or call.name not in _DECLARING:
                continue
            names = [n for n in map(literal, call.positional) if n is not None]
            if call.name in _PSEUDO_METHODS and call.block is not None and (names or "subject" in call.name):
                singleton = call.name == "define_singleton_method"
                self._add_method(file, call.block, names[0] if names else "subject", singleton)
            elif call.name in _ATTRIBUTES:
                self.owner(file, call.node).readers.update(names)
            elif call.name == "delegate" and (target := literal(call.keyword("to"))) is not None:
                self.owner(file, call.node).delegated.update(dict.fromkeys(names, target))
            elif call.name in _MIXING:
                included = (constant_path(p) for p in call.positional)
                self.owner(file, call.node).includes += [name for name in included if name is not None]

    def _markers(self, file: RubyFile, node: Node) -> list[Node]:
        """What stands beside a method and changes who may call it: `private`, `module_function` ..."""
        body = file.enclosing(node, "body_statement", "block_body", "program")
        if body is None:
            return []
        key = (file.path, body.id)
        if key not in self._marked:
            self._marked[key] = [n for n in body.named_children if _is_marker(n)]
        return self._marked[key]

    def _add_method(self, file: RubyFile, node: Node, name: str, singleton: bool) -> None:
        owner = self.owner(file, node)
        markers = self._markers(file, node)
        shared = not singleton and _is_module_function(node, markers)
        method = Method(file, node, name, owner, singleton or shared, _is_public(node, name, markers))
        owner.add(method)
        self._methods[file.path, node.id] = method
        if shared:
            owner.mix_in(method)


def _is_marker(node: Node) -> bool:
    if node.type not in ("identifier", "call"):
        return False
    return bool(re.match(r"(private|protected|public|module_function|extend)\b", text(node)))


def _superclass(node: Node) -> str | None:
    written = node.child_by_field_name("superclass")
    return None if written is None else next(filter(None, map(constant_path, written.named_children)), None)


def _is_singleton(file: RubyFile, node: Node) -> bool:
    if node.type == "singleton_method":
        return True
    around = file.enclosing(node, "singleton_class", "class", "module", *BLOCKS)
    if around is None or around.type in ("class", "module"):
        return False
    call = file.parent(around)
    return around.type == "singleton_class" or (call is not None and text(call).startswith("class_methods"))


def _is_module_function(node: Node, markers: list[Node]) -> bool:
    before = [m for m in markers if m.start_byte < node.start_byte]
    return any(re.fullmatch(r"module_function|extend\s*\(?\s*self\s*\)?", text(m)) for m in before)


def _is_public(node: Node, name: str, markers: list[Node]) -> bool:
    public = True
    for marker in markers:
        written = text(marker)
        if marker.type == "identifier":
            public = written == "public" if marker.start_byte < node.start_byte else public
        elif written.startswith(("private", "protected")):
            around = marker.start_byte < node.start_byte and node.end_byte <= marker.end_byte
            listed = re.split(r"[\s,():]+", written.split("\n")[0])
            public = public and not (around or name in listed)
    return public
