"""One Ruby file as syntax: nodes by type, parents, calls, literal values. Parsed, never run."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, cached_property
from typing import NamedTuple

import tree_sitter_embedded_template
import tree_sitter_ruby
from tree_sitter import Language, Node, Parser

from runner.core.records import Location
from runner.probes.kit.ruby.budget import Budget

ASSIGNMENTS = ("assignment", "operator_assignment")
_MAX_TEXT = 4000
_DEEP = 150  # more nesting than anyone writes: walking out of it costs steps
METHODS = ("method", "singleton_method")
BLOCKS = ("block", "do_block")
_SYMBOL_BLOCK = re.compile(r"&:\w")
_NOT_BREAKS = re.compile(rb"[^\r\n]")
_PLAIN_STRING = frozenset({"string_content", "escape_sequence"})


def text(node: Node | None) -> str:
    """The node's source text, its first 4,000 bytes; empty for None."""
    return "" if node is None or node.text is None else node.text[:_MAX_TEXT].decode("utf-8", "replace")


def constant_path(node: Node | None) -> str | None:
    """`RubyLLM::Chat` for a constant however it is written (also `::RubyLLM::Chat`), else None."""
    names = []
    while node is not None and node.type == "scope_resolution":
        names.append(text(node.child_by_field_name("name")))
        node = node.child_by_field_name("scope")
    if node is None:
        return "::".join(reversed(names)) or None
    return "::".join([text(node), *reversed(names)]) if node.type == "constant" else None


def literal(node: Node | None) -> str | None:
    """The value of a string or symbol without interpolation, else None."""
    if node is None:
        return None
    if node.type in ("simple_symbol", "hash_key_symbol", "bare_string", "bare_symbol"):
        return text(node).removeprefix(":").strip("\"'")
    if node.type in ("string", "delimited_symbol"):
        parts = node.named_children
        return "".join(map(text, parts)) if all(p.type in _PLAIN_STRING for p in parts) else None
    if node.type == "chained_string":
        values = [literal(part) for part in node.named_children]
        return None if None in values else "".join(v for v in values if v)
    return None


def is_sent(file: RubyFile, name: Node) -> bool:
    """Whether an identifier is what is sent to a receiver: `chat` in `RubyLLM.chat`."""
    around = file.parent(name)
    return (
        around is not None
        and around.type == "call"
        and around.child_by_field_name("receiver") is not None
        and around.child_by_field_name("method") == name
    )


def within(node: Node, outer: Node) -> bool:
    """Whether `node` lies inside `outer` (or is it)."""
    return outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte


def descendants(node: Node, *types: str) -> Iterator[Node]:
    """`node` and the named nodes below it in source order, of these types if any are given."""
    stack = [node]
    while stack:
        current = stack.pop()
        if not types or current.type in types:
            yield current
        stack.extend(reversed(current.named_children))


def statements(body: Node | None) -> list[Node]:
    """The statements of a body, without comments, rescue, else and ensure clauses."""
    if body is None:
        return []
    if body.type not in ("body_statement", "block_body", "then", "else", "program", "begin", "ensure"):
        return [body]
    skipped = ("comment", "rescue", "ensure", "heredoc_body", "empty_statement")
    return [
        n for n in body.named_children if n.type not in skipped and (n.type != "else" or body.type == "else")
    ]


class Call:
    """A method call: also `a[b]` (named `[]`), `a << b` (`<<`) and `a.b = c` (`b=`).

    `splat`: the argument list holds `*x`, `**x` or `...`, so its shape is not fully known. What is in the
    parentheses is read when it is asked for: of most calls only the name is.
    """

    def __init__(
        self,
        file: RubyFile,
        node: Node,
        receiver: Node | None,
        name: str,
        given: tuple[Node, ...] | None = None,
    ) -> None:
        self.file = file
        self.node = node
        self.receiver = receiver
        self.name = name
        self._given = given

    @property
    def positional(self) -> tuple[Node, ...]:
        """Its positional arguments."""
        return self._arguments.positional if self._given is None else self._given

    @property
    def keywords(self) -> tuple[tuple[str, Node], ...]:
        """Its keyword arguments in order."""
        return self._arguments.keywords if self._given is None else ()

    @property
    def splat(self) -> bool:
        """Whether more arguments may be given than are seen."""
        return self._given is None and self._arguments.splat

    @property
    def block_argument(self) -> Node | None:
        """What is given as `&block`."""
        return self._arguments.block if self._given is None else None

    @cached_property
    def block(self) -> Node | None:
        """The block that is written at the call."""
        return self.node.child_by_field_name("block") if self._given is None else None

    @cached_property
    def _arguments(self) -> _Arguments:
        return _arguments_of(self.node.child_by_field_name("arguments"))

    @property
    def line(self) -> int:
        """The line of the method's name: a chain's links stand on different lines."""
        name = self.node.child_by_field_name("method")
        return (name or self.node).start_point[0] + 1

    @property
    def location(self) -> Location:
        """Where it is, with the source line."""
        return self.file.location(self.line)

    def keyword(self, name: str) -> Node | None:
        """The value given for a keyword."""
        return next((value for key, value in self.keywords if key == name), None)

    @property
    def block_parameters(self) -> list[str]:
        """Names of the block's positional parameters (`|a, (b, c)|` gives a)."""
        if self.block is None:
            return []
        parameters = self.block.child_by_field_name("parameters")
        children = [] if parameters is None else parameters.named_children
        return [text(c) for c in children if c.type == "identifier"]


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_ruby.language()))


