"""Which code a name stands for: assignments, methods and call sites of a repository, indexed once."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from runner.probes.kit.ruby.classes import Method
from runner.probes.kit.ruby.code import RubyCode
from runner.probes.kit.ruby.syntax import (
    ASSIGNMENTS,
    BLOCKS,
    METHODS,
    Call,
    RubyFile,
    descendants,
    text,
    within,
)

Place = tuple[RubyFile, Node]

PATTERNS = ("as_pattern", "match_pattern")
_SCOPES = (*METHODS, "class", "module", "program")
_CLOSURES = (*BLOCKS, "lambda", *METHODS, "class", "module", "singleton_class", "program")


class Names:
    """Looks names up in all files, tests included."""

    def __init__(self, code: RubyCode) -> None:
        self._code = code
        self._calls: dict[str, list[Call]] = {}
        self._mentions: dict[str, list[Place]] = {}
        self._variables: dict[tuple[str, str], list[Place]] = {}
        self._locals: dict[tuple[str, int, str], list[Node]] = {}
        self._constants: dict[str, Place] = {}
        self._bare: dict[str, dict[Method | None, list[Place]]] = {}
        for file in code.files.values():
            for call in file.calls:
                self._calls.setdefault(call.name, []).append(call)
            for node in file.of("identifier"):
                self._mentions.setdefault(text(node), []).append((file, node))
            for node in file.of(*ASSIGNMENTS):
                self._remember(file, node)
            for node in file.of(*PATTERNS):
                self._remember_pattern(file, node)

    def calls(self, name: str) -> list[Call]:
        """All calls of that method name."""
        found = self._calls.get(name, [])
        self._code.budget.spend(1 + len(found) // 8)
        return found

    def mentions(self, name: str) -> list[Place]:
        """Every identifier of that name, be it a call, a variable or a parameter."""
        found = self._mentions.get(name, [])
        self._code.budget.spend(1 + len(found) // 4)
        return found

    def constant(self, name: str) -> Place | None:
        """The expression a constant is set to, found by its last part."""
        return self._constants.get(name.rsplit("::", maxsplit=1)[-1])

    def variables(self, owner: str, name: str) -> list[Place]:
        """Assignments to an instance or class variable of a class; of a global with owner `""`."""
        return self._variables.get((owner, name), [])

    def reaching(self, file: RubyFile, use: Node) -> list[Node]:
        """Assignments to a local variable that its value at a use may come from, the nearest first."""
        found = []
        assigned = self._assignments(file, use)
        self._code.budget.spend(len(assigned))
        for node in reversed(assigned):
            closure = file.enclosing(node, *_CLOSURES)
            if node.start_byte >= use.start_byte or closure is None or not within(use, closure):
                continue
            if within(use, node) and node.type == "assignment":
                continue
            found.append(node)
            around = file.parent(node)
            if node.type == "assignment" and around is not None and within(use, around):
                break
        return found

    def definitions(self, file: RubyFile, node: Node) -> list[Node]:
        """What a variable or constant is set to wherever it is set, or the method a bare name calls."""
        name, owner = text(node), self._code.owner(file, node)
        if node.type == "identifier":
            method = self._code.find_method(owner, name, self._code.in_class(file, node))
            return self._assignments(file, node) or ([method.node] if method else [])
        if node.type == "constant":
            value = self.constant(name)
            return [value[1]] if value else []
        return [n for _, n in self.variables(owner.name, name)]

    def origins(self, file: RubyFile, node: Node, depth: int = 4) -> list[str]:
        """Texts of the expressions a receiver may stand for, its own first, followed through names."""
        found = [text(node)]
        self._code.budget.spend(5)
        for definition in self.definitions(file, node)[:20]:
            right = definition.child_by_field_name("right") or definition
            found.append(text(right)[:500])
            if depth and right.type in ("identifier", "instance_variable", "constant"):
                found += self.origins(file, right, depth - 1)
        if node.type == "identifier":
            found += [text(outer.receiver) for outer in self._yielding(file, node) if outer.receiver]
        method = self._code.method_of(file, node) if node.type == "identifier" else None
        defaults = [p.default for p in (method.parameters if method else []) if p.name == text(node)]
        return found + [text(d) for d in defaults if d is not None]

    def _yielding(self, file: RubyFile, node: Node) -> Iterator[Call]:
        """The calls whose block has this name for a parameter (`redis.multi { |tx| tx.rpush(...) }`)."""
        for block in (a for a in file.ancestors(node) if a.type in BLOCKS):
            listed, around = block.child_by_field_name("parameters"), file.parent(block)
            named = [] if listed is None else [text(part) for part in listed.named_children]
            call = file.call(around) if around is not None and text(node) in named else None
            if call is not None:
                yield call

    def is_local(self, file: RubyFile, node: Node) -> bool:
        """Whether a bare name is a variable or parameter here, not a method call."""
        if self._assignments(file, node):
            return True
        blocks = (a for a in file.ancestors(node) if a.type in (*BLOCKS, "lambda", *METHODS))
        listed = (b.child_by_field_name("parameters") for b in blocks)
        return any(
            text(i) == text(node) for p in listed if p is not None for i in descendants(p, "identifier")
        )

    def bare_calls(self, method: Method) -> list[Place]:
        """Where a method is called by its bare name: no receiver, no arguments."""
        if method.name not in self._bare:
            found = self._bare[method.name] = {}
            for file, node in self.mentions(method.name):
                if self._is_bare_call(file, node):
                    owner, singleton = self._code.owner(file, node), self._code.in_class(file, node)
                    reached = self._code.find_method(owner, method.name, singleton)
                    found.setdefault(reached, []).append((file, node))
        return self._bare[method.name].get(method, [])

    def _is_bare_call(self, file: RubyFile, node: Node) -> bool:
        above = file.parent(node)
        if above is None or (above.type == "call" and above.child_by_field_name("method") == node):
            return False
        declares = above.type in (*METHODS, "optional_parameter", "method_parameters", "block_parameters")
        if declares and above.child_by_field_name("body") != node:
            return False
        return not self.is_local(file, node)

    def _assignments(self, file: RubyFile, node: Node) -> list[Node]:
        scope = file.enclosing(node, *_SCOPES) or file.root
        return self._locals.get((file.path, scope.id, text(node)), [])

    def _remember(self, file: RubyFile, node: Node) -> None:
        left = node.child_by_field_name("left")
        if left is None:
            return
        name = text(left)
        if left.type == "left_assignment_list":
            self._remember_several(file, node, left)
        elif left.type == "identifier":
            scope = file.enclosing(node, *_SCOPES) or file.root
            self._locals.setdefault((file.path, scope.id, name), []).append(node)
        elif left.type in ("instance_variable", "class_variable", "global_variable"):
            owner = "" if left.type == "global_variable" else self._code.owner(file, node).name
            self._variables.setdefault((owner, name), []).append((file, node))
        elif left.type in ("constant", "scope_resolution"):
            right = node.child_by_field_name("right")
            if right is not None:
                self._constants.setdefault(name.split("::")[-1], (file, right))

    def _remember_pattern(self, file: RubyFile, node: Node) -> None:
        """`in RubyLLM::Message => reply` and `chat.ask(text) => reply`."""
        name = node.child_by_field_name("name" if node.type == "as_pattern" else "pattern")
        if name is not None and name.type == "identifier":
            scope = file.enclosing(node, *_SCOPES) or file.root
            self._locals.setdefault((file.path, scope.id, text(name)), []).append(node)

    def _remember_several(self, file: RubyFile, node: Node, left: Node) -> None:
        """`chat, started = RubyLLM.chat, Time.now`, if each name has one value."""
        right = node.child_by_field_name("right")
        values = right.named_children if right is not None and right.type == "right_assignment_list" else []
        names = left.named_children
        if len(names) != len(values) or any(v.type == "splat_argument" for v in values):
            return
        scope = file.enclosing(node, *_SCOPES) or file.root
        for name, value in zip(names, values, strict=True):
            if name.type == "identifier":
                self._locals.setdefault((file.path, scope.id, text(name)), []).append(value)
