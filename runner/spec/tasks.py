"""Tasks: a folder with task.yaml and Jinja2 prompts, rendered so that nothing is left open.

Beside the task's own variables a prompt can use `{{ goals }}`, a numbered list of the goals' ids and
statements, and `{{ review_file }}`; that of a repair phase must use `{{ failed_checks }}`, which stays open
until the phase begins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

from runner.core.errors import SpecError, UserError
from runner.core.records import PhaseKind, Task
from runner.spec.documents import did_you_mean, parse, read_document, refuse

OPEN = {"failed_checks": "{{ failed_checks }}"}
GIVEN = ("goals", "review_file", *OPEN)


def task_ids(tasks: Path) -> list[str]:
    """Every task's id: the folders with a task.yaml."""
    return sorted(p.parent.name for p in tasks.glob("*/task.yaml"))


def load_task(identity: str, tasks: Path) -> Task:
    """The task in `tasks/<identity>/`. Raises UserError if unknown, SpecError naming file and field."""
    if identity not in task_ids(tasks):
        raise UserError(f"unknown task {identity!r}; known: {', '.join(task_ids(tasks))}")
    path = tasks / identity / "task.yaml"
    document = read_document(path)
    if document.get("id") != identity:
        raise SpecError(f"{path}: id: should be the folder's name, {identity}")
    variables = document.pop("variables", {})
    if not isinstance(variables, dict):
        raise SpecError(f"{path}: variables: should be a mapping")
    refuse([f"variables.{name}: is given by the loader" for name in GIVEN if name in variables], path)
    variables |= {"review_file": document.get("review_file", Task.model_fields["review_file"].default)}
    if goals := document.get("goals"):
        variables |= {"goals": _listed(goals)}
    phases = document.get("phases")
    if isinstance(phases, list):
        document["phases"] = [
            _with_prompt(phase, number, variables, path) if isinstance(phase, dict) else phase
            for number, phase in enumerate(phases)
        ]
    task = parse(Task, document, path)
    refuse([*_faults(task)], path)
    return task


def validate_goals(task: Task, known_checks: Collection[str], source: str | Path) -> None:
    """Raise SpecError if a goal names a check no probe has; `source` is the task's file."""
    faults = [
        f"goals[{n}].checks[{m}]: unknown check {check!r}{did_you_mean(check, known_checks)}"
        for n, goal in enumerate(task.goals)
        for m, check in enumerate(goal.checks)
        if check not in known_checks
    ]
    refuse(faults, source)


def _listed(goals: object) -> str:
    """The goals' numbers, ids and statements, a line each; what is wrong with them comes up in parsing."""
    given = [goal for goal in goals if isinstance(goal, dict)] if isinstance(goals, list) else []
    return "\n".join(
        f"{number}. {goal.get('id')}: {_line(goal.get('statement'))}" for number, goal in enumerate(given, 1)
    )


def _line(statement: object) -> str:
    return " ".join(str(statement).split())


def _faults(task: Task) -> Iterator[str]:
    yield from _repeated("phases", [phase.id for phase in task.phases])
    yield from _repeated("goals", [goal.id for goal in task.goals])
    reviews = [n for n, phase in enumerate(task.phases) if phase.kind is PhaseKind.REVIEW]
    for n in reviews:
        prompt = task.phases[n].prompt
        if not task.goals:
            yield f"phases[{n}].kind: a review phase needs goals, and the task has none"
        elif any(_line(goal.statement) not in prompt for goal in task.goals):
            yield f"phases[{n}].prompt: does not tell the goals; put {{{{ goals }}}} in it"
    for n in reviews[1:]:
        yield f"phases[{n}].kind: there is a review phase already, phases[{reviews[0]}]"
    for n, phase in enumerate(task.phases):
        if n == 0 and phase.kind is not PhaseKind.WORK:
            yield f"phases[0].kind: a {phase.kind} phase needs another before it"
        if phase.kind is PhaseKind.REPAIR and OPEN["failed_checks"] not in phase.prompt:
            yield f"phases[{n}].prompt: a repair phase needs {OPEN['failed_checks']} in its prompt"


def _repeated(field: str, ids: Sequence[str]) -> Iterator[str]:
    for n, identity in enumerate(ids):
        if identity in ids[:n]:
            yield f"{field}[{n}].id: {identity!r} is given twice"


def _with_prompt(phase: dict[str, Any], number: int, variables: dict[str, Any], path: Path) -> dict[str, Any]:
    """The phase with its template's name replaced by the rendered text."""
    name = phase.get("prompt")
    field = f"{path}: phases[{number}].prompt"
    if not isinstance(name, str) or not name:
        raise SpecError(f"{field}: is missing; name a template, as prompts/build.md.j2")
    if not (path.parent / name).is_file():
        raise SpecError(f"{field}: there is no file {path.parent / name}")
    environment = Environment(
        loader=FileSystemLoader(path.parent),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # prompts are Markdown, not HTML
    )
    still_open = OPEN if phase.get("kind") == PhaseKind.REPAIR else {}
    try:
        text = environment.get_template(name).render({**variables, **still_open})
    except TemplateSyntaxError as error:
        raise SpecError(f"{path.parent / name}: line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise SpecError(f"{path.parent / name}: {error.message}") from error
    if not text.strip():
        raise SpecError(f"{field}: {name} is empty")
    return {**phase, "prompt": text}
