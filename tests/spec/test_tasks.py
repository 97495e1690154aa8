from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.core.errors import SpecError, UserError
from runner.spec.tasks import load_task

SHIPPED = Path(__file__).parents[2] / "tasks"


def write(tasks: Path, prompt: str | None = "Build {{ thing }}.", **changes: Any) -> Path:
    folder = tasks / "mine"
    folder.mkdir(parents=True)
    document = {
        "id": "mine",
        "title": "Mine",
        "sandbox": "base",
        "rubric": "rails_chat@2",
        "variables": {"thing": "a boat"},
        "phases": [{"id": "build", "prompt": "p.md.j2"}],
    }
    (folder / "task.yaml").write_text(yaml.safe_dump(document | changes))
    if prompt is not None:
        (folder / "p.md.j2").write_text(prompt)
    return tasks


def test_prompts_are_rendered(tmp_path: Path) -> None:
    (phase,) = load_task("mine", write(tmp_path)).phases
    assert phase.prompt == "Build a boat."


def test_the_shipped_tasks_load_and_leave_nothing_open() -> None:
    for folder in SHIPPED.iterdir():
        for phase in load_task(folder.name, SHIPPED).phases:
            assert "{{" not in phase.prompt
            assert "{%" not in phase.prompt


@pytest.mark.parametrize(
    ("prompt", "changes", "said"),
    [
        ("Build {{ nothing }}.", {}, "p.md.j2: 'nothing' is undefined"),
        ("line\n{% if %}", {}, "p.md.j2: line 2:"),
        ("  \n", {}, "phases[0].prompt: p.md.j2 is empty"),
        (None, {}, "phases[0].prompt: there is no file"),
        ("x", {"phases": [{"id": "build"}]}, "phases[0].prompt: is missing"),
        ("x", {"phases": [{"id": "build", "prompt": ""}]}, "phases[0].prompt: is missing"),
        ("x", {"phases": []}, "phases: "),
        ("x", {"phases": "build"}, "phases: "),
        ("x", {"phases": ["build"]}, "phases[0]: "),
        ("x", {"phases": [{"id": "build", "prompt": "p.md.j2", "limits": {"wall_s": -1}}]}, "limits.wall_s"),
        ("x", {"id": "other"}, "id: should be the folder's name, mine"),
        ("x", {"sandboxx": "base"}, "sandboxx: unknown field"),
        ("x", {"variables": ["a"]}, "variables: should be a mapping"),
    ],
)
def test_a_fault_is_named_with_file_and_field(
    tmp_path: Path, prompt: str | None, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError) as caught:
        load_task("mine", write(tmp_path, prompt, **changes))
    assert said in str(caught.value)
    assert str(tmp_path / "mine") in str(caught.value)


def test_a_prompt_cannot_come_from_outside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    write(tmp_path, "x", phases=[{"id": "build", "prompt": "../secret"}])
    with pytest.raises(SpecError, match="secret"):
        load_task("mine", tmp_path)


def test_an_unknown_task_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown task 'x'; known: mine"):
        load_task("x", write(tmp_path))


def test_how_a_task_is_graded_does_not_change_what_was_asked(tmp_path: Path) -> None:
    task = load_task("mine", write(tmp_path))
    assert task.model_copy(update={"rubric": "rails_chat@3"}).identity() == task.identity()
    assert task.model_copy(update={"sandbox": "rails"}).identity() != task.identity()
