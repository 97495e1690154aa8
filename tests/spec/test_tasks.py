from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.core.errors import SpecError, UserError
from runner.core.records import PhaseKind
from runner.spec.tasks import chosen_variants, load_task, task_ids, validate_goals, variant_names

SHIPPED = Path(__file__).parents[2] / "tasks"
WORK = {"id": "build", "prompt": "p.md.j2"}
REVIEW = {"id": "review", "kind": "review", "prompt": "p.md.j2"}
REPAIR = {"id": "repair", "kind": "repair", "prompt": "p.md.j2"}
GOAL = {"id": "fast", "statement": "It is\nfast.", "checks": ["x.fast"]}


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


def test_goals_are_numbered_and_told_without_their_checks(tmp_path: Path) -> None:
    goals = [GOAL, {"id": "good", "statement": "It is  good."}]
    changes = {"phases": [WORK, REVIEW], "goals": goals, "review_file": "REVIEW.md"}
    task = load_task("mine", write(tmp_path, "In {{ review_file }}:\n{{ goals }}\nEnd.", **changes))
    assert task.phases[1].prompt == "In REVIEW.md:\n1. fast: It is fast.\n2. good: It is good.\nEnd."
    assert task.phases[1].kind is PhaseKind.REVIEW
    assert task.goals[0].checks == ("x.fast",)


def test_what_failed_stays_open_in_a_repair_phase_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/q.md.j2").write_text("Mend {{ thing }}:\n{{ failed_checks }}")
    (tmp_path / "mine/task.yaml").touch()
    folder = tmp_path / "mine"
    document = {"id": "mine", "title": "M", "sandbox": "base", "rubric": "r@1", "variables": {"thing": "it"}}
    phases = [WORK, REPAIR | {"prompt": "q.md.j2"}]
    (folder / "task.yaml").write_text(yaml.safe_dump(document | {"phases": phases}))
    (folder / "p.md.j2").write_text("Build.")
    assert load_task("mine", tmp_path).phases[1].prompt == "Mend it:\n{{ failed_checks }}"


def test_unknown_checks_of_goals_are_named_with_what_may_be_meant(tmp_path: Path) -> None:
    task = load_task("mine", write(tmp_path, goals=[GOAL]))
    validate_goals(task, {"x.fast"}, "task.yaml")
    with pytest.raises(SpecError, match=r"task.yaml: goals\[0\].checks\[0\]: .*did you mean 'x.faster'"):
        validate_goals(task, {"x.faster"}, "task.yaml")


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
        ("x", {"variables": {"goals": "a"}}, "variables.goals: is given by the loader"),
        ("x", {"variables": {"failed_checks": "a"}}, "variables.failed_checks: is given by the loader"),
        ("x", {"phases": [WORK, dict(WORK)]}, "phases[1].id: 'build' is given twice"),
        ("{{ goals }}", {}, "p.md.j2: 'goals' is undefined"),
        ("{{ failed_checks }}", {}, "p.md.j2: 'failed_checks' is undefined"),
        ("x", {"goals": [GOAL, GOAL | {"checks": []}]}, "goals[1].id: 'fast' is given twice"),
        ("x", {"goals": [{"id": "Not An Id", "statement": "a"}]}, "goals[0].id: "),
        ("x", {"goals": [{"id": "a"}]}, "goals[0].statement: is missing"),
        ("x", {"goals": [{"id": "a", "statement": ""}]}, "goals[0].statement: "),
        ("x", {"goals": ["a"]}, "goals[0]: "),
        ("x", {"goals": {"a": "b"}}, "goals: "),
        ("x", {"review_file": "../SELF_REVIEW.md"}, "review_file: "),
        ("x", {"review_file": "docs/review.md"}, "review_file: "),
        (
            "x",
            {"phases": [WORK, REVIEW]},
            "phases[1].kind: a review phase needs goals, and the task has none",
        ),
        ("x", {"phases": [WORK, REVIEW], "goals": [GOAL]}, "phases[1].prompt: does not tell the goals"),
        (
            "x",
            {"phases": [REVIEW], "goals": [GOAL]},
            "phases[0].kind: a review phase needs another before it",
        ),
        ("x", {"phases": [WORK, REPAIR]}, "phases[1].prompt: a repair phase needs {{ failed_checks }}"),
        ("x", {"phases": [REPAIR]}, "phases[0].kind: a repair phase needs another before it"),
        (
            "{{ goals }}",
            {"phases": [WORK, REVIEW, REVIEW | {"id": "again"}], "goals": [GOAL]},
            "phases[2].kind: there is a review phase already, phases[1]",
        ),
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


