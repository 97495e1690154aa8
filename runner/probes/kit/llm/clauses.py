"""One rescue clause: what it catches, what it does with it, and what it raises instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.ruby.classes import Method
from runner.probes.kit.ruby.syntax import BLOCKS, RubyFile, constant_path, descendants, statements, text

BROAD = ("StandardError", "Exception")
BROKEN_CODE = ("NoMethodError", "NameError", "ArgumentError")
_TELLING = frozenset(("$!", "$ERROR_INFO", "logger", "raise", "error_reporter"))


@dataclass(frozen=True, eq=False)
class Clause:
    """One rescue: what it names and what it does; `body` is None for retry_on without a block."""

    file: RubyFile
    node: Node
    errors: tuple[str, ...]
    body: Node | None

    @property
    def location(self) -> Location:
        """Its first line."""
        return self.file.location(self.node)

    @property
    def specific(self) -> bool:
        """Whether it names anything narrower than StandardError."""
        return any(e not in BROAD for e in self.errors)

    @property
    def catches_bugs(self) -> bool:
        """Whether a programming mistake of the application's ends here like an outage."""
        return any(e in (*BROAD, *BROKEN_CODE) for e in self.errors)

    def tells(self, use: LlmUse) -> bool:
        """Whether it logs, reports, raises or hands on what it caught, or asks for its class."""
        named = self.node.child_by_field_name("variable")
        names = {text(n) for n in descendants(named, "identifier")} if named is not None else set()
        inside = (n for s in self.statements for n in descendants(s, "identifier", "global_variable"))
        used = {text(n) for n in inside}
        if used & (names | _TELLING):
            return True
        parameters = self.node.child_by_field_name("parameters")
        if self.node.type == "method" and parameters is not None:
            return bool({text(n) for n in descendants(parameters, "identifier")} & used)
        return any(re.search(r"\$!|\blogger\b", text(m.node)) for m in self.called(use))

    def called(self, use: LlmUse) -> Iterator[Method]:
        """The application's own methods that it calls, with arguments or by their bare names."""
        for node in (n for s in self.statements for n in descendants(s, "call", "identifier")):
            call = self.file.call(node) if node.type == "call" else None
            owner = use.code.owner(self.file, node)
            bare = use.code.find_method(owner, text(node), False) if call is None else None
            method = use.kinds.target(call) if call is not None else bare
            if method is not None:
                yield method

    @property
    def statements(self) -> list[Node]:
        """What it does."""
        body = self.body
        if body is not None and body.type in BLOCKS:
            body = body.child_by_field_name("body")
        return statements(body)


def raised_by(clause: Clause) -> str | None:
    """What a clause raises at its end: a class, `""` for the same error, None if the error ends there."""
    for statement in clause.statements:
        if text(statement) == "raise":
            return ""
        if statement.type != "call" or text(statement.child_by_field_name("method")) != "raise":
            continue
        call = clause.file.call(statement)
        if call is None or call.receiver is not None or not call.positional:
            return ""
        first = call.positional[0]
        inner = clause.file.call(first)
        path = constant_path(first) or (constant_path(inner.receiver) if inner is not None else None)
        if path is None:
            return "RuntimeError" if first.type == "string" else ""
        return path
    return None
