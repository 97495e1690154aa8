"""Exception handlers that hide errors."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_EVERYTHING = {"Exception", "BaseException"}


def swallowing(nodes: Iterable[ast.AST]) -> Iterator[int]:
    """The line of each handler that catches everything and drops it, or that catches even Ctrl-C for good."""
    for node in nodes:
        if isinstance(node, ast.ExceptHandler):
            hides = _does_nothing(node.body) or (node.type is None and not _raises(node))
            if hides and _catches_all(node.type):
                yield node.lineno
        elif isinstance(node, ast.Call) and _name(node.func) == "suppress":
            yield from [node.lineno] if any(_name(argument) in _EVERYTHING for argument in node.args) else []


def _catches_all(caught: ast.expr | None) -> bool:
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(kind is None or _name(kind) in _EVERYTHING for kind in kinds)


def _does_nothing(body: list[ast.stmt]) -> bool:
    return all(
        isinstance(statement, ast.Pass | ast.Continue)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in body
    )


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for node in ast.walk(handler))


def _name(node: ast.expr | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
