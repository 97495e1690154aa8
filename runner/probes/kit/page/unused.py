"""Partials that nothing renders and Stimulus controllers that nothing connects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from runner.core.records import Location
from runner.probes.kit.files.application import Application
from runner.probes.kit.page import javascript, markup, stimulus
from runner.probes.kit.ruby.syntax import Call, RubyFile, descendants, literal, text
from runner.probes.kit.ruby.unused import Unused

_PARTIAL = re.compile(r"app/views/(?:(.+)/)?_([\w-]+)\.[\w.+-]+$")
_OF_GEMS = re.compile(
    r"(?:^|/)(?:kaminari|pagy|devise|doorkeeper|active_storage|action_text|administrate|application|madmin|pwa|blobs|fields"
    r"|layouts/action_text|mailer)(?:/|$)"
)
_QUOTED = re.compile(r"[\"'`:]([\w/.-]+)")
_OTHER_TEMPLATES = (
    *("app/*.haml", "app/*.slim", "app/*.jbuilder", "app/*.builder", "app/*.js", "app/*.ts"),
    *("app/*.jsx", "app/*.tsx", "lib/*.haml", "lib/*.slim"),
)
_MAX_CHARS = 300_000
_RENDERS = re.compile(r"render\w*$|broadcast\w*$|(?:append|prepend|replace|update|before|after)(?:_all)?$")
_NAMING = re.compile(r"partial|template|component|view|path|name|kind|type|params")
_MADE_NAME = re.compile(r"data-controller\s*=\s*[\"'][^\"']*(?:<%=|#\{)")
_REGISTERING = ("register", "import", "lazyLoadControllersFrom", "eagerLoadControllersFrom")


class Pages:
    """What an application's templates and scripts name."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._ruby = app.ruby("app/*", "lib/*", "config/*", "test/*", "spec/*")
        self._renders = [c for file in self._ruby for c in file.calls if _RENDERS.match(c.name)]
        self._scripts = javascript.own_scripts(app)

    def unused(self) -> list[Unused]:
        """Partials and Stimulus controllers, in the order of files."""
        return [*self._partials(), *self._controllers()]

    def _partials(self) -> Iterator[Unused]:
        for path in self._app.glob("app/views/*"):
            match = _PARTIAL.search(path)
            if match is None or _OF_GEMS.search(match.group(1) or ""):
                continue
            folder, name = match.group(1) or "", match.group(2)
            if not self._is_rendered(path, folder, name):
                yield Unused(f"partial {folder}/_{name}", Location(path=path), not self._renders_by_variable)

    def _is_rendered(self, path: str, folder: str, name: str) -> bool:
        """By its name in a string, by a pattern with something put in, or as what an object stands for."""
        if _elsewhere(self._named.get(name), path) or any(p.fullmatch(name) for p in self._patterns):
            return True
        return _is_of_object(folder, name) and self._draws_objects

    @cached_property
    def _named(self) -> dict[str, set[str]]:
        """The last part of every path or word in quotes, with the files it stands in."""
        found: dict[str, set[str]] = {}
        for file in self._ruby:
            symbols = (
                text(n) for n in file.of("simple_symbol", "hash_key_symbol", "bare_string", "bare_symbol")
            )
            for written in (*(value for value, _ in file.strings), *symbols):
                found.setdefault(_last(written), set()).add(file.path)
        for path in self._app.glob(*_OTHER_TEMPLATES):
            for written in _QUOTED.findall((self._app.tree.text(path) or "")[:_MAX_CHARS]):
                found.setdefault(_last(written), set()).add(path)
        return found

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        """Names with something put in: `"messages/#{role}_message"`; one that is all hole matches none."""
        found: dict[str, re.Pattern[str]] = {}
        for file in self._ruby:
            for node in file.of("string"):
                parts = node.named_children
                if any(part.type == "interpolation" for part in parts):
                    made = "".join("\0" if p.type == "interpolation" else text(p) for p in parts)
                    last = made.rpartition("/")[2]
                    if last.strip("\0") and len(last) < 100:
                        found[last] = re.compile(r"[\w-]+".join(map(re.escape, last.split("\0"))))
        return list(found.values())

    @cached_property
    def _draws_objects(self) -> bool:
        """Whether Rails may find a partial by an object: `render @messages`, a broadcast, a haml template."""
        if self._app.glob("app/views/*.haml", "app/views/*.slim", "app/views/*.jbuilder"):
            return True
        broadcasts = (c for file in self._ruby for c in file.calls if c.name.startswith("broadcast"))
        return any(True for _ in broadcasts) or any(_gives_object(call) for call in self._renders)

    @cached_property
    def _renders_by_variable(self) -> bool:
        """Whether a partial's name is made at run time in a way that tells nothing of it."""
        return any(_is_open(call) for call in self._renders) or bool(
            self._app.glob("app/views/*.haml", "app/views/*.slim")
        )

    def _controllers(self) -> Iterator[Unused]:
        """Those that no markup names, if another one is connected: with none, Stimulus is not used at all."""
        all_of_them = stimulus.controllers(self._scripts)
        connected = markup.stimulus_names(self._app)
        if not any(c.name in connected for c in all_of_them):
            return
        places: dict[Location, list[str]] = {}
        for controller in all_of_them:
            places.setdefault(controller.where, []).append(controller.name)
        for where, names in places.items():
            named = any(n in connected or self._is_named(n, where.path) for n in names)
            if not named and stimulus.stem(where.path) not in self._extended:
                yield Unused(f"Stimulus controller {names[0]}", where, not self._made_names)

    def _is_named(self, name: str, path: str) -> bool:
        """Whether Ruby or another script has it in a string: `controller: "chat"`, `setAttribute(...)`."""
        return _elsewhere(self._words.get(name), path)

    @cached_property
    def _words(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for file in self._ruby:
            for word in _words_of(file):
                found.setdefault(word, set()).add(file.path)
        for script in self._scripts:
            registered = {
                part.id
                for name, call in script.calls
                if name in _REGISTERING
                for part in descendants(call, "string")
            }
            for node in script.of("string", "template_string"):
                if node.id not in registered:
                    for word in text(node).strip("\"'`").split():
                        found.setdefault(word, set()).add(script.path)
        return found

    @cached_property
    def _extended(self) -> set[str]:
        return stimulus.extended(self._scripts)

    @cached_property
    def _made_names(self) -> bool:
        pages = self._app.glob("app/views/*", "app/components/*", "app/helpers/*")
        return any(
            _MADE_NAME.search((self._app.tree.text(path) or "")[:_MAX_CHARS]) for path in pages
        ) or any(_gives_made_controller(call) for file in self._ruby for call in file.calls)


def _elsewhere(paths: set[str] | None, path: str) -> bool:
    """Whether one of these files is another one; no set is copied, a name may stand in thousands."""
    return paths is not None and (len(paths) > 1 or path not in paths)


def _last(written: str) -> str:
    return written.lstrip(":").strip("\"'").rpartition("/")[2].partition(".")[0].removeprefix("_")


def _words_of(file: RubyFile) -> Iterator[str]:
    for value, _ in file.strings:
        yield from value.split()
    for node in file.of("simple_symbol", "bare_string", "bare_symbol"):
        yield text(node).lstrip(":")


def _is_of_object(folder: str, name: str) -> bool:
    """Whether `render message` finds it: the partial of a folder that is its plural."""
    last = folder.rpartition("/")[2]
    return last == name or last.startswith(name[:-1])


def _gives_object(call: Call) -> bool:
    first = next(iter(call.positional), None)
    given = [first, call.keyword("partial"), call.keyword("collection"), call.keyword("object")]
    return any(node is not None and literal(node) is None and node.type != "hash" for node in given)


def _is_open(call: Call) -> bool:
    """`render partial: x`, `render partial_for(x)`, `render "#{kind}"`; not `render message`."""
    partial, first = call.keyword("partial"), next(iter(call.positional), None)
    if partial is not None and partial.type not in ("string", "simple_symbol"):
        return True
    named = partial if partial is not None else first
    if named is None or not call.name.startswith("render"):
        return False
    if named.type == "string":
        return literal(named) is None and not re.sub(r"#\{[^{}]*\}", "", text(named)).rpartition("/")[
            2
        ].strip("\"'")
    return literal(named) is None and _NAMING.search(text(named)) is not None


def _gives_made_controller(call: Call) -> bool:
    """`data: { controller: x }` with a name that no string tells."""
    for pair in (n for key, v in call.keywords if key == "data" for n in descendants(v, "pair")):
        if text(pair.child_by_field_name("key")).strip("\"':") == "controller":
            value = pair.child_by_field_name("value")
            if value is not None and not any(True for _ in descendants(value, "string_content")):
                return True
    return False
