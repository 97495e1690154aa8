"""YAML of a produced repository as plain data: no object is built, no alias explodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

_MAX_CHARS = 256_000
_MAX_WEIGHT = 100_000
_MAX_DEPTH = 100


class BrokenYaml(Exception):
    """The text is not YAML that can be read; `line` is where, if known."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


class _PlainLoader(yaml.SafeLoader):
    """Safe, and unknown tags (`!reset`, `!reference`) become their plain content.

    Brackets in brackets are bounded: the scanner's time grows with the square of their depth.
    """

    def fetch_flow_collection_start(self, TokenClass: type[yaml.Token]) -> None:
        if self.flow_level >= _MAX_DEPTH:
            raise yaml.YAMLError("nested too deeply")
        super().fetch_flow_collection_start(TokenClass)


def _plain(loader: _PlainLoader, suffix: str, node: yaml.Node) -> Any:
    del suffix
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


_PlainLoader.add_multi_constructor("", _plain)


def load(text: str) -> Any:
    """The first document as dicts, lists and scalars. Raises BrokenYaml."""
    if len(text) > _MAX_CHARS:
        raise BrokenYaml(f"longer than {_MAX_CHARS} characters")
    try:
        loader = _PlainLoader(text)  # which looks for characters that no YAML has
    except yaml.YAMLError as error:
        raise BrokenYaml(str(error).splitlines()[0]) from error
    try:
        node = next(_documents(loader), None)
        if node is None:
            return None
        _weigh(node, {})
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BrokenYaml(error.problem or "not YAML", mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BrokenYaml(str(error).splitlines()[0] if str(error) else "nested too deeply") from error
    finally:
        loader.dispose()


def _documents(loader: _PlainLoader) -> Iterator[yaml.Node]:
    while loader.check_node():
        node = loader.get_node()
        if node is not None:
            yield node


def _weigh(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes there are with every alias written out; raises ValueError when too many."""
    if id(node) in known:
        if known[id(node)] < 0:
            raise ValueError("an alias contains itself")
        return known[id(node)]
    known[id(node)] = -1
    children: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        children = node.value
    elif isinstance(node, yaml.MappingNode):
        children = [part for pair in node.value for part in pair]
    weight = 1 + sum(_weigh(child, known) for child in children)
    if weight > _MAX_WEIGHT:
        raise ValueError("its aliases expand to too much")
    known[id(node)] = weight
    return weight


def mapping(value: Any) -> dict[str, Any]:
    """A mapping with its keys as text; {} for anything else."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}
