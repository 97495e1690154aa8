"""Methods whose body stands in the application more than once, whatever its local variables are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tree_sitter import Node

from runner.probes.kit.ruby.classes import Method
from runner.probes.kit.ruby.syntax import ASSIGNMENTS, descendants, text

LEAST_LINES = 5
_LEAST_TOKENS = 30
_QUOTES = ('"', "'")


def copied(methods: Iterable[Method]) -> list[list[Method]]:
    """Groups of methods with the same body of some size, each in source order; constructors do not count."""
    alike: dict[tuple[int, str], list[Method]] = {}
    for method in methods:
        if method.name != "initialize" and code_lines(method) >= LEAST_LINES:
            alike.setdefault(_shape(method), []).append(method)
    groups: dict[tuple[str, ...], list[Method]] = {}
    for method in (m for several in alike.values() if len(several) > 1 for m in several):
        body = tuple(_tokens(method))
        if len(body) >= _LEAST_TOKENS:
            groups.setdefault(body, []).append(method)
    found = [group for group in groups.values() if len(group) > 1]
    return sorted(found, key=lambda group: (group[0].file.path, group[0].node.start_byte))


def _shape(method: Method) -> tuple[int, str]:
    """What bodies of the same tokens have in common and is quickly told: size as a tree, first statement."""
    body = method.node.child_by_field_name("body")
    if body is None:
        return 0, ""
    comments = len(method.file.within(body, "comment"))
    return body.descendant_count - comments, method.body[0].type if method.body else ""


def code_lines(method: Method) -> int:
    """Lines of code in a method's body, without blank ones and comments."""
    first, last = method.node.start_point[0] + 1, method.node.end_point[0]
    inner = (line.strip() for line in method.file.lines[first:last])
    return sum(bool(line) and not line.startswith("#") for line in inner)


def _tokens(method: Method) -> Iterator[str]:
    """The body's tokens; a local variable by the order in which it first comes up."""
    local, numbers = _locals(method), dict[str, int]()
    stack = [body] if (body := method.node.child_by_field_name("body")) is not None else []
    while stack:
        node = stack.pop()
        if node.type == "comment":
            continue
        if node.children:
            stack.extend(reversed(node.children))
            continue
        written = text(node)
        if node.type == "identifier" and written in local:
            yield f"local {numbers.setdefault(written, len(numbers))}"
        elif written.strip():
            yield "quote" if written in _QUOTES else written


def _locals(method: Method) -> set[str]:
    """Names of its parameters, its variables and its blocks' parameters."""
    names = {parameter.name for parameter in method.parameters}
    for node in descendants(method.node, *ASSIGNMENTS, "block_parameters", "exception_variable"):
        names.update(text(part) for part in _named(node) if part.type == "identifier")
    return names


def _named(node: Node) -> list[Node]:
    if node.type in ASSIGNMENTS:
        left = node.child_by_field_name("left")
        return [] if left is None else [left, *left.named_children] if "list" in left.type else [left]
    return node.named_children