def test_which_checks_decide_a_goal_does_not_change_what_was_asked(tmp_path: Path) -> None:
    changes = {"phases": [WORK, REVIEW], "goals": [GOAL]}
    asked = load_task("mine", write(tmp_path / "a", "{{ goals }}", **changes))
    decided = changes | {"goals": [GOAL | {"checks": ["x.slow"]}]}
    said = changes | {"goals": [GOAL | {"statement": "It is slow."}]}
    assert load_task("mine", write(tmp_path / "b", "{{ goals }}", **decided)).identity() == asked.identity()
    assert load_task("mine", write(tmp_path / "c", "{{ goals }}", **said)).identity() != asked.identity()


def test_a_repair_phase_asks_by_the_rubric_so_that_is_part_of_the_question(tmp_path: Path) -> None:
    task = load_task("mine", write(tmp_path, phases=[WORK, WORK | {"id": "prove"}]))
    repair = task.phases[1].model_copy(update={"kind": PhaseKind.REPAIR})
    asking = task.model_copy(update={"phases": (task.phases[0], repair)})
    assert asking.model_copy(update={"rubric": "rails_chat@3"}).identity() != asking.identity()


def with_variant(tasks: Path, **files: str) -> Path:
    folder = write(tasks) / "mine/variants/terse"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / f"{name}.md.j2").write_text(text)
    return tasks


def test_a_variant_words_a_prompt_anew_and_is_rendered_like_it(tmp_path: Path) -> None:
    tasks = with_variant(tmp_path, p="{{ thing }}, please.")
    plain, terse = load_task("mine", tasks), load_task("mine", tasks, "terse")
    assert terse.phases[0].prompt == "a boat, please."
    assert plain.phases[0].prompt == "Build a boat."
    assert terse.identity() != plain.identity()
    assert terse.model_copy(update={"phases": plain.phases}) == plain


def test_variants_are_chosen_by_name_or_all(tmp_path: Path) -> None:
    tasks = with_variant(tmp_path, p="x")
    assert chosen_variants("mine", tasks, None) == [None]
    assert chosen_variants("mine", tasks, "terse") == ["terse"]
    assert chosen_variants("mine", tasks, "all") == [None, "terse"]
    with pytest.raises(UserError, match=r"task mine has no variant 'ters'.*terse.*known: terse, all"):
        load_task("mine", tasks, "ters")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "variants/terse: is empty"),
        ({"p": "x", "q": "y"}, r"variants/terse/q\.md\.j2: is no phase's prompt"),
    ],
)
def test_what_is_wrong_with_a_variant_is_named(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_task("mine", with_variant(tmp_path, **files), "terse")


@pytest.mark.parametrize("name", task_ids(SHIPPED))
def test_shipped_variants_ask_for_the_same_things(name: str) -> None:
    """Whatever stands in code spans, and every numbered requirement, stands in each variant too."""
    plain = load_task(name, SHIPPED)
    for variant in variant_names(name, SHIPPED):
        worded = load_task(name, SHIPPED, variant)
        for ours, theirs in zip(plain.phases, worded.phases, strict=True):
            spans = [set(re.findall(r"`[^`]+`", phase.prompt)) for phase in (ours, theirs)]
            assert spans[0] <= spans[1], variant
            numbers = [re.findall(r"^\d+\. ", phase.prompt, re.MULTILINE) for phase in (ours, theirs)]
            assert numbers[0] == numbers[1], variant


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ({"horizn": "long"}, r"shape\.horizn: is none of horizon, stakes, surface.*horizon"),
        ({"stakes": "huge"}, r"shape\.stakes: should be one of low, medium, high, not 'huge'"),
    ],
)
def test_a_shape_keeps_to_its_vocabulary(tmp_path: Path, shape: dict[str, str], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_task("mine", write(tmp_path, shape=shape))
