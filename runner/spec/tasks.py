"""Tasks: a folder with task.yaml and Jinja2 prompts, rendered so that nothing is left open.

Beside the task's own variables a prompt can use `{{ goals }}`, a numbered list of the goals' ids and
statements, and `{{ review_file }}`; that of a repair phase must use `{{ failed_checks }}`, which stays open
until the phase begins.

A variant asks the same in other words: `variants/<name>/` holds a template, under the file name of the one it
stands for, for each prompt that it words anew; the other phases keep the task's own.

A task with a field `tests` has its own in `tests/`; they are no part of what a model is asked, or can see.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

from runner.core.errors import SpecError, UserError
from runner.core.records import VARIANT, PhaseKind, Task
from runner.spec.contents import digest_of
from runner.spec.documents import did_you_mean, parse, read_document, refuse

TESTS, TEST_SCRIPT = "tests", "test.sh"
OPEN = {"failed_checks": "{{ failed_checks }}"}
VARIANTS, EVERY_VARIANT = "variants", "all"
SHAPES = {
    "horizon": ("short", "medium", "long"),
    "stakes": ("low", "medium", "high"),
    "surface": ("cli", "web", "api", "library"),
}
"""What a task's `shape` can say: how long the work is, what a fault costs, by what it is used."""
GIVEN = ("goals", "review_file", *OPEN)


def task_ids(tasks: Path) -> list[str]:
    """Every task's id: the folders with a task.yaml."""
    return sorted(p.parent.name for p in tasks.glob("*/task.yaml"))


def variant_names(identity: str, tasks: Path) -> list[str]:
    """A task's variants, without the one that every task has: its own prompts."""
    folders = (tasks / identity / VARIANTS).glob("*/")
    return sorted(folder.name for folder in folders if folder.is_dir())


def chosen_variants(identity: str, tasks: Path, named: str | None) -> list[str | None]:
    """The variants that a user means: None for the task's own prompts, `all` for these and every other."""
    known = variant_names(identity, tasks)
    if named == EVERY_VARIANT:
        return [None, *known]
    if named is not None and named not in known:
        there_are = f"known: {', '.join([*known, EVERY_VARIANT])}" if known else "it has none"
        raise UserError(f"task {identity} has no variant {named!r}{did_you_mean(named, known)}; {there_are}")
    return [named]


def load_task(identity: str, tasks: Path, variant: str | None = None) -> Task:
    """The task in `tasks/<identity>/`, in its own words or a variant's.

    Raises UserError if it is unknown, SpecError naming file and field.
    """
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
    if variant is not None and isinstance(phases, list):
        phases = _in_words_of(variant, phases, path)
    if isinstance(phases, list):
        document["phases"] = [
            _with_prompt(phase, number, variables, path) if isinstance(phase, dict) else phase
            for number, phase in enumerate(phases)
        ]
    if isinstance(tests := document.get("tests"), dict):
        document["tests"] = {**tests, **_found_tests(path)}
    task = parse(Task, document, path)
    refuse([*_faults(task)], path)
    return task


def _found_tests(path: Path) -> dict[str, str]:
    """Where a task's tests are, and the digest of what they are."""
    folder = path.parent / TESTS
    if not (folder / TEST_SCRIPT).is_file():
        raise SpecError(f"{path}: tests: there is no {folder / TEST_SCRIPT}")
    return {"folder": str(folder), "content": digest_of(folder)}


def validate_goals(task: Task, known_checks: Collection[str], source: str | Path) -> None:
    """Raise SpecError if a goal names a check no probe has; `source` is the task's file."""
    faults = [
        f"goals[{n}].checks[{m}]: unknown check {check!r}{did_you_mean(check, known_checks)}"
        for n, goal in enumerate(task.goals)
        for m, check in enumerate(goal.checks)
        if check not in known_checks
    ]
    refuse(faults, source)


def _in_words_of(variant: str, phases: list[Any], path: Path) -> list[Any]:
    """The phases with the variant's templates instead of the task's own where it has them."""
    chosen_variants(path.parent.name, path.parents[1], variant)
    folder = path.parent / VARIANTS / variant
    if variant == EVERY_VARIANT or not re.match(VARIANT, variant):
        raise SpecError(
            f"{folder}: {variant!r} cannot be a variant's name; use a-z, 0-9 and _, and not `all`"
        )
    files = {file.name for file in folder.iterdir()}
    reworded = []
    for phase in phases:
        name = Path(str(phase.get("prompt"))).name if isinstance(phase, dict) else ""
        own = {"prompt": f"{VARIANTS}/{variant}/{name}"} if name in files else {}
        reworded.append({**phase, **own} if isinstance(phase, dict) else phase)
    used = {Path(str(phase.get("prompt"))).name for phase in phases if isinstance(phase, dict)}
    refuse([f"{VARIANTS}/{variant}/{name}: is no phase's prompt" for name in sorted(files - used)], path)
    if not files:
        raise SpecError(f"{folder}: is empty; put a template there for each prompt that it words anew")
    return reworded


def _listed(goals: object) -> str:
    """The goals' numbers, ids and statements, a line each; what is wrong with them comes up in parsing."""
    given = [goal for goal in goals if isinstance(goal, dict)] if isinstance(goals, list) else []
    return "\n".join(
        f"{number}. {goal.get('id')}: {_line(goal.get('statement'))}" for number, goal in enumerate(given, 1)
    )


def _line(statement: object) -> str:
    return " ".join(str(statement).split())


def _faults(task: Task) -> Iterator[str]:
    yield from _odd_shapes(task.shape)
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


def _odd_shapes(shape: Mapping[str, str]) -> Iterator[str]:
    for name, value in shape.items():
        if name not in SHAPES:
            yield f"shape.{name}: is none of {', '.join(SHAPES)}{did_you_mean(name, SHAPES)}"
        elif value not in SHAPES[name]:
            yield f"shape.{name}: should be one of {', '.join(SHAPES[name])}, not {value!r}"


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
