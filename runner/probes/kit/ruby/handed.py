"""What parameters of methods and blocks are, by what the application hands in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from tree_sitter import Node

from runner.probes.kit.llm.ruby_llm_api import RubyLlmApi
from runner.probes.kit.ruby.classes import Method
from runner.probes.kit.ruby.code import RubyCode
from runner.probes.kit.ruby.kind import NIL, Kind, joined
from runner.probes.kit.ruby.names import Names
from runner.probes.kit.ruby.paths import is_test
from runner.probes.kit.ruby.syntax import Call, RubyFile, descendants, text

_MAX_CALLERS = 100
_SEEDED = {"inject": 0, "reduce": 0, "each_with_object": 1, "with_object": 1}
_EACH = re.compile(r"each|map|collect|flat_map|filter_map|reverse_each|select|find")


class Expressions(Protocol):
    """What must be known of the expressions that are handed in."""

    code: RubyCode
    api: RubyLlmApi
    names: Names
    cut: int

    def of(self, file: RubyFile, node: Node | None) -> Kind | None:
        """The kind of an expression."""
        ...

    def receiver(self, call: Call) -> Kind | None:
        """What a call is sent to."""
        ...

    def target(self, call: Call) -> Method | None:
        """The repository's own method a call reaches."""
        ...

    def on_gem(self, call: Call) -> str | None:
        """The gem's kind a call is sent to."""
        ...


class Handed:
    """What is handed to the methods and blocks of one repository."""

    def __init__(self, kinds: Expressions) -> None:
        self._kinds = kinds
        self._called_by: dict[tuple[str, int], list[Call]] = {}

    def block_position(self, block: Node, name: str) -> int | None:
        """Which parameter of a block has this name, None if it has no such one."""
        parameters = block.child_by_field_name("parameters")
        if parameters is None:
            return 0 if name in ("it", "_1") else None
        names = [text(c) for c in parameters.named_children]
        return names.index(name) if name in names else None

    def to_block(self, file: RubyFile, block: Node, position: int) -> Kind | None:
        """What is handed to a block, by what it is given to."""
        node = file.parent(block)
        call = file.call(node) if node is not None and node.type == "call" else None
        if call is None or block.type == "lambda":
            return None
        if _SEEDED.get(call.name) == position and call.positional:
            return self._kinds.of(file, call.positional[0])
        target = self._kinds.target(call)
        if target is not None:
            return joined(self._yielded(target, position)) or None
        kind = self._kinds.receiver(call)
        if position != 0 or kind is None:
            return None
        if call.receiver is not None and call.name in ("tap", "then", "yield_self"):
            return kind
        if kind.name == "Array":
            return kind.of
        gem = self._kinds.on_gem(call)
        if gem is None:
            return None
        signature = self._kinds.api.signature(gem, call.name)
        if signature is not None and signature.returns == "Chat":
            return Kind("Chat")
        if gem in ("Chat", "Agent") and _EACH.fullmatch(call.name):
            return Kind("Message")
        return None if signature is None or signature.yields is None else Kind(signature.yields)

    def _yielded(self, method: Method, position: int) -> Iterator[Kind | None]:
        for node in descendants(method.node, "yield"):
            listed = next((c for c in node.named_children if c.type == "argument_list"), None)
            values = [] if listed is None else listed.named_children
            yield self._kinds.of(method.file, values[position]) if position < len(values) else None
        handed = [p.name for p in method.parameters if p.kind == "block"]
        for call in method.file.calls_within(method.node) if handed else ():
            if call.name in ("call", "()", "[]") and text(call.receiver) in handed:
                values = list(call.positional)
                yield self._kinds.of(method.file, values[position]) if position < len(values) else None

    def to_method(self, file: RubyFile, method_node: Node, name: str) -> tuple[Kind | None] | None:
        """A 1-tuple with the kind if `name` is a parameter of that method, else None."""
        method = self._kinds.code.method_at(file, method_node)
        if method is None:
            return None
        for index, parameter in enumerate(method.parameters):
            if parameter.name != name:
                continue
            if parameter.default is not None:
                kind = self._kinds.of(file, parameter.default)
                if kind is not None and kind != NIL:
                    return (kind,)
            return (self._argument(method, index, name),)
        return None

    def _argument(self, method: Method, index: int, name: str) -> Kind | None:
        """What the application's own call sites hand in."""
        kinds = []
        for call in self._callers(method):
            given = call.keyword(name) or (call.positional[index] if index < len(call.positional) else None)
            if given is not None:
                kinds.append(self._kinds.of(call.file, given))
        return joined(kinds) if kinds else None

    def _callers(self, method: Method) -> list[Call]:
        """Calls that reach a method; remembered unless a cycle kept one of their receivers unknown."""
        key = (method.file.path, method.node.id)
        if key in self._called_by:
            return self._called_by[key]
        cut = self._kinds.cut
        called = "new" if method.name == "initialize" else method.name
        found = []
        for call in self._kinds.names.calls(called)[:_MAX_CALLERS]:
            self._kinds.code.budget.spend()
            foreign = is_test(call.file.path) and not is_test(method.file.path)
            if not (foreign or call.splat) and self._kinds.target(call) is method:
                found.append(call)
        if self._kinds.cut == cut:
            self._called_by[key] = found
        return found
