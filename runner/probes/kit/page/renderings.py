"""Where partials are rendered, by name or as what an object stands for: indexed, one look-up is cheap."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.ruby.syntax import Call, RubyFile, literal, text

_RENDERING = re.compile(r"render\w*$|broadcast\w*$|(?:append|prepend|replace|update|before|after)(?:_all)?$")
_Order = tuple[int, int, int]
_Place = tuple[_Order, RubyFile, Node | Call]


class Renderings:
    """The rendering calls and the strings of some files, by what they name; the first place of each."""

    def __init__(self, files: Iterable[RubyFile]) -> None:
        self._named: dict[str, _Place] = {}
        self._objects: dict[str, _Place] = {}
        self._written: dict[str, list[_Place]] = {}
        for index, file in enumerate(files):
            for number, call in enumerate(c for c in file.calls if _RENDERING.match(c.name)):
                self._add_call(((index, 0, number), file, call), call)
            for number, (value, node) in enumerate(file.strings):
                self._add_string(((index, 1, number), file, node), value)

    def _add_call(self, place: _Place, call: Call) -> None:
        for value in map(literal, (*call.positional, call.keyword("partial"))):
            if value:
                self._named.setdefault(value, place)
        if call.positional and call.name == "render":
            last = text(call.positional[0]).rpartition(".")[2].lstrip("@")
            self._objects.setdefault(last, place)

    def _add_string(self, place: _Place, value: str) -> None:
        """Of two files: a partial may hold its own name."""
        known = self._written.setdefault(value, [])
        if len(known) < 2 and all(file is not place[1] for _, file, _ in known):
            known.append(place)

    def of(self, folder: str, name: str, path: str) -> Location | None:
        """Where `<folder>/_<name>`, the file at `path`, is first rendered or named; None if nowhere."""
        last, whole = folder.rpartition("/")[2], f"{folder}/{name}"
        found = [self._named[n] for n in (name, whole) if n in self._named]
        if last.startswith(name[:-1]):  # `render @messages`, `render(chat.message)`: messages/_message
            found += [self._objects[n] for n in (last, name) if n in self._objects]
        found += [place for place in self._written.get(whole, []) if place[1].path != path]
        if not found:
            return None
        _, file, where = min(found, key=lambda place: place[0])
        return where.location if isinstance(where, Call) else file.location(where)
