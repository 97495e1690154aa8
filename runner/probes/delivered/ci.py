"""What continuous integration really runs: steps of workflows and of the scripts they call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.delivered.tools import BRAKEMAN, BUNDLE_AUDIT, RUBOCOP, Tool
from runner.probes.kit.files import yaml_data
from runner.probes.kit.files.application import Application
from runner.probes.kit.ruby.syntax import descendants, literal, text
from runner.probes.kit.verdicts import Verdict, bad, good, moot, place, unclear

_WORKFLOWS = re.compile(r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.ya?ml|\.circleci/config\.ya?ml")
_COMMAND_KEYS = ("run", "script", "before_script", "after_script", "command", "uses", "commands")
_OWN = re.compile(r"(?:^|[\s;&|(])(?:\./)?((?:bin|script|scripts)/[\w.-]+)|\b(make|rake|rails)\s+([\w:-]+)")
_NEVER = (False, "false", "${{ false }}")
_SHELLS = ("step", "system", "sh", "system!", "exec", "run")
_DEPTH = 6

Step = tuple[str, Location]


def security_tools(app: Application) -> Verdict:
    """Brakeman and bundle-audit are run by continuous integration, not only installed."""
    return _runs(app, "security tools", (BRAKEMAN, BUNDLE_AUDIT))


def linter(app: Application) -> Verdict:
    """RuboCop (or standard) is run by continuous integration, not only installed."""
    return _runs(app, "linter", (RUBOCOP,))


def _runs(app: Application, what: str, tools: tuple[Tool, ...]) -> Verdict:
    if not app.exists:
        return moot("there is no Rails application")
    try:
        steps = app.tree.derived(("steps of CI", app.folder), lambda: list(_steps(app)))
    except yaml_data.BrokenYaml as error:
        return unclear(f"a workflow is not readable as YAML: {error}")
    if not steps:
        return bad(f"nothing runs the {what}: neither a workflow nor a script for CI is there")
    found = {tool.title: _step_of(tool, steps) for tool in tools}
    missing = [title for title, where in found.items() if where is None]
    places = [where for where in found.values() if where is not None]
    if missing:
        return bad(f"no step of CI runs {' nor '.join(missing)}", [steps[0][1]], missing=missing)
    return good(f"CI runs {' and '.join(found)}", places)


def _step_of(tool: Tool, steps: list[Step]) -> Location | None:
    """The step that runs a tool: its command (also `bin/brakeman`) or an action of its name."""
    runs = re.compile(rf"(?:^|[\s;&|(/\"'])(?:{tool.command})(?![\w-]*\.(?:yml|json|rb))\b", re.IGNORECASE)
    for command, where in steps:
        for line in re.split(r"[\n;]|&&|\|\|", command):
            if runs.search(line) and not re.match(r"\s*(?:#|echo\b|gem\s+install\b|bundle\s+add\b)", line):
                return where
    return None


def _steps(app: Application) -> Iterator[Step]:
    """Every command that CI runs, with what the repository's own scripts run for it. Raises BrokenYaml."""
    waiting = [*_workflow_steps(app), *_own_steps(app, "bin/ci")]
    seen: set[str] = set()
    for _ in range(_DEPTH):
        yield from waiting
        called = [name for command, _ in waiting for name in _called(command) if name not in seen]
        seen.update(called)
        waiting = [step for name in dict.fromkeys(called) for step in _own_steps(app, name)]


def _called(command: str) -> Iterator[str]:
    """The scripts and tasks of its own that a command starts."""
    for script, runner, task in _OWN.findall(command):
        yield script or f"{runner} {task}"


def _own_steps(app: Application, name: str) -> Iterator[Step]:
    runner, _, task = name.partition(" ")
    if not task:
        yield from _script_steps(app, name)
        if name == "bin/ci" and app.text(name):
            yield from _ruby_steps(app, "config/ci.rb")
    elif runner == "make":
        yield from _make_steps(app, task)
    else:
        yield from _rake_steps(app, task)


def _script_steps(app: Application, path: str) -> Iterator[Step]:
    """The lines of a shell script; a Ruby binstub's own name is what it runs."""
    source = app.text(path)
    if source.startswith("#!") and "ruby" in source.partition("\n")[0]:
        yield from _ruby_steps(app, path)
        return
    for number, line in enumerate(source.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield line, place(app.tree, app.folder + path, number)


def _ruby_steps(app: Application, path: str) -> Iterator[Step]:
    """What a Ruby script hands to `step`, `system` and the like."""
    file = app.parsed(app.folder + path)
    for call in file.calls if file is not None else ():
        if call.name in _SHELLS and call.positional:
            values = [literal(node) for node in call.positional]
            yield " ".join(value for value in values if value), call.location


def _make_steps(app: Application, target: str) -> Iterator[Step]:
    """The recipe of a Makefile's target."""
    inside = False
    for number, line in enumerate(app.text("Makefile").splitlines(), start=1):
        if line.startswith("\t"):
            if inside:
                yield line.strip().lstrip("@-"), place(app.tree, f"{app.folder}Makefile", number)
        elif line.strip():
            inside = line.partition(":")[0].strip() == target


def _rake_steps(app: Application, task: str) -> list[Step]:
    """What a rake task runs: commands, and the tasks it needs by their names."""
    tasks = app.tree.derived(("rake tasks", app.folder), lambda: _rake_tasks(app))
    return tasks.get(task.rpartition(":")[2], [])


def _rake_tasks(app: Application) -> dict[str, list[Step]]:
    """The steps of each rake task, by the last part of its name."""
    found: dict[str, list[Step]] = {}
    for file in app.ruby("Rakefile", "lib/tasks/*.rake"):
        for call in (c for c in file.calls if c.name == "task"):
            first = next(iter(call.positional), None)
            name = call.keywords[0][0] if call.keywords else literal(_key(first))
            given = [value for part in call.node.named_children[1:2] for value in _literals(part)]
            steps = [(f"rake {value}", call.location) for value in given if value != name]
            inside = file.calls_within(call.block) if call.block is not None else []
            steps += [(text(c.node).strip(), c.location) for c in inside if c.name in _SHELLS]
            found.setdefault(name or "", []).extend(steps)
    return found


def _key(node: Node | None) -> Node | None:
    """The name in `"name" => needed` and in `:name`."""
    return node.child_by_field_name("key") if node is not None and node.type == "pair" else node


def _literals(node: Node) -> list[str]:
    return [value for part in descendants(node) if (value := literal(part)) is not None]


def _workflow_steps(app: Application) -> Iterator[Step]:
    """The commands and actions of workflows that can run; what `if: false` switches off does not count."""
    for path in (
        p for p in app.tree if _WORKFLOWS.fullmatch(p) or _WORKFLOWS.fullmatch(p.removeprefix(app.folder))
    ):
        source = app.tree.text(path) or ""
        lines = source.splitlines()
        for command in _commands(yaml_data.load(source)):
            first = next((line.strip() for line in command.splitlines() if line.strip()), "")
            number = next((n for n, line in enumerate(lines, start=1) if first and first in line), 1)
            yield command, place(app.tree, path, number)


def _commands(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _commands(item)
    elif isinstance(node, dict):
        if node.get("if") in _NEVER and "if" in node:
            return
        for key, value in node.items():
            if key in _COMMAND_KEYS and isinstance(value, str):
                yield value
            elif key in _COMMAND_KEYS and isinstance(value, list):
                yield from (item for item in value if isinstance(item, str))
                yield from _commands([item for item in value if not isinstance(item, str)])
            else:
                yield from _commands(value)
