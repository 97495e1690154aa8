"""Where a failing provider call ends up: the rescue clauses in its method and in those that call it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.llm.clauses import BROAD, BROKEN_CODE, Clause, raised_by
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.ruby.classes import Method
from runner.probes.kit.ruby.paths import is_task
from runner.probes.kit.ruby.syntax import (
    BLOCKS,
    METHODS,
    Call,
    RubyFile,
    constant_path,
    descendants,
    literal,
    text,
    within,
)

PROVIDER = "a provider's error"
_NETWORK = (
    "Faraday",
    "Net",
    "Timeout",
    "Errno",
    "SocketError",
    "OpenSSL",
    "IOError",
    "EOFError",
    "HTTP",
    "OpenAI",
)
_THREADS = ("Thread", "Concurrent::Future", "Concurrent::Promise", "Concurrent::Promises")
_MAX_DEPTH = 60


@dataclass
class Guard:
    """What happens to one provider call's failure.

    `final`: clauses that end it. `translating`: clauses that raise something else. `escapes`: where it leaves
    the application's code unrescued. `passed`: what the failure went through.
    """

    final: list[Clause] = field(default_factory=list)
    translating: list[Clause] = field(default_factory=list)
    escapes: list[Location] = field(default_factory=list)
    passed: set[tuple[str, int, str]] = field(default_factory=set)

    @property
    def clauses(self) -> list[Clause]:
        """All clauses it meets."""
        return [*self.final, *self.translating]


class Rescues:
    """Follows failures outwards through the application's code."""

    def __init__(self, use: LlmUse) -> None:
        self._use = use
        self._lines: dict[str, frozenset[str]] = {}

    def guard(self, call: Call, error: str = PROVIDER, line: frozenset[str] = frozenset()) -> Guard:
        """Where a failure of this provider call ends up; for one class of a library with its ancestors."""
        found = Guard()
        if line:
            self._lines[error] = line
        self._climb(call.file, call.node, error, found, 0)
        return found

    def _climb(self, file: RubyFile, node: Node, thrown: str, found: Guard, depth: int) -> None:
        step = (file.path, node.id, thrown)
        self._use.code.budget.spend(3)
        if depth > _MAX_DEPTH or step in found.passed:
            return
        found.passed.add(step)
        for around in file.ancestors(node):
            catching = [c for c in self._clauses(file, around, node) if self._catches(c, thrown)]
            if around.type in BLOCKS:
                catching += self._yielder(file, around, thrown)
                if _starts_thread(file, around) and not catching:
                    break
            if catching:
                self._settle(catching, thrown, found, depth)
                return
            if around.type in METHODS:
                self._leave(file, node, thrown, found, depth)
                return
        found.escapes.append(file.location(node))

    def _settle(self, catching: list[Clause], thrown: str, found: Guard, depth: int) -> None:
        for clause in catching:
            raised = raised_by(clause)
            if raised is None:
                found.final.append(clause)
            elif clause.body is not None:
                found.translating.append(clause)
                self._climb(clause.file, clause.node, raised or thrown, found, depth + 1)

    def _leave(self, file: RubyFile, node: Node, thrown: str, found: Guard, depth: int) -> None:
        """Out of a method: to `rescue_from` and its kin in the class, else to every caller."""
        method = self._use.code.method_of(file, node)
        if method is None:
            found.escapes.append(file.location(node))
            return
        catching = [c for c in self._declared(method) if self._catches(c, thrown)]
        if catching:
            self._settle(catching, thrown, found, depth)
            return
        callers = list(self._callers(method))
        for where, caller in callers:
            self._climb(where, caller, thrown, found, depth + 1)
        if not callers:
            found.escapes.append(file.location(node))

    def _clauses(self, file: RubyFile, around: Node, node: Node) -> list[Clause]:
        """The clauses of a begin, method or block body that protect a node in it."""
        if around.type == "rescue_modifier":
            body, handler = around.child_by_field_name("body"), around.child_by_field_name("handler")
            inside = body is not None and within(node, body)
            return [Clause(file, around, ("StandardError",), handler)] if inside else []
        parts = [c for c in around.named_children if c.type in ("rescue", "else", "ensure")]
        if around.type not in ("begin", "body_statement") or any(within(node, p) for p in parts):
            return []
        return [self._clause(file, part) for part in parts if part.type == "rescue"]

    def _clause(self, file: RubyFile, node: Node) -> Clause:
        listed = node.child_by_field_name("exceptions")
        errors = [e for n in ([] if listed is None else listed.named_children) for e in self._names(file, n)]
        return Clause(file, node, tuple(errors) or ("StandardError",), node.child_by_field_name("body"))

    def _names(self, file: RubyFile, node: Node) -> list[str]:
        """The error classes an expression of a rescue list stands for; a constant list is looked up."""
        path = constant_path(node)
        if path is not None:
            return [path]
        inner = next((n for n in node.named_children if constant_path(n)), None)
        value = None if inner is None else self._use.kinds.names.constant(constant_path(inner) or "")
        if value is None:
            return [text(node)]
        listed, nodes = value[0], descendants(value[1], "constant", "scope_resolution")
        whole = [n for n in nodes if getattr(listed.parent(n), "type", "") != "scope_resolution"]
        return [name for name in map(constant_path, whole) if name is not None]

    def _catches(self, clause: Clause, thrown: str) -> bool:
        for error in clause.errors:
            if error in BROAD or not error[:1].isupper():
                return True
            if thrown == PROVIDER:
                known = error.removeprefix("RubyLLM::") in self._use.api.constants
                if (error.startswith("RubyLLM::") and known) or error.split("::")[0] in _NETWORK:
                    return True
                if self._use.attempts and not self._use.asks and error in BROKEN_CODE:
                    return True
            elif thrown in self._lines:
                if error in self._lines[thrown]:
                    return True
            elif error.split("::")[-1] in self._family(thrown):
                return True
        return False

    def _family(self, error: str) -> set[str]:
        """Last names of an error class of the application and of what it inherits from."""
        known = [
            c
            for name, c in self._use.code.classes.items()
            if name.split("::")[-1] == error.rsplit("::", maxsplit=1)[-1]
        ]
        above = [a.split("::")[-1] for c in known for a in self._use.code.ancestry(c)]
        return {error.rsplit("::", maxsplit=1)[-1], *above}

    def _declared(self, method: Method) -> Iterator[Clause]:
        """`rescue_from`, `retry_on` and `discard_on` of the method's class and what it inherits."""
        code = self._use.code
        lines = [c for c in code.lineage(method.owner) if not c.name.startswith("<")]
        for name in ("rescue_from", "retry_on", "discard_on"):
            for call in self._use.kinds.names.calls(name):
                if code.owner(call.file, call.node) not in lines:
                    continue
                errors = tuple(e for p in call.positional for e in self._names(call.file, p))
                handler = literal(call.keyword("with"))
                target = code.find_method(method.owner, handler, False) if handler else None
                if target is not None:
                    yield Clause(target.file, target.node, errors, target.node.child_by_field_name("body"))
                else:
                    yield Clause(call.file, call.node, errors, call.block)

    def _yielder(self, file: RubyFile, block: Node, thrown: str) -> list[Clause]:
        """Clauses around the `yield` of the application's method that this block is given to."""
        node = file.parent(block)
        call = file.call(node) if node is not None and node.type == "call" else None
        method = self._use.kinds.target(call) if call is not None else None
        if method is None:
            return []
        yields = [
            n for n in descendants(method.node, "yield", "call") if n.type == "yield" or _calls_block(n)
        ]
        clauses = [
            clause
            for inner in yields
            for around in method.file.ancestors(inner)
            if within(around, method.node)
            for clause in self._clauses(method.file, around, inner)
        ]
        return [c for c in clauses if self._catches(c, thrown)]

    @cached_property
    def _served(self) -> set[RubyFile]:
        """Application files that no one runs by hand."""
        return {f for f in self._use.code.app_files if not is_task(f.path)}

    def _callers(self, method: Method) -> Iterator[tuple[RubyFile, Node]]:
        use = self._use
        name = "new" if method.name == "initialize" else method.name
        app = self._served
        resolved = [c for c in use.kinds.calls_to(method) if c.file in app]
        if not resolved:
            unknown = (
                c for c in use.kinds.names.calls(name) if c.file in app and use.kinds.receiver(c) is None
            )
            resolved = [c for c in unknown if _may_be(c.receiver, method)]
        yield from ((c.file, c.node) for c in resolved)
        yield from ((f, n) for f, n in use.kinds.names.bare_calls(method) if f in app)


def _starts_thread(file: RubyFile, block: Node) -> bool:
    """An exception in a thread never reaches the code that started it."""
    node = file.parent(block)
    call = file.call(node) if node is not None and node.type == "call" else None
    return call is not None and constant_path(call.receiver) in _THREADS


def _calls_block(node: Node) -> bool:
    receiver, name = text(node.child_by_field_name("receiver")), text(node.child_by_field_name("method"))
    return receiver in ("block", "blk") and name in ("call", "")


def _may_be(receiver: Node | None, method: Method) -> bool:
    """Whether an unknown receiver is named like the method's class (`chat_service`, `@service`)."""
    name = text(receiver).lstrip("@").lower().replace("_", "")
    owner = method.owner.name.split("::")[-1].lower()
    return len(name) > 3 and (name in owner or owner in name)
