"""What a Ruby expression is: a RubyLLM object, one of the repository's own, a plain value, or unknown.

A small abstract interpreter over the syntax: it follows constants, chains, local and instance variables,
memoised methods, method results, parameters and block parameters. Whatever it cannot follow is unknown
(None), and nothing is ever concluded from unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node

from runner.probes.kit.llm.ruby_llm_api import RubyLlmApi
from runner.probes.kit.ruby.answers import Answers
from runner.probes.kit.ruby.classes import Method, RubyClass
from runner.probes.kit.ruby.code import RubyCode
from runner.probes.kit.ruby.handed import Handed
from runner.probes.kit.ruby.kind import INVENTED, NIL, VENDORS, Kind, joined
from runner.probes.kit.ruby.names import Names
from runner.probes.kit.ruby.syntax import (
    ASSIGNMENTS,
    BLOCKS,
    METHODS,
    Call,
    RubyFile,
    constant_path,
    descendants,
    statements,
    text,
    within,
)

_MAX_DEPTH = 40
_RAISES = re.compile(r"raise\b(?!.*\b(?:if|unless)\b)")
_VALUES = {
    "string": "String",
    "chained_string": "String",
    "heredoc_beginning": "String",
    "array": "Array",
    "string_array": "Array",
    "symbol_array": "Array",
    "hash": "Hash",
    "nil": "nil",
    "integer": "Number",
    "float": "Number",
    "true": "Boolean",
    "false": "Boolean",
}
_TRANSPARENT = (*ASSIGNMENTS, "rescue_modifier", "parenthesized_statements", "argument_list", "return")


class Kinds:
    """The kinds of all expressions of a repository under one release of the gem."""

    def __init__(self, code: RubyCode, api: RubyLlmApi) -> None:
        self.code = code
        self.api = api
        self._known: dict[tuple[str, int], Kind | None] = {}
        self._busy: set[tuple[str, int]] = set()
        self._results: dict[tuple[str, int], Kind | None] = {}
        self._gem_classes: dict[str, str | None] = {}
        self._calls_to: dict[str, dict[Method | None, list[Call]]] = {}
        self.cut = 0  # how often a cycle or the depth kept an expression from being known
        self.names = Names(code)
        self._answers = Answers(self)
        self._handed = Handed(self)

    def of(self, file: RubyFile, node: Node | None) -> Kind | None:
        """The kind of an expression; None is unknown."""
        if node is None:
            return NIL
        key = (file.path, node.id)
        if key in self._known:
            return self._known[key]
        if key in self._busy or len(self._busy) > _MAX_DEPTH:
            self.cut += 1
            return None
        self._busy.add(key)
        self.code.budget.spend()
        try:
            self._known[key] = self._evaluate(file, node)
        finally:
            self._busy.discard(key)
        return self._known[key]

    def receiver(self, call: Call) -> Kind | None:
        """What a call is sent to; for a bare call the object or class whose code it stands in."""
        if call.receiver is not None:
            return self.of(call.file, call.receiver)
        return self.self_at(call.file, call.node)

    def self_at(self, file: RubyFile, node: Node) -> Kind:
        """What `self` is at a node."""
        return Kind("App.class" if self.code.in_class(file, node) else "App", self.code.owner(file, node))

    def gem_class(self, app: RubyClass) -> str | None:
        """`Agent`, `Tool`, `Chat` ... for a subclass of RubyLLM's, `Record` for an acts_as_chat model."""
        if app.name not in self._gem_classes:
            self._gem_classes[app.name] = self._inherits(app) or self._mixed_into(app)
        return self._gem_classes[app.name]

    def _inherits(self, app: RubyClass) -> str | None:
        return next(filter(None, map(self._based_on, self.code.lineage(app))), None)

    def _mixed_into(self, module: RubyClass) -> str | None:
        """`Record` for a concern that only acts_as_chat models include."""
        includers = self.code.includers(module) if module.is_module else []
        return "Record" if {self._inherits(c) for c in includers} == {"Record"} else None

    def _based_on(self, app: RubyClass) -> str | None:
        if app.name.startswith("<"):
            return None
        if app.superclass is not None and app.superclass.startswith("RubyLLM::"):
            return app.superclass.removeprefix("RubyLLM::")
        declared = (
            (c, body) for c in self.names.calls("acts_as_chat") for f, body in app.bodies if f is c.file
        )
        return "Record" if any(within(call.node, body) for call, body in declared) else None

    def on_gem(self, call: Call) -> str | None:
        """The gem's kind a call is sent to (`Chat`, `Agent.class`, ...), None if it is not the gem's."""
        kind = self.receiver(call)
        if kind is None or kind.app is None:
            return None if kind is None or call.receiver is None else kind.name
        singleton = kind.name == "App.class"
        base = self.gem_class(kind.app)
        if base is None or self.code.find_method(kind.app, call.name, singleton) is not None:
            return None
        return f"{base}.class" if singleton else base

    def on_gem_class(self, call: Call) -> str | None:
        """The gem's class a bare call in a class body configures (`instructions` in an agent)."""
        kind = self.self_at(call.file, call.node)
        base = self.gem_class(kind.app) if kind.name == "App.class" and kind.app is not None else None
        return None if base is None or call.receiver is not None else f"{base}.class"

    def target(self, call: Call) -> Method | None:
        """The repository's own method a call reaches."""
        kind = self.receiver(call)
        if kind is None or kind.app is None:
            return None
        if kind.name == "App.class" and call.name == "new":
            return self.code.find_method(kind.app, "initialize", False)
        return self.code.find_method(kind.app, call.name, kind.name == "App.class")

    def answer(self, receiver: Kind, name: str) -> Kind | None:
        """What a receiver answers to a method without arguments."""
        return self._answers.sent(receiver, name, None)

    def calls_to(self, method: Method) -> list[Call]:
        """The calls that reach a method of the repository's own; all of one name are looked at once."""
        name = "new" if method.name == "initialize" else method.name
        if name not in self._calls_to:
            found = self._calls_to[name] = {}
            for call in self.names.calls(name):
                found.setdefault(self.target(call), []).append(call)
        return self._calls_to[name].get(method, [])

    def parameter(self, method: Method, name: str) -> Kind | None:
        """What a parameter of a method is, by its default or by what the application hands in."""
        found = self._handed.to_method(method.file, method.node, name)
        return None if found is None else found[0]

    # --- expressions -----------------------------------------------------------------------------

    def _evaluate(self, file: RubyFile, node: Node) -> Kind | None:
        if node.type in _VALUES:
            return self._literal(file, node)
        if node.type in ("constant", "scope_resolution"):
            return self._constant(file, node)
        if node.type == "identifier":
            return self._identifier(file, node)
        if node.type in ("instance_variable", "class_variable", "global_variable"):
            return self._variable(file, node)
        if node.type in ("call", "element_reference"):
            call = file.call(node)
            return None if call is None else self._answers.of_call(call)
        handler: dict[str, Callable[[RubyFile, Node], Kind | None]] = {
            "self": self.self_at,
            "binary": self._binary,
            "lambda": self._proc,
            "conditional": self._branches,
            "if": self._branches,
            "unless": self._branches,
            "case": self._case,
            "begin": self._begin,
            "as_pattern": self._matched,
            "match_pattern": self._matched,
        }
        if node.type in handler:
            return handler[node.type](file, node)
        return self._inner(file, node) if node.type in _TRANSPARENT else None

    def _literal(self, file: RubyFile, node: Node) -> Kind:
        name = _VALUES[node.type]
        if node.type != "array":
            body = file.heredoc(node) if node.type == "heredoc_beginning" else node
            transcript = name == "String" and any(
                self.of(file, part) == Kind("Transcript")
                for inner in descendants(body, "interpolation")
                for part in inner.named_children
            )
            return Kind("Transcript" if transcript else name)
        return Kind("Array", of=joined(self.of(file, c) for c in node.named_children[:20]) or None)

    def _inner(self, file: RubyFile, node: Node) -> Kind | None:
        if node.type in ASSIGNMENTS:
            return self.of(file, node.child_by_field_name("right"))
        if node.type == "rescue_modifier":
            return self.of(file, node.child_by_field_name("body"))
        children = node.named_children
        if node.type == "argument_list" and len(children) > 1:
            return Kind("Array")
        return self.of(file, children[-1]) if children else NIL

    def _binary(self, file: RubyFile, node: Node) -> Kind | None:
        operator = text(node.child_by_field_name("operator"))
        left = self.of(file, node.child_by_field_name("left"))
        right = self.of(file, node.child_by_field_name("right"))
        if operator in ("||", "or"):
            return right if left is None or left == NIL else left if right is None else joined([left, right])
        if operator in ("&&", "and"):
            return right
        for side in (left, right):
            if operator in ("+", "<<") and side is not None and side.name in ("Array", "Transcript"):
                return side
        return Kind("String") if operator == "+" and left == Kind("String") else None

    def _proc(self, file: RubyFile, node: Node) -> Kind:
        return Kind("Proc", of=self.value_of(file, node.child_by_field_name("body")))

    def value_of(self, file: RubyFile, body: Node | None) -> Kind | None:
        """The kind of a body's last statement; one that raises leaves no value, which counts as nil does."""
        if body is not None and body.type in BLOCKS:
            body = body.child_by_field_name("body")
        last = statements(body)[-1:]
        return self.of(file, last[0]) if last and not _RAISES.match(text(last[0])) else NIL

    def _branches(self, file: RubyFile, node: Node) -> Kind | None:
        kinds: list[Kind | None] = []
        branch: Node | None = node
        while branch is not None and branch.type in ("if", "unless", "conditional", "elsif"):
            kinds.append(self.value_of(file, branch.child_by_field_name("consequence")))
            branch = branch.child_by_field_name("alternative")
        return joined([*kinds, self.value_of(file, branch)])

    def _case(self, file: RubyFile, node: Node) -> Kind | None:
        bodies = [n.child_by_field_name("body") if n.type == "when" else n for n in node.named_children]
        return joined(self.value_of(file, b) for b in bodies if b is not None and b.type in ("then", "else"))

    def _begin(self, file: RubyFile, node: Node) -> Kind | None:
        rescues = [n.child_by_field_name("body") for n in node.named_children if n.type == "rescue"]
        return joined(
            [self.value_of(file, node), *(self.value_of(file, r) for r in rescues if r is not None)]
        )

    def _matched(self, file: RubyFile, node: Node) -> Kind | None:
        """What a pattern gives its name to: an instance of the class asked for, or the matched value."""
        if node.type == "match_pattern":
            return self.of(file, node.child_by_field_name("value"))
        asked = self.of(file, node.child_by_field_name("value"))
        if asked is None or not asked.name.endswith(".class"):
            return None
        return Kind(asked.name.removesuffix(".class"), asked.app)

    # --- names -----------------------------------------------------------------------------------

    def _constant(self, file: RubyFile, node: Node) -> Kind | None:
        path = constant_path(node)
        if path is None:
            return None
        app = self.code.resolve(path, self.code.owner(file, node))
        if app is not None and not (path == "RubyLLM" or app.name.startswith("RubyLLM")):
            return Kind("App.class", app)
        if path == "RubyLLM":
            return Kind("RubyLLM")
        if path.startswith("RubyLLM::"):
            name = path.removeprefix("RubyLLM::")
            known = name.split("::")[0] in self.api.constants or self.code.in_app(app)
            return Kind(f"{name}.class") if known else INVENTED
        value = self.names.constant(path)
        if value is not None:
            return self.of(*value)
        root = path.split("::")[0]
        if root in VENDORS and app is None:
            return Kind(root)
        return INVENTED if root.lower() in ("rubyllm", "openrouter") else None

    def _identifier(self, file: RubyFile, node: Node) -> Kind | None:
        name = text(node)
        for around in file.ancestors(node):
            if around.type in (*BLOCKS, "lambda"):
                position = self._handed.block_position(around, name)
                if position is not None:
                    return self._handed.to_block(file, around, position)
            elif around.type in METHODS:
                found = self._handed.to_method(file, around, name)
                if found is not None:
                    declared = [found[0]] if found[0] is not None else []
                    assigned = self._assigned(file, node)
                    return joined([*declared, *assigned]) if declared or assigned else None
                break
            elif around.type in ("class", "module"):
                break
        assigned = self._assigned(file, node)
        return joined(assigned) if assigned else self._method_value(file, node, name)

    def _assigned(self, file: RubyFile, use: Node) -> list[Kind | None]:
        return [self.of(file, node) for node in self.names.reaching(file, use)]

    def _variable(self, file: RubyFile, node: Node) -> Kind | None:
        owner = self.code.owner(file, node)
        places = [owner] if node.type == "global_variable" else list(self.code.lineage(owner))
        found: list[Kind | None] = []
        for place in places:
            owner_name = "" if node.type == "global_variable" else place.name
            found += [self.of(*assignment) for assignment in self.names.variables(owner_name, text(node))]
        return joined(found) if found else None

    def _method_value(self, file: RubyFile, node: Node, name: str) -> Kind | None:
        return self._answers.sent(self.self_at(file, node), name, None)

    def result(self, method: Method) -> Kind | None:
        """What a method returns: its last statement and its explicit returns."""
        key = (method.file.path, method.node.id)
        if key in self._results:
            return self._results[key]
        if key in self._busy or len(self._busy) > _MAX_DEPTH:
            self.cut += 1
            return None
        self._busy.add(key)
        try:
            self._results[key] = self._returned(method)
        finally:
            self._busy.discard(key)
        return self._results[key]

    def _returned(self, method: Method) -> Kind | None:
        body = method.node.child_by_field_name("body")
        own = [
            n
            for n in method.file.within(method.node, "return")
            if method.file.enclosing(n, *METHODS, "lambda") == method.node
        ]
        returned = [self.of(method.file, n) for n in own]
        rescued = [] if body is None else [n for n in body.named_children if n.type == "rescue"]
        values = [self.value_of(method.file, r.child_by_field_name("body")) for r in rescued]
        return joined([self.value_of(method.file, body), *returned, *values])
