"""How an app is recognised, installed, started and tested: data, one file in start/ for each kind of app."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from runner.core.tree import SourceTree

AUTHORITY = "/home/agent/lab-authority.pem"
_START = Path(__file__).with_name("start")
_ORDER = ("rails", "node", "python")  # an app of one kind often has files of the next
_IGNORED = re.compile(r"(^|/)(node_modules|vendor|test|spec|tmp|fixtures)/")


@dataclass(frozen=True)
class Command:
    """A command in the app's folder; `needs` is a file without which it is not for this app.

    `says` is what must stand in that file. `instead`: also tried where the commands before it end at once.
    """

    argv: tuple[str, ...]
    needs: str | None = None
    says: re.Pattern[str] | None = None
    instead: bool = False

    def suits(self, tree: SourceTree, folder: str) -> bool:
        """Whether it is for the app in this folder."""
        if self.needs is None:
            return True
        path = folder + self.needs
        return path in tree and (self.says is None or bool(self.says.search(tree.text(path) or "")))


@dataclass(frozen=True)
class Attempt:
    """One try to satisfy the app's dependencies offline; `env` then stays for every later command.

    `note` says what was changed in the lab's copy, so that findings can tell; `alters` whether the app may
    run otherwise for it.
    """

    argv: tuple[str, ...]
    note: str = ""
    alters: bool = False
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Install:
    """Tries in order; then how their output names the culprit.

    `broken` matches what the repository itself got wrong, `missing` (group 1: its name) what the image
    does not have.
    """

    attempts: tuple[Attempt, ...]
    broken: re.Pattern[str]
    missing: tuple[re.Pattern[str], ...]


@dataclass(frozen=True)
class Suite:
    """A test suite: its files, its command and how its output is read.

    `summary` has named groups (`runs`, `failures`, ... all counts); `failed` names a failing test as
    (`test`, and where known `path` and `line`).
    """

    id: str
    files: re.Pattern[str]
    commands: tuple[Command, ...]
    prepare: tuple[Command, ...]
    summary: re.Pattern[str]
    failed: re.Pattern[str]
    browser_files: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Mark:
    """A file of the app's root by which its kind is known; `says` must stand in it."""

    file: str
    says: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Mode:
    """Development or production: what the environment says, and what is done before the start."""

    env: Mapping[str, str] = field(default_factory=dict)
    prepare: tuple[Command, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """One kind of app. `marks` are files of its root; `stock_page` is its generator's own page.

    `keys` are the variables that hold a provider's key, `worker` is a part of the command line of the
    processes that serve requests.
    """

    id: str
    marks: tuple[Mark, ...]
    install: Install
    prepare: tuple[Command, ...]
    start: tuple[Command, ...]
    port: int
    env: Mapping[str, str]
    modes: Mapping[str, Mode]
    keys: tuple[str, ...]
    worker: str
    stock_page: re.Pattern[str]
    suites: tuple[Suite, ...]


@dataclass(frozen=True)
class App:
    """A recipe found in a tree; `folder` is empty or ends with a slash."""

    recipe: Recipe
    folder: str

    def command(self, tree: SourceTree, commands: tuple[Command, ...]) -> Command | None:
        """The first command that is for this app."""
        return next(iter(self.commands(tree, commands)), None)

    def commands(self, tree: SourceTree, commands: tuple[Command, ...]) -> list[Command]:
        """The first command that is for this app, and those to try where it ends at once."""
        found = [command for command in commands if command.suits(tree, self.folder)]
        return [command for place, command in enumerate(found) if not place or command.instead]


@dataclass(frozen=True)
class Start:
    """How the app is started: in which mode, with how many workers, and with a provider's key or without."""

    mode: str = "development"
    workers: int = 1
    keyless: bool = False

    def env(self, recipe: Recipe) -> dict[str, str]:
        """The environment of the app."""
        own = {**recipe.env, **recipe.modes[self.mode].env}
        own |= {"SSL_CERT_FILE": AUTHORITY, "NODE_EXTRA_CA_CERTS": AUTHORITY, "REQUESTS_CA_BUNDLE": AUTHORITY}
        if self.workers > 1:
            own["WEB_CONCURRENCY"] = str(self.workers)
        return {name: value for name, value in own.items() if not (self.keyless and name in recipe.keys)}


AS_USUAL = Start()


def find_app(tree: SourceTree) -> App | None:
    """The app nearest to the repository's root, None when no recipe knows any."""
    found = [
        (place, path.count("/"), path.removesuffix(mark.file), recipe)
        for place, recipe in enumerate(recipes())
        for mark in recipe.marks
        for path in tree
        if (path == mark.file or path.endswith("/" + mark.file)) and not _IGNORED.search(path)
        if mark.says is None or mark.says.search(tree.text(path) or "")
    ]
    if not found:
        return None
    _, _, folder, recipe = min(found, key=lambda item: item[:3])
    return App(recipe, folder)


@cache
def recipes() -> tuple[Recipe, ...]:
    """All of them; an app is of the first kind that knows it."""
    return tuple(_recipe(yaml.safe_load((_START / f"{name}.yaml").read_text("utf-8"))) for name in _ORDER)


def _recipe(told: dict[str, Any]) -> Recipe:
    install = told.pop("install")
    return Recipe(
        **told
        | {
            "marks": tuple(Mark(mark["file"], _pattern(mark.get("says"))) for mark in told["marks"]),
            "keys": tuple(told["keys"]),
            "modes": {name: _mode(mode) for name, mode in told["modes"].items()},
            "prepare": _commands(told["prepare"]),
            "start": _commands(told["start"]),
            "stock_page": re.compile(told["stock_page"]),
            "suites": tuple(_suite(suite) for suite in told["suites"]),
        },
        install=Install(
            attempts=tuple(Attempt(_argv(attempt), **attempt) for attempt in install["attempts"]),
            broken=re.compile(install["broken"], re.M),
            missing=tuple(re.compile(pattern, re.M) for pattern in install["missing"]),
        ),
    )


def _suite(told: dict[str, Any]) -> Suite:
    return Suite(
        id=told["id"],
        files=re.compile(told["files"]),
        commands=_commands(told["commands"]),
        prepare=_commands(told["prepare"]),
        summary=re.compile(told["summary"], re.M),
        failed=re.compile(told["failed"], re.M),
        browser_files=_pattern(told.get("browser_files")),
    )


def _mode(told: dict[str, Any]) -> Mode:
    return Mode(told["env"], _commands(told.get("prepare", [])))


def _commands(told: list[dict[str, Any]]) -> tuple[Command, ...]:
    return tuple(
        Command(_argv(c.copy()), c.get("needs"), _pattern(c.get("says")), c.get("instead", False))
        for c in told
    )


def _argv(told: dict[str, Any]) -> tuple[str, ...]:
    """Takes the command out of its entry: `argv`, or `sh`, a script."""
    return ("sh", "-c", told.pop("sh")) if "sh" in told else tuple(told.pop("argv"))


def _pattern(told: str | None) -> re.Pattern[str] | None:
    return re.compile(told) if told else None
