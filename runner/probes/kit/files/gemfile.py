"""What a Gemfile asks for: gems with their groups, and the version of Ruby."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.files.application import Application
from runner.probes.kit.ruby.syntax import BLOCKS, Call, RubyFile, descendants, literal, text

NAMES = ("Gemfile", "gems.rb")
_SPEC_CALLS = ("add_dependency", "add_runtime_dependency", "add_development_dependency")
_LOCKED = re.compile(r"^DEPENDENCIES\n((?:  .*\n?)*)", re.MULTILINE)


@dataclass(frozen=True)
class Gem:
    """One gem that is asked for. No groups means all of them."""

    name: str
    groups: frozenset[str]
    location: Location

    @property
    def at_run_time(self) -> bool:
        """Whether production loads it."""
        return not self.groups or bool(self.groups & {"default", "production"})


@dataclass(frozen=True)
class Gemfile:
    """A Gemfile with all it draws in: gemspecs and evaluated Gemfiles."""

    path: str
    gems: tuple[Gem, ...]
    ruby: str | None

    def find(self, *names: str) -> Gem | None:
        """The first of these gems that it asks for."""
        return next((gem for gem in self.gems if gem.name in names), None)

    def starting(self, *prefixes: str) -> Gem | None:
        """The first gem whose name starts with one of these."""
        return next((gem for gem in self.gems if gem.name.startswith(prefixes)), None)


def read(app: Application) -> Gemfile | None:
    """The application's Gemfile, None if there is none."""
    path = next((p for name in NAMES if (p := app.folder + name) in app.tree), None)
    return None if path is None else read_path(app, path)


def read_path(app: Application, path: str) -> Gemfile | None:
    """The Gemfile at a path of the tree."""
    file = app.parsed(path)
    if file is None:
        return None
    gems = _gems(app, file, {path})
    if any(call.name == "gem" and _names(file, call) == [] for call in _calls(file)):
        gems += _locked(app, path)
    return Gemfile(path, tuple(gems), _ruby(file))


def _calls(file: RubyFile) -> list[Call]:
    return [call for call in file.calls if call.receiver is None]


def _gems(app: Application, file: RubyFile, seen: set[str]) -> list[Gem]:
    folder = file.path.rpartition("/")[0]
    found = []
    for call in _calls(file):
        if call.name == "gem":
            found += [Gem(name, _groups(file, call), call.location) for name in _names(file, call)]
        elif call.name == "eval_gemfile" and call.positional:
            path = "/".join(filter(None, (folder, literal(call.positional[0]))))
            other = app.parsed(path) if path not in seen else None
            seen.add(path)
            found += _gems(app, other, seen) if other is not None else []
    if any(text(node) == "gemspec" for node in file.of("identifier")):
        found += _of_gemspecs(app, folder)
    return found


def _of_gemspecs(app: Application, folder: str) -> list[Gem]:
    paths = [p for p in app.paths if p.endswith(".gemspec") and p.rpartition("/")[0] == folder]
    files = [file for path in paths if (file := app.parsed(path)) is not None]
    return [
        Gem(name, frozenset(), call.location)
        for file in files
        for call in file.calls
        if call.name in _SPEC_CALLS and call.positional and (name := literal(call.positional[0]))
    ]


def _names(file: RubyFile, call: Call) -> list[str]:
    """The literal name; for `%w[a b].each { |name| gem name }` all of the list's."""
    if not call.positional:
        return []
    name = literal(call.positional[0])
    if name is not None:
        return [name]
    block = file.enclosing(call.node, *BLOCKS)
    loop = file.parent(block) if block is not None else None
    listed = loop.child_by_field_name("receiver") if loop is not None else None
    if listed is None or listed.type not in ("string_array", "array"):
        return []
    return [value for node in listed.named_children if (value := literal(node)) is not None]


def _groups(file: RubyFile, call: Call) -> frozenset[str]:
    found = _symbols(call.keyword("group")) | _symbols(call.keyword("groups"))
    for outer in file.ancestors(call.node):
        around = file.call(outer) if outer.type == "call" else None
        if around is not None and around.name == "group":
            found |= {name for node in around.positional for name in _symbols(node)}
    return frozenset(found)


def _symbols(node: Node | None) -> set[str]:
    if node is None:
        return set()
    return {value for part in descendants(node) if (value := literal(part)) is not None}


def _ruby(file: RubyFile) -> str | None:
    call = next((c for c in _calls(file) if c.name == "ruby" and c.positional), None)
    return None if call is None else literal(call.positional[0])


def _locked(app: Application, path: str) -> list[Gem]:
    """What the lock file says was asked for, when the Gemfile computes names."""
    lock = "gems.locked" if path.endswith("gems.rb") else f"{path}.lock"
    listed = _LOCKED.search((app.tree.text(lock) or "") + "\n")
    names = (
        [line.split()[0].rstrip("!") for line in listed.group(1).splitlines() if line.strip()]
        if listed
        else []
    )
    return [Gem(name, frozenset(), Location(path=lock)) for name in names]
