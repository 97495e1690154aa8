"""Reading YAML files people wrote: bounded, unambiguous, and with errors that name file, line and field."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from runner.core.errors import SpecError
from runner.core.records import Record

MAX_BYTES = 1_000_000
MAX_ERRORS = 10

AnyRecord = TypeVar("AnyRecord", bound=Record)

_PLAIN_WORDS = {"extra_forbidden": "unknown field", "missing": "is missing"}


class _StrictLoader(yaml.SafeLoader):
    """Plain data only: every key a string and given once, no aliases (they can blow up or loop)."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.current_event.start_mark
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise _fault(key_node, f"key {key!r} is not a string; put it in quotes")
            if key in seen:
                raise _fault(key_node, f"key {key!r} is given twice")
            seen.add(key)
        return super().construct_mapping(node, deep)


def _fault(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def read_document(path: Path) -> dict[str, Any]:
    """The mapping a YAML file holds, at most 1 MB. Raises SpecError naming file and line."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"{path}: is larger than {MAX_BYTES // 1000} kB")
    document = _load(data, path)
    if not isinstance(document, dict):
        raise SpecError(f"{path}: should be a mapping of fields, but is {_kind(document)}")
    return document


def _load(data: bytes, path: Path) -> Any:
    try:
        return yaml.load(data, _StrictLoader)
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise SpecError(f"{path}: {place}{error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: is not a YAML text: {error}") from error
    except (RecursionError, ValueError) as error:
        # ValueError: YAML reads 2026-13-45 or a huge number as a scalar that Python then refuses.
        reason = "is nested too deeply" if isinstance(error, RecursionError) else f"has a bad value: {error}"
        raise SpecError(f"{path}: {reason}") from error


def _kind(document: object) -> str:
    if document is None:
        return "empty"
    return "a list" if isinstance(document, list) else f"a {type(document).__name__}"


def parse(record_type: type[AnyRecord], data: object, path: Path) -> AnyRecord:
    """The record `data` describes. Raises SpecError with one line per wrong field: `file: a.b[0]: why`."""
    try:
        return record_type.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        # pydantic calls a list too short when its only item is wrong: the item's own fault says it better.
        parents = {f["loc"][:depth] for f in faults for depth in range(len(f["loc"]))}
        lines = [
            f"{path}: {_field_path(f['loc'])}{_reason(f['type'], f['msg'])}"
            for f in faults
            if f["loc"] not in parents
        ]
        if len(lines) > MAX_ERRORS:
            lines[MAX_ERRORS:] = [f"{path}: and {len(lines) - MAX_ERRORS} more"]
        raise SpecError("\n".join(lines)) from error


def refuse(faults: Sequence[str], source: str | Path) -> None:
    """Raise SpecError if there are faults, one line each; `source` is the file they are in."""
    if faults:
        raise SpecError("\n".join(f"{source}: {fault}" for fault in faults))


def did_you_mean(name: str, known: Collection[str]) -> str:
    """A hint at the nearest known name, or nothing."""
    near = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _field_path(location: Sequence[int | str]) -> str:
    """`dimensions[1].when: `, or nothing for the record as a whole."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"{path.removeprefix('.')}: " if path else ""


def _reason(kind: str, message: str) -> str:
    plain = _PLAIN_WORDS.get(kind, message.removeprefix("Value error, "))
    return plain[:1].lower() + plain[1:]
