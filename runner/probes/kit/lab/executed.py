"""Which lines of an app its suite executed, as line_coverage.rb counted them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tree_sitter import Node

from runner.probes.kit.ruby.syntax import METHODS, RubyFile

_BODIES = ("body_statement", "block_body", "then", "else", "program", "begin", "ensure", "do", *METHODS)
_COUNTS = re.compile(r"(?:\d?(?:,\d?)*)?")


@dataclass
class Executed:
    """Counts by path relative to the app: of its lines (None: nothing to run there) and of its methods,
    these by their first and last line. All processes of the suite together."""

    lines: dict[str, list[int | None]] = field(default_factory=dict)
    methods: dict[str, dict[tuple[int, int], int]] = field(default_factory=dict)

    @classmethod
    def read(cls, output: str) -> Executed:
        """Read the records; whatever is none is left out, for the app can write there too."""
        found = cls()
        for line in output.splitlines():
            match line.split("\t"):
                case ["L", path, counts] if _COUNTS.fullmatch(counts):
                    found._add_lines(path, [int(c) if c else None for c in counts.split(",")])
                case ["M", path, first, last, count] if all(
                    n.isdecimal() and len(n) < 8 for n in (first, last, count)
                ):
                    spans = found.methods.setdefault(path, {})
                    spans[int(first), int(last)] = spans.get((int(first), int(last)), 0) + int(count)
        return found

    def _add_lines(self, path: str, counts: list[int | None]) -> None:
        known = self.lines.setdefault(path, counts)
        if known is not counts and len(known) == len(counts):
            pairs = zip(known, counts, strict=True)
            self.lines[path] = [None if a is b is None else (a or 0) + (b or 0) for a, b in pairs]

    def ran(self, file: RubyFile, node: Node, folder: str = "") -> bool | None:
        """Whether the statement with this node ran; None if it cannot be told.

        A line says nothing of a method that stands on one line whole, so its method must have run too.
        """
        path = file.path.removeprefix(folder)
        if path not in self.lines:
            return False if self.lines else None
        spans, method = self.methods.get(path, {}), file.enclosing(node, *METHODS)
        key = (0, 0) if method is None else (method.start_point[0] + 1, method.end_point[0] + 1)
        if spans.get(key) == 0:
            return False
        first, last = _statement(file, node).start_point[0], node.end_point[0]
        counts = [count for count in self.lines[path][first : last + 1] if count is not None]
        return any(counts) if counts else (spans.get(key, 0) > 0 or None)

    def any_ran(self, places: Iterable[tuple[RubyFile, Node]], folder: str = "") -> bool | None:
        """Whether one of these statements ran; None if none is known to, and of one it cannot be told."""
        told = [self.ran(file, node, folder) for file, node in places]
        return True if True in told else (None if None in told else False)


def _statement(file: RubyFile, node: Node) -> Node:
    """The innermost whole statement around a node."""
    current = node
    while (around := file.parent(current)) is not None and around.type not in _BODIES:
        current = around
    return current
