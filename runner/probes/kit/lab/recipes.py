"""How an app is recognised, installed, started and tested: data, one recipe for each kind of app."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.core.tree import SourceTree

_IGNORED = re.compile(r"(^|/)(node_modules|vendor|test|spec|tmp|fixtures)/")


@dataclass(frozen=True)
class Command:
    """A command in the app's folder; `needs` is a file without which it is not for this app."""

    argv: tuple[str, ...]
    needs: str | None = None


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
class Recipe:
    """One kind of app. `marks` are files of its root; `stock_page` is its generator's own page."""

    id: str
    marks: tuple[str, ...]
    install: Install
    prepare: tuple[Command, ...]
    start: tuple[Command, ...]
    port: int
    env: Mapping[str, str]
    stock_page: re.Pattern[str]
    suites: tuple[Suite, ...]


@dataclass(frozen=True)
class App:
    """A recipe found in a tree; `folder` is empty or ends with a slash."""

    recipe: Recipe
    folder: str

    def command(self, tree: SourceTree, commands: tuple[Command, ...]) -> Command | None:
        """The first command whose file is there."""
        return next((c for c in commands if c.needs is None or self.folder + c.needs in tree), None)


def find_app(tree: SourceTree) -> App | None:
    """The app nearest to the repository's root, None when no recipe knows any."""
    found = [
        (path.count("/"), path.removesuffix(mark), recipe)
        for recipe in RECIPES
        for mark in recipe.marks
        for path in tree
        if (path == mark or path.endswith("/" + mark)) and not _IGNORED.search(path)
    ]
    if not found:
        return None
    _, folder, recipe = min(found, key=lambda item: item[:2])
    return App(recipe, folder)


# Tools of development that an app runs without. An image need not have them all. The commands are never
# loaded by the app, the others are.
_COMMAND_GEMS = (
    "brakeman bundler-audit rubocop-rails-omakase rubocop-minitest rubocop-thread_safety erb_lint foreman "
    "kamal thruster annotate"
)
_LOADED_GEMS = "web-console spring letter_opener pry-rails bullet rack-mini-profiler"


def _leaving_out(gems: str) -> str:
    """A Gemfile that is the app's own without these gems."""
    return f"""
def gem(name, *)
  super unless %w[{gems}].include?(name.to_s)
end
eval_gemfile File.expand_path("Gemfile")
"""


# Settings that the repository carries for Bundler (paths, frozen) are those of another machine.
_BUNDLER = {"BUNDLE_APP_CONFIG": "/home/agent/.bundle"}
_OWN_GEMFILE = {**_BUNDLER, "BUNDLE_GEMFILE": "/home/agent/Gemfile"}
_INSTALL_OWN = 'printf %s "$0" > "$BUNDLE_GEMFILE" && exec bundle install --local'

# Compiled assets are seldom committed; the image's Node packages stand in for those of the app.
_NODE_BUILD = Command(
    (
        *("sh", "-c"),
        '[ -e node_modules ] || ln -s "$NODE_PATH" node_modules; '
        "npm run --if-present build; npm run --if-present build:css",
    ),
    "package.json",
)

