"""TOML as a Harbor `task.toml` needs it: tables, lists of tables, strings, numbers, booleans and lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(document: Mapping[str, Any]) -> str:
    """The document, plain values first; lists of tables as `[[name]]`; None is left out."""
    return "\n".join(_lines(document, "")).lstrip("\n") + "\n"


def _lines(table: Mapping[str, Any], path: str) -> Iterator[str]:
    known = {name: value for name, value in table.items() if value is not None}
    for name, value in known.items():
        if not _is_table(value):
            yield f"{_key(name)} = {_value(value)}"
    for name, value in known.items():
        here = f"{path}{_key(name)}"
        if isinstance(value, Mapping):
            yield from ("", f"[{here}]", *_lines(value, f"{here}."))
        elif _is_table(value):
            for each in value:
                yield from ("", f"[[{here}]]", *_lines(each, f"{here}."))


def _is_table(value: Any) -> bool:
    is_list = isinstance(value, list | tuple) and bool(value)
    return isinstance(value, Mapping) or (is_list and all(isinstance(each, Mapping) for each in value))


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    """JSON's strings are TOML's, but for the control character that JSON lets stand."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