@cache
def _template_parser() -> Parser:
    return Parser(Language(tree_sitter_embedded_template.language()))


class RubyFile:
    """One parsed file. Syntax errors leave the rest readable: the parser recovers."""

    def __init__(self, path: str, source: str, budget: Budget | None = None) -> None:
        self.path = path
        self._budget = budget or Budget()
        self.source = source
        self._code = _ruby_of_erb(source) if path.endswith(".erb") else source.encode()
        self._tree = _parser().parse(self._code)
        self.root = self._tree.root_node
        self._parents: dict[int, Node] = {}
        self._by_type: dict[str, list[Node]] = defaultdict(list)
        self._sorted: dict[tuple[str, ...], list[Node]] = {}
        self._said: dict[re.Pattern[str], bool] = {}
        self._index()

    def _index(self) -> None:
        """Sort all nodes by type and remember their parents: half of a reader's time, so kept plain."""
        by_type, parents, stack = self._by_type, self._parents, [self.root]
        pop, push = stack.pop, stack.extend
        while stack:
            node = pop()
            by_type[node.type].append(node)
            children = node.named_children
            if children:
                for child in children:
                    parents[child.id] = node
                children.reverse()
                push(children)

    @cached_property
    def lines(self) -> list[str]:
        """The source's lines."""
        return self.source.splitlines()

    def says(self, pattern: re.Pattern[str]) -> bool:
        """Whether its source matches anywhere: answered once for a pattern, so each of its calls may ask."""
        if pattern not in self._said:
            self._said[pattern] = pattern.search(self.source) is not None
        return self._said[pattern]

    @property
    def says_symbol_block(self) -> bool:
        """Whether a call in it may be given `&:name`."""
        return self.says(_SYMBOL_BLOCK)

    def without_comments(self) -> str:
        """Its code, of a template too, with comments left out."""
        raw, kept, end = self._code, list[bytes](), 0
        for comment in self._by_type.get("comment", []):
            kept.append(raw[end : comment.start_byte])
            end = comment.end_byte
        return b"".join([*kept, raw[end:]]).decode("utf-8", "replace")

    def of(self, *types: str) -> list[Node]:
        """All nodes of these types, in source order."""
        if len(types) == 1:
            return self._by_type.get(types[0], [])
        if types not in self._sorted:
            found = [n for t in types for n in self._by_type.get(t, [])]
            self._sorted[types] = sorted(found, key=lambda n: (n.start_byte, -n.end_byte))
        self._budget.spend(1 + len(self._sorted[types]) // 8)
        return self._sorted[types]

    def within(self, outer: Node, kind: str) -> list[Node]:
        """The nodes of one type inside a node (or it), in source order; quick, the file is indexed."""
        nodes = self._by_type.get(kind, [])
        first = bisect_left(nodes, outer.start_byte, key=_start)
        last = bisect_right(nodes, outer.end_byte, key=_start)
        return [n for n in nodes[first:last] if n.end_byte <= outer.end_byte]

    def parent(self, node: Node) -> Node | None:
        """The node around it."""
        return self._parents.get(node.id)

    def ancestors(self, node: Node) -> Iterator[Node]:
        """From the parent outwards."""
        current, passed = self.parent(node), 0
        while current is not None:
            yield current
            passed += 1
            if passed > _DEEP:
                self._budget.spend(2)
            current = self.parent(current)

    def enclosing(self, node: Node, *types: str) -> Node | None:
        """The nearest node of these types around it."""
        passed = 0
        around = self._parents.get(node.id)
        while around is not None and around.type not in types:
            passed += 1
            around = self._parents.get(around.id)
        self._budget.spend(1 + max(0, passed - _DEEP))
        return around

    def location(self, where: Node | int) -> Location:
        """A place in this file, given as a node or a line from 1, with the line's text."""
        line = where if isinstance(where, int) else where.start_point[0] + 1
        inside = 0 < line <= len(self.lines)
        return Location(
            path=self.path, line=line, text=self.lines[line - 1].strip()[:300] if inside else None
        )

    def heredoc(self, beginning: Node) -> Node:
        """The body that belongs to a `<<~TEXT`; the beginning itself if the file is broken."""
        bodies = dict(
            zip((n.id for n in self.of("heredoc_beginning")), self.of("heredoc_body"), strict=False)
        )
        return bodies.get(beginning.id, beginning)

    @cached_property
    def calls(self) -> list[Call]:
        """Every call in source order; of bare names without arguments only macros in class bodies."""
        nodes = self.of("call", "element_reference", "binary", *ASSIGNMENTS)
        found = [call for call in map(self.call, nodes) if call is not None]
        macros = [Call(self, node, None, text(node), ()) for node in self._macros()]
        return sorted([*found, *macros], key=_call_order) if macros else found

    def _macros(self) -> Iterator[Node]:
        """Bare names in the bodies of classes: `private`, `acts_as_chat`."""
        for outer in self.of("class", "module", "singleton_class"):
            body = outer.child_by_field_name("body")
            yield from (n for n in ([] if body is None else body.named_children) if n.type == "identifier")

    def calls_within(self, node: Node) -> list[Call]:
        """The calls inside a node."""
        first = bisect_left(self._call_starts, node.start_byte)
        last = bisect_right(self._call_starts, node.end_byte)
        return [c for c in self.calls[first:last] if within(c.node, node)]

    @cached_property
    def _call_starts(self) -> list[int]:
        return [c.node.start_byte for c in self.calls]

    @cached_property
    def strings(self) -> list[tuple[str, Node]]:
        """Values of all string literals; interpolations are left out of them."""
        found = []
        for node in self.of("string", "heredoc_body", "bare_string"):
            parts = (c for c in node.named_children if c.type in (*_PLAIN_STRING, "heredoc_content"))
            found.append(("".join(map(text, parts)) or text(node) * (node.type == "bare_string"), node))
        return found

    def call(self, node: Node) -> Call | None:
        """The node as a call, None if it is none."""
        if node.type == "call":
            above = self.parent(node)
            if above is not None and above.type in ASSIGNMENTS and above.child_by_field_name("left") == node:
                return None if above.type == "assignment" else self._plain_call(node)
            return self._plain_call(node)
        if node.type == "element_reference":
            keys = tuple(node.named_children[1:])
            return Call(self, node, node.child_by_field_name("object"), "[]", keys)
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return None
        if node.type == "binary":
            operator = text(node.child_by_field_name("operator"))
            return Call(self, node, left, "<<", (right,)) if operator == "<<" else None
        if node.type in ASSIGNMENTS and left.type == "call":
            name = f"{text(left.child_by_field_name('method'))}="
            return Call(self, node, left.child_by_field_name("receiver"), name, (right,))
        if node.type in ASSIGNMENTS and left.type == "element_reference":
            keys = (*left.named_children[1:], right)
            return Call(self, node, left.child_by_field_name("object"), "[]=", keys)
        return None

    def _plain_call(self, node: Node) -> Call:
        name = text(node.child_by_field_name("method")) or "call"
        return Call(self, node, node.child_by_field_name("receiver"), name)


class _Arguments(NamedTuple):
    positional: tuple[Node, ...] = ()
    keywords: tuple[tuple[str, Node], ...] = ()
    splat: bool = False
    block: Node | None = None


def _arguments_of(listed: Node | None) -> _Arguments:
    """What an argument list gives; the pairs of a hash without braces that are no keywords count as one."""
    if listed is None:
        return _Arguments()
    positional: list[Node] = []
    keywords: list[tuple[str, Node]] = []
    splat, block = False, None
    for argument in listed.named_children:
        if argument.type == "pair":
            key = argument.child_by_field_name("key")
            name = literal(key)
            if name is None or (key is not None and key.type == "string" and "=>" in text(argument)):
                if not any(p.type == "pair" for p in positional):
                    positional.append(argument)
            else:
                keywords.append((name, argument.child_by_field_name("value") or argument))
        elif argument.type in ("splat_argument", "hash_splat_argument", "forward_argument"):
            splat = True
        elif argument.type == "block_argument":
            block = argument
        elif argument.type not in ("comment", "heredoc_body"):
            positional.append(argument)
    return _Arguments(tuple(positional), tuple(keywords), splat, block)


def _start(node: Node) -> int:
    return node.start_byte


def _call_order(call: Call) -> tuple[int, int]:
    return call.node.start_byte, -call.node.end_byte


def _ruby_of_erb(source: str) -> bytes:
    """An ERB template with everything but its code blanked: lines and columns stay."""
    raw = source.encode()
    kept = bytearray(_NOT_BREAKS.sub(b" ", raw))
    for node in descendants(_template_parser().parse(raw).root_node, "code"):
        kept[node.start_byte : node.end_byte] = raw[node.start_byte : node.end_byte]
        if node.end_byte < len(kept) and kept[node.end_byte] == 0x20:
            kept[node.end_byte] = ord(";")
    return bytes(kept)