RAILS = Recipe(
    id="rails",
    marks=("config/application.rb",),
    install=Install(
        attempts=(
            Attempt(("bundle", "check"), env=_BUNDLER),
            Attempt(("bundle", "install", "--local"), env=_BUNDLER),
            Attempt(
                (
                    *("sh", "-c", f'cp Gemfile.lock "$BUNDLE_GEMFILE.lock"; {_INSTALL_OWN}'),
                    _leaving_out(_COMMAND_GEMS),
                ),
                "without gems of command-line tools",
                env=_OWN_GEMFILE,
            ),
            Attempt(
                ("sh", "-c", "rm -f Gemfile.lock && exec bundle install --local"),
                "the image's gem versions in place of those in Gemfile.lock",
                alters=True,
                env=_BUNDLER,
            ),
            Attempt(
                (
                    *("sh", "-c", f'rm -f "$BUNDLE_GEMFILE.lock"; {_INSTALL_OWN}'),
                    _leaving_out(f"{_COMMAND_GEMS} {_LOADED_GEMS}"),
                ),
                "without gems of development tools, and the image's gem versions",
                alters=True,
                env=_OWN_GEMFILE,
            ),
        ),
        broken=re.compile(
            r"^.*(?:There was an error parsing|Undefined local variable or method .* for Gemfile|"
            r"The path .* does not exist|contains merge conflicts|lockfile is unreadable|"
            r"Could not locate Gemfile).*$",
            re.M,
        ),
        missing=(
            re.compile(r"Could not find gem '([^']+)'"),
            re.compile(r"Could not find (\S+) in locally installed gems"),
            re.compile(r"your Gemfile specified (.+)$", re.M),
            re.compile(r"^Fetching (\S+)$", re.M),
            re.compile(r"^\s*\* (\S+)(?: \([\d.]+\))?$", re.M),
        ),
    ),
    prepare=(_NODE_BUILD, Command(("ruby", "bin/rails", "db:prepare"), "config/database.yml")),
    start=(
        Command(
            (
                *("ruby", "bin/rails", "server", "-b", "127.0.0.1", "-p", "3000"),
                *("-P", "/tmp/lab-server.pid"),
            ),
            "bin/rails",
        ),
        Command(("bundle", "exec", "puma", "-b", "tcp://127.0.0.1:3000", "config.ru"), "config.ru"),
    ),
    port=3000,
    env={
        "RAILS_ENV": "development",
        "RACK_ENV": "development",
        "RAILS_LOG_TO_STDOUT": "1",
        "SECRET_KEY_BASE": "5f" * 64,
        "OPENROUTER_API_KEY": "sk-or-v1-dummy-key-of-the-lab",
    },
    stock_page=re.compile(r"<title>Ruby on Rails [\d.]+</title>|Rails version:.*Ruby version:", re.S),
    suites=(
        Suite(
            id="minitest",
            files=re.compile(r"^test/.*(_test|/test_[^/]*)\.rb$"),
            browser_files=re.compile(r"^test/system/"),
            prepare=(
                _NODE_BUILD,
                Command(("ruby", "bin/rails", "db:test:prepare"), "config/database.yml"),
            ),
            commands=(
                Command(("ruby", "bin/rails", "test"), "bin/rails"),
                Command(
                    (
                        *("bundle", "exec", "ruby", "-Itest", "-e"),
                        '(Dir["test/**/*_test.rb"] - Dir["test/system/**/*"]).each { |f| require "./#{f}" }',
                    )
                ),
            ),
            summary=re.compile(
                r"^(?P<runs>\d+) runs, (?P<assertions>\d+) assertions, (?P<failures>\d+) failures, "
                r"(?P<errors>\d+) errors, (?P<skips>\d+) skips",
                re.M,
            ),
            failed=re.compile(
                r"^(?: *\d+\) )?(?:Failure|Error):\n(?P<test>[\w:]+#\S+?)"
                r"(?: \[(?P<path>[^\]:\n]+):(?P<line>\d+)\])?:[ ]*$",
                re.M,
            ),
        ),
        Suite(
            id="rspec",
            files=re.compile(r"^spec/.*_spec\.rb$"),
            browser_files=re.compile(r"^spec/(system|features)/"),
            prepare=(
                _NODE_BUILD,
                Command(("ruby", "bin/rails", "db:test:prepare"), "config/database.yml"),
            ),
            commands=(
                Command(
                    (
                        *("bundle", "exec", "rspec", "--no-color"),
                        *("--exclude-pattern", "spec/{system,features}/**/*_spec.rb"),
                    )
                ),
            ),
            summary=re.compile(
                r"^(?P<runs>\d+) examples?, (?P<failures>\d+) failures?(?:, (?P<skips>\d+) pending)?"
                r"(?:, (?P<errors>\d+) errors? occurred outside of examples)?",
                re.M,
            ),
            failed=re.compile(r"^rspec \./(?P<path>[^:\s]+):(?P<line>\d+) # (?P<test>.+)$", re.M),
        ),
    ),
)

RECIPES = (RAILS,)
