"""What a test suite pretends RubyLLM to be, and where that differs from the gem.

A stub or double is judged only where it is known to stand in for a RubyLLM object: what RubyLLM.chat is
stubbed to return, what is handed to a parameter that otherwise is one, and what such doubles answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.test_suite import TestSuite
from runner.probes.kit.ruby.classes import RubyClass
from runner.probes.kit.ruby.kind import Kind
from runner.probes.kit.ruby.paths import is_test
from runner.probes.kit.ruby.syntax import (
    METHODS,
    Call,
    RubyFile,
    constant_path,
    descendants,
    literal,
    statements,
    text,
)

_ASKING = ("ask", "say", "complete")
_RESULTS = ("Message", "Chunk")
_MAKERS = ("OpenStruct", "Struct", "Data")
_RETURNS = ("returns", "and_return")


@dataclass
class Pretence:
    """What was found: how many stand-ins were judged, and what they pretend that does not exist."""

    judged: int = 0
    false: list[tuple[Location, str]] = field(default_factory=list)


class Mocks:
    """Follows the stand-ins of a test suite."""

    def __init__(self, use: LlmUse, suite: TestSuite) -> None:
        self._use = use
        self._suite = suite
        self._found = Pretence()
        self._seen: set[tuple[str, int, str]] = set()

    def pretence(self) -> Pretence:
        """Judge every stub, mock and fake of the suite."""
        for invention in self._use.inventions_in(self._use.code.test_files):
            if invention.area in ("entry", "error"):
                self._found.false.append((invention.location, invention.message))
        self._redefined()
        for call in self._suite.calls if self._use.names_gem else ():
            self._stub(call)
            self._injected(call)
            if call.name == "instance_double" and call.positional:
                self._instance_double(call)
        self._found.false = sorted(set(self._found.false), key=lambda f: (f[0].path, f[0].line or 0))
        return self._found

    @cached_property
    def _app_methods(self) -> set[str]:
        own = (m for m in self._use.code.methods if m.parameters and not is_test(m.file.path))
        return {"new" if m.name == "initialize" else m.name for m in own}

    def _redefined(self) -> None:
        """Tests that define what the application calls and the gem does not have."""
        for name, owner in self._use.code.classes.items():
            kind = name.removeprefix("RubyLLM::")
            if not name.startswith("RubyLLM") or self._use.code.in_app(owner):
                continue
            self._found.judged += 1
            if kind != name and kind not in self._use.api.constants and self._app_names(name):
                file, body = owner.bodies[0]
                self._found.false.append((file.location(body), f"{name} does not exist"))
            for method in owner.methods if self._use.api.knows(kind) else ():
                if not self._use.api.has(kind, method.name) and self._app_relies_on(method.name):
                    place = method.file.location(method.node)
                    self._found.false.append((place, f"{name} has no method {method.name}"))

    def _app_names(self, constant: str) -> bool:
        return any(constant in i.message for i in self._use.inventions if i.area == "entry")

    def _stub(self, call: Call) -> None:
        """A stub on RubyLLM itself or on one of its classes."""
        target, names = self._suite.stubbed(call)
        if target is None:
            return
        kind = self._use.kinds.of(call.file, target)
        on = self._gem_kind(call, target, kind)
        if on is None:
            return
        for name in names:
            self._named(call, on, name)
        for node in self._replacements(call):
            self._stand_in(call.file, node, self._returned(on, names[0] if names else ""))

    def _gem_kind(self, call: Call, target: Node, kind: Kind | None) -> str | None:
        """`RubyLLM`, or the instance kind for `RubyLLM::Chat.any_instance`; None for anything else."""
        if kind is None or kind.app is not None or not self._use.api.knows(kind.name):
            return None
        written = text(call.receiver) + text(call.node)
        return kind.name.removesuffix(".class") if "any_instance" in written else kind.name

    def _named(self, call: Call, on: str, name: str) -> None:
        self._found.judged += 1
        if not self._use.api.has(on, name):
            owner = "RubyLLM" if on == "RubyLLM" else f"a {on.removesuffix('.class')}"
            self._found.false.append((call.location, f"{owner} has no method {name}"))

    def _returned(self, on: str, name: str) -> str | None:
        signature = self._use.api.signature(on, name)
        if signature is None or signature.returns is None:
            return None
        return on if signature.returns == "self" else signature.returns

    def _replacements(self, call: Call) -> list[Node]:
        """What a stub answers: `stub(:chat, x)`, `.stubs(:chat).returns(x)`, a block of its own."""
        found = list(call.positional[1:]) if call.name in ("stub", "stub_any_instance") else []
        found += [value for _, value in call.keywords] if call.name == "stubs" else []
        if call.block is not None and call.name == "define_singleton_method":
            found.append(call.block)
        for around in call.file.ancestors(call.node):
            outer = call.file.call(around) if around.type == "call" else None
            if outer is not None and outer.name in _RETURNS:
                found += outer.positional
            if around.type in (*METHODS, "block", "do_block", "body_statement"):
                break
        for inner in (call.file.call(n) for p in call.positional for n in descendants(p, "call")):
            if inner is not None and inner.name in _RETURNS:
                found += inner.positional
        return found

    def _injected(self, call: Call) -> None:
        """A double handed to a parameter of the application whose default is a RubyLLM object."""
        handed = call.positional or call.keywords
        method = self._use.kinds.target(call) if handed and call.name in self._app_methods else None
        if method is None or is_test(method.file.path):
            return
        for index, parameter in enumerate(method.parameters):
            given = call.keyword(parameter.name)
            if given is None and parameter.kind != "keyword" and index < len(call.positional):
                given = call.positional[index]
            kind = self._use.kinds.parameter(method, parameter.name) if given is not None else None
            if given is not None and kind is not None and self._suite.is_double(call.file, given):
                self._injected_as(call.file, given, kind)

    def _injected_as(self, file: RubyFile, given: Node, kind: Kind) -> None:
        if kind.name == "Proc" and kind.of is not None:
            self._stand_in(file, given, kind.of.name)
        elif kind.app is None and self._use.api.knows(kind.name):
            self._stand_in(file, given, kind.name)

    def _instance_double(self, call: Call) -> None:
        path = constant_path(call.positional[0]) or literal(call.positional[0]) or ""
        kind = path.removeprefix("RubyLLM::")
        if path.startswith("RubyLLM::") and self._use.api.knows(kind):
            for name, value in call.keywords:
                self._named(call, kind, name)
                self._stand_in(call.file, value, self._returned(kind, name))

    # --- one stand-in ----------------------------------------------------------------------------

    def _stand_in(self, file: RubyFile, node: Node, kind: str | None) -> None:
        """Judge an expression that takes the place of a RubyLLM object of that kind."""
        if kind is None or node.type == "self" or (file.path, node.id, kind) in self._seen:
            return
        self._seen.add((file.path, node.id, kind))
        fake = self._use.kinds.of(file, node)
        if node.type in ("lambda", "block", "do_block"):
            for last in statements(_inner_body(node))[-1:]:
                self._stand_in(file, last, kind)
        elif fake is not None and fake.name == "Proc":
            for definition in self._use.kinds.names.definitions(file, node):
                self._stand_in(file, definition.child_by_field_name("right") or definition, kind)
        elif fake is not None and fake.name == "App" and fake.app is not None:
            self._fake_class(fake.app, kind)
        elif node.type in ("identifier", "instance_variable", "constant"):
            self._variable(file, node, kind)
        elif node.type == "call":
            self._made(file, node, kind)

    def _variable(self, file: RubyFile, node: Node, kind: str) -> None:
        for definition in self._use.kinds.names.definitions(file, node):
            right = definition.child_by_field_name("right")
            if right is not None:
                self._stand_in(file, right, kind)
            elif definition.type in METHODS:
                for last in statements(definition.child_by_field_name("body"))[-1:]:
                    self._stand_in(file, last, kind)
        for call in file.calls:
            if text(call.receiver) == text(node):
                self._taught(call, kind)
        for method in file.of("singleton_method"):
            if text(method.child_by_field_name("object")) == text(node):
                self._answer(file, text(method.child_by_field_name("name")), method, kind)

    def _taught(self, call: Call, kind: str) -> None:
        """`mock.expect(:ask, reply)`, `fake.stubs(:ask).returns(reply)` and the like."""
        names = [n for n in (literal(p) for p in call.positional[:1]) if n is not None]
        if call.name not in ("expect", "expects", "stubs", "define_singleton_method"):
            return
        names += [key for key, _ in call.keywords] if call.name in ("stubs", "expects") else []
        for name in names:
            if call.name != "define_singleton_method" or self._app_relies_on(name):
                self._named(call, kind, name)
            answers = call.positional[1:2] if call.name == "expect" else tuple(self._replacements(call))
            for answer in answers:
                self._stand_in(call.file, answer, self._returned(kind, name))

    def _answer(self, file: RubyFile, name: str, method: Node, kind: str) -> None:
        for last in statements(method.child_by_field_name("body"))[-1:]:
            self._stand_in(file, last, self._returned(kind, name))

    def _made(self, file: RubyFile, node: Node, kind: str) -> None:
        """`OpenStruct.new(content: ...)`, `stub(content: ...)`, `Struct.new(:content).new(...)`."""
        call = file.call(node)
        if call is None:
            return
        maker = text(call.receiver).split(".")[0].lstrip(":")
        keys = [key for key, _ in call.keywords]
        if (
            call.receiver is None and call.name in ("stub", "double", "mock", "stub_everything", "stubs")
        ) or maker == "OpenStruct":
            self._attributes(file, node, keys, kind)
        elif maker in _MAKERS and call.receiver is not None:
            made = file.call(call.receiver)
            named = [literal(p) for p in made.positional] if made is not None else []
            self._attributes(file, node, [n for n in named if n is not None], kind)

    def _attributes(self, file: RubyFile, node: Node, names: list[str], kind: str) -> None:
        """A double of a response has to offer what a response has; more beside `content` harms nobody."""
        self._found.judged += 1
        if not names or "content" in names:
            return
        wrong = [n for n in names if not self._use.api.has(kind, n)]
        if wrong:
            self._found.false.append((file.location(node), f"a {kind} has no {', '.join(wrong)}"))

    def _fake_class(self, fake: RubyClass, kind: str) -> None:
        """A hand-written fake: what the application calls on it must exist, in its answers too."""
        self._found.judged += 1
        if kind in _RESULTS:
            names = [*fake.members, *fake.readers, *(m.name for m in fake.methods if m.name != "initialize")]
            self._attributes(fake.file, fake.bodies[0][1], names, kind)
            return
        for method in fake.methods:
            invented = not self._use.api.has(kind, method.name) and self._app_relies_on(method.name)
            if invented and not method.singleton:
                place = method.file.location(method.node)
                self._found.false.append((place, f"a {kind} has no method {method.name}"))
            for last in method.body[-1:]:
                # What adding a message answers is hardly ever read: a fake may answer itself.
                if not (last.type == "self" and method.name == "add_message"):
                    self._stand_in(method.file, last, self._returned(kind, method.name))

    def _app_relies_on(self, name: str) -> bool:
        """Whether the application calls an invented method of that name; a fake may keep own notes."""
        words = (
            i.message.split(" ")[0] for i in self._use.inventions if i.area in ("dsl", "entry", "response")
        )
        return any(word.endswith((f"#{name}", f".{name}")) for word in words)


def _inner_body(node: Node) -> Node | None:
    body = node.child_by_field_name("body")
    return (
        body.child_by_field_name("body") if body is not None and body.type in ("block", "do_block") else body
    )
