"""Where a front-end library comes from: gem, importmap pin, npm package, vendored file or CDN."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from runner.core.records import Location
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.gemfile import Gemfile
from runner.probes.kit.ruby.syntax import literal

_PAGES = ("app/views/*", "app/components/*", "public/*.html", "app/javascript/*.js")
_VENDORED = ("vendor/*.js", "app/javascript/*.js", "app/assets/*.js", "public/*.js", "lib/assets/*.js")
_LEAST_SIZE = 10_000


@dataclass(frozen=True)
class Source:
    """How a library gets into the application, and where that is written."""

    via: str
    where: Location


@dataclass(frozen=True)
class Library:
    """A part of Hotwire; `inside` is a word that its own code holds."""

    name: str
    gems: tuple[str, ...]
    inside: str


TURBO = Library("turbo", ("turbo-rails", "hotwire-rails"), "turbo-frame")
STIMULUS = Library("stimulus", ("stimulus-rails", "hotwire-rails"), "data-controller")


def source_of(app: Application, gemfile: Gemfile | None, library: Library) -> Source | None:
    """How the library gets in, None if it does not."""
    gem = gemfile.find(*library.gems) if gemfile else None
    ways = (
        ("gem", gem.location if gem is not None and gem.at_run_time else None),
        ("importmap", _pinned(app, library.name)),
        ("npm", npm_package(app, rf"@hotwired/{library.name}(?:-rails)?")),
        ("vendored", _vendored(app, library)),
        ("cdn", _linked(app, library.name)),
    )
    return next((Source(via, where) for via, where in ways if where is not None), None)


def _pinned(app: Application, name: str) -> Location | None:
    pins = [
        c for file in app.ruby("config/importmap.rb") for c in file.calls if c.name == "pin" and c.positional
    ]
    wanted = re.compile(rf"@hotwired/{name}(?:-rails)?$")
    return next((c.location for c in pins if wanted.match(literal(c.positional[0]) or "")), None)


def npm_package(app: Application, pattern: str) -> Location | None:
    """Where package.json asks for a package whose name matches."""
    source = app.text("package.json")
    try:
        package = json.loads(source) if source else {}
    except (ValueError, RecursionError):
        return None
    wanted = re.compile(pattern)
    for section in ("dependencies", "devDependencies"):
        names = package.get(section) if isinstance(package, dict) else None
        for name in names if isinstance(names, dict) else ():
            if wanted.fullmatch(str(name)):
                return next(iter(app.matches(re.compile(re.escape(f'"{name}"')), "package.json")), None)
    return None


def _vendored(app: Application, library: Library) -> Location | None:
    """A file that is the library itself, known by its name and by what it defines."""
    for path in app.glob(*_VENDORED):
        source = app.tree.text(path) if library.name in path.rpartition("/")[2] else None
        if source is not None and len(source) > _LEAST_SIZE and library.inside in source:
            return Location(path=path)
    return None


def _linked(app: Application, name: str) -> Location | None:
    """A link to a CDN, or an inline import map's entry."""
    link = re.compile(
        rf"https?://[^\"'\s]*(?:@hotwired/{name}|/{name}(?:@[\w.]+)?(?:\.umd|\.es2017\S*?)?(?:\.min)?\.js)|[\"']@hotwired/{name}[\"']\s*:"
    )
    return next(iter(app.matches(link, *_PAGES)), None)
