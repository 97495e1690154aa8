"""How apps are recognised, and what their recipes read from outputs; starting them is for lab cases."""

from __future__ import annotations

import pytest

from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.lab.recipes import Recipe, find_app, recipes

SERVED = '{"scripts": {"start": "node server.js"}}'


def tree(**files: str) -> SourceTree:
    found = {path.replace("__", "/").replace("_DOT_", "."): text for path, text in files.items()}
    return SourceTree("t", {p: SourceFile(p, 0o100644, text.encode()) for p, text in found.items()})


def recipe(name: str) -> Recipe:
    return next(recipe for recipe in recipes() if recipe.id == name)


@pytest.mark.parametrize(
    ("files", "kind", "folder"),
    [
        ({"config__application_DOT_rb": "", "package_DOT_json": SERVED}, "rails", ""),
        ({"chat__config__application_DOT_rb": "", "package_DOT_json": SERVED}, "rails", "chat/"),
        ({"package_DOT_json": SERVED}, "node", ""),
        ({"web__package_DOT_json": SERVED, "tools__main_DOT_py": "import flask"}, "node", "web/"),
        ({"app_DOT_py": "from flask import Flask"}, "python", ""),
        ({"site__manage_DOT_py": ""}, "python", "site/"),
    ],
)
def test_an_app_is_known_by_its_files(files: dict[str, str], kind: str, folder: str) -> None:
    app = find_app(tree(**files))
    assert app is not None
    assert (app.recipe.id, app.folder) == (kind, folder)


@pytest.mark.parametrize(
    "files",
    [
        {"package_DOT_json": '{"devDependencies": {"tailwindcss": "4"}}'},
        {"main_DOT_py": "print('a command, not a server')"},
        {"node_modules__x__package_DOT_json": SERVED},
    ],
)
def test_what_serves_nothing_is_no_app(files: dict[str, str]) -> None:
    assert find_app(tree(**files)) is None


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"package_DOT_json": SERVED}, ("npm", "start")),
        ({"package_DOT_json": '{"scripts": {"dev": "vite"}}'}, ("npm", "run", "dev")),
        ({"package_DOT_json": '{"main": "app.js"}', "app_DOT_js": ""}, ("node", "app.js")),
        (
            {"app_DOT_py": "import flask"},
            ("python3", "-m", "flask", "run", "--host", "127.0.0.1", "--port", "3000"),
        ),
        ({"server_DOT_py": "import http.server"}, ("python3", "server.py")),
    ],
)
def test_how_an_app_is_started_depends_on_its_files(files: dict[str, str], command: tuple[str, ...]) -> None:
    found = tree(**files)
    app = find_app(found)
    assert app is not None
    start = app.command(found, app.recipe.start)
    assert start is not None
    assert start.argv == command


@pytest.mark.parametrize(
    ("kind", "output", "counts"),
    [
        (
            "node",
            "# tests 3\n# suites 0\n# pass 2\n# fail 1\n# cancelled 0\n# skipped 0\n",
            {"runs": "3", "failures": "1", "errors": "0", "skips": "0"},
        ),
        (
            "python",
            "Ran 4 tests in 0.1s\n\nOK\n",
            {"runs": "4", "failures": None, "errors": None, "skips": None},
        ),
        (
            "python",
            "Ran 4 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n",
            {"runs": "4", "failures": "1", "errors": "2", "skips": None},
        ),
    ],
)
def test_summaries_of_suites_are_read(kind: str, output: str, counts: dict[str, str | None]) -> None:
    found = recipe(kind).suites[0].summary.search(output)
    assert found is not None
    assert found.groupdict() == counts


def test_every_recipe_has_both_modes_and_never_a_real_key() -> None:
    for one in recipes():
        assert {*one.modes} == {"development", "production"}
        assert all("lab" in one.env[name] for name in one.keys if name in one.env)


@pytest.mark.parametrize(
    ("files", "needs"),
    [
        ({"bin__rails": "", "Procfile_DOT_dev": "web: bin/rails server -p 3000\n"}, ["bin/rails"]),
        ({"bin__rails": "", "Procfile_DOT_dev": "web: A=1 bin/rails s\n"}, ["bin/rails", "Procfile.dev"]),
        ({"bin__rails": "", "bin__dev": "exec foreman start -f Procfile.dev"}, ["bin/rails"]),
        ({"bin__rails": "", "bin__dev": "exec falcon serve"}, ["bin/rails", "bin/dev"]),
        ({"compose_DOT_yaml": "services:\n  web:\n    command: falcon serve\n"}, ["compose.yaml"]),
        ({"config_DOT_ru": "", "bin__rails": ""}, ["bin/rails"]),
    ],
)
def test_an_app_may_say_itself_how_it_is_started(files: dict[str, str], needs: list[str]) -> None:
    app = find_app(tree(config__application_DOT_rb="", **files))
    assert app is not None
    commands = app.commands(tree(**files), app.recipe.start)
    assert [command.needs for command in commands] == needs
