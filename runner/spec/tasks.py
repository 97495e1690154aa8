"""Tasks: a folder with task.yaml and Jinja2 prompts, rendered so that nothing is left open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

from runner.core.errors import SpecError, UserError
from runner.core.records import Task
from runner.spec.documents import parse, read_document


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
    phases = document.get("phases")
    if isinstance(phases, list):
        document["phases"] = [
            _with_prompt(phase, number, variables, path) if isinstance(phase, dict) else phase
            for number, phase in enumerate(phases)
        ]
    return parse(Task, document, path)


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
    try:
        text = environment.get_template(name).render(variables)
    except TemplateSyntaxError as error:
        raise SpecError(f"{path.parent / name}: line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise SpecError(f"{path.parent / name}: {error.message}") from error
    if not text.strip():
        raise SpecError(f"{field}: {name} is empty")
    return {**phase, "prompt": text}
