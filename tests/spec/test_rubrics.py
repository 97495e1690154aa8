"""Rubric files found, read and refused."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.core.errors import SpecError
from runner.spec.rubrics import load_rubric, rubric_ids, rubric_notes, rubric_path, validate

GOOD: dict[str, Any] = {
    "id": "chat",
    "version": 2,
    "title": "Chat",
    "tiers": [{"id": "A", "at_least": 50, "meaning": "good"}, {"id": "D", "at_least": 0, "meaning": "bad"}],
    "ceilings": [{"id": "boots", "when": "boot.boots", "max": 59, "because": "it must start"}],
    "dimensions": [
        {
            "id": "files",
            "title": "Files",
            "points": 60,
            "deductions": [
                {"id": "readme", "when": "files.readme", "points": 5, "because": "no readme"},
                {"id": "app", "when": "files.app", "points": 15, "because": "no app", "group": "app"},
                {"id": "root", "when": "files.root", "points": 5, "because": "nested", "group": "app"},
            ],
        },
        {
            "id": "use",
            "title": "Use",
            "points": 40,
            "deductions": [
                {
                    "id": "entry",
                    "when": {"any": ["use.entry", {"all": ["use.a", "use.b"]}]},
                    "points": 9,
                    "because": "invented",
                }
            ],
        },
    ],
}
CHECKS = {"boot.boots", "files.readme", "files.app", "files.root", "use.entry", "use.a", "use.b"}
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rubrics = tmp_path / "rubrics"
    (rubrics / "chat" / "selftest").mkdir(parents=True)
    (rubrics / "chat" / "CHANGELOG.md").write_text("# Changes\n")
    return rubrics


def written(folder: Path, version: int = 2, edit: Edit = lambda data: None) -> Path:
    data = deepcopy(GOOD) | {"version": version}
    edit(data)
    path = folder / "chat" / f"v{version}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


def first(data: dict[str, Any]) -> dict[str, Any]:
    """The first deduction."""
    deduction: dict[str, Any] = data["dimensions"][0]["deductions"][0]
    return deduction


def test_by_version_newest_or_path(folder: Path) -> None:
    for version in (1, 2, 9, 10):
        written(folder, version)
    assert load_rubric("chat@2", folder).name == "chat@2"
    assert load_rubric("chat", folder).version == 10
    assert load_rubric(str(folder / "chat" / "v9.yaml"), folder).version == 9
    assert rubric_path("chat", folder) == folder / "chat" / "v10.yaml"
    assert load_rubric("chat@2", folder).checks() == CHECKS


def test_an_edited_copy_may_have_any_name_and_place(folder: Path, tmp_path: Path) -> None:
    copy = written(folder).rename(tmp_path / "stricter.yaml")
    assert load_rubric(str(copy), folder).name == "chat@2"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("chatt", "unknown rubric 'chatt'; did you mean 'chat@2'?"),
        ("chat@3", "unknown rubric 'chat@3'; did you mean 'chat@2'?"),
        ("../etc/passwd", "unknown rubric '../etc/passwd'; known: chat@2 (or the path of a .yaml file)"),
        ("zzz", "unknown rubric 'zzz'; known: chat@2 (or the path of a .yaml file)"),
        ("", "unknown rubric ''; known: chat@2 (or the path of a .yaml file)"),
    ],
)
def test_an_unknown_rubric_lists_what_there_is(folder: Path, reference: str, message: str) -> None:
    written(folder)
    with pytest.raises(SpecError) as error:
        load_rubric(reference, folder)
    assert str(error.value) == message


def test_a_folder_without_rubrics_says_so(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=f"known: none in {tmp_path}"):
        load_rubric("chat", tmp_path)


def test_a_path_that_is_not_there(folder: Path) -> None:
    with pytest.raises(SpecError, match=r"mine\.yaml: cannot be read: No such file"):
        load_rubric("mine.yaml", folder)


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda d: d.update(version=3), "version: is 3, but the file is named v2.yaml"),
        (lambda d: d.update(id="other"), "id: is 'other', but the folder is named 'chat'"),
        (
            lambda d: d["dimensions"][0].update(points=55),
            "dimensions: their points add up to 95, not 100",
        ),
        (lambda d: d["dimensions"][1].update(id="files"), "dimensions[1].id: 'files' is given twice"),
        (
            lambda d: d["dimensions"][0]["deductions"][1].update(id="readme"),
            "dimensions[0].deductions[1].id: 'readme' is given twice",
        ),
        (lambda d: d["tiers"][1].update(id="A"), "tiers[1].id: 'A' is given twice"),
        (
            lambda d: d["tiers"].reverse(),
            "tiers[1].at_least: 50 is not below the tier before it; put the best first",
        ),
        (
            lambda d: d["tiers"][1].update(at_least=10),
            "tiers[1].at_least: the last tier should begin at 0, not 10",
        ),
        (
            lambda d: d["ceilings"].append(dict(d["ceilings"][0])),
            "ceilings[1].id: 'boots' is given twice",
        ),
        (
            lambda d: d["ceilings"][0].update(max=100),
            "ceilings[0].max: 100 caps nothing; it should be below 100",
        ),
        (
            lambda d: first(d).update(points=60.5),
            "dimensions[0].deductions[0].points: 60.5, but the dimension has 60",
        ),
        (
            lambda d: first(d).update(points=float("inf")),
            "dimensions[0].deductions[0].points: inf, but the dimension has 60",
        ),
        (
            lambda d: first(d).update(group="aap"),
            "dimensions[0].deductions[0].group: nothing else is in group 'aap'; is it misspelt?",
        ),
        (
            lambda d: first(d).update(when="readme"),
            "dimensions[0].deductions[0].when: 'readme' is not a check id; one reads area.statement",
        ),
        (
            lambda d: first(d).update(when={"all": [{"any": []}]}),
            "dimensions[0].deductions[0].when.all[0].any: is empty",
        ),
        (
            lambda d: first(d).update(when="files.app"),
            "dimensions[0].deductions[1].when: check 'files.app' already costs points at"
            " dimensions[0].deductions[0]; give both one group, or say why under `twice`",
        ),
        (
            lambda d: d["dimensions"][0]["deductions"].append(first(d) | {"id": "again"}),
            "dimensions[0].deductions[3].when: check 'files.readme' already costs points at"
            " dimensions[0].deductions[0]; give both one group, or say why under `twice`",
        ),
        (
            lambda d: d["dimensions"][1]["deductions"].extend(deepcopy(d["dimensions"][0]["deductions"][1:])),
            "dimensions[1].deductions[1].when: check 'files.app' already costs points at"
            " dimensions[0].deductions[1]; give both one group, or say why under `twice`",
        ),
        (
            lambda d: d["tiers"].insert(1, {"id": "B", "at_least": 50, "meaning": "as good"}),
            "tiers[1].at_least: 50 is not below the tier before it; put the best first",
        ),
        (
            lambda d: d["dimensions"][1]["deductions"][0].update(when={"any": ["use.entry", "files.root"]}),
            "dimensions[1].deductions[0].when: check 'files.root' already costs points at"
            " dimensions[0].deductions[2]; give both one group, or say why under `twice`",
        ),
        (
            lambda d: first(d).update(twice="because"),
            "dimensions[0].deductions[0].twice: none of its checks costs points before;"
            " give the reason at the later one",
        ),
        (
            lambda d: d["dimensions"][0].update(groups={"aap": {"mode": "additive"}}),
            "dimensions[0].groups.aap: no deduction is in it; is it misspelt?",
        ),
        (
            lambda d: d["dimensions"][0].update(groups={"app": {"max": 10}}),
            "dimensions[0].groups.app.max: only the worst of an exclusive group counts;"
            " give max to an additive one",
        ),
        (
            lambda d: d["dimensions"][0].update(groups={"app": {"mode": "additive", "max": 14}}),
            "dimensions[0].groups.app.max: 14, but one member alone has 15",
        ),
        (
            lambda d: d["dimensions"][0].update(groups={"app": {"mode": "additive", "max": 20}}),
            "dimensions[0].groups.app.max: 20 caps nothing; its members add up to 20",
        ),
        (
            lambda d: d["dimensions"][0].update(groups={"app": {"mode": "additve"}}),
            "dimensions[0].groups.app.mode: input should be 'exclusive' or 'additive'",
        ),
        (lambda d: first(d).update(cost=3), "dimensions[0].deductions[0].cost: unknown field"),
        (
            lambda d: first(d).update(points=-1),
            "dimensions[0].deductions[0].points: input should be greater than 0",
        ),
    ],
)
def test_each_fault_is_named_with_its_file_and_field(folder: Path, edit: Edit, fault: str) -> None:
    path = written(folder, edit=edit)
    with pytest.raises(SpecError) as error:
        load_rubric("chat@2", folder)
    assert f"{path}: {fault}" in str(error.value).splitlines()


def test_all_faults_are_told_at_once(folder: Path) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["tiers"][1]["at_least"] = 10
        data["dimensions"][1]["points"] = 41

    written(folder, edit=edit)
    with pytest.raises(SpecError) as error:
        load_rubric("chat", folder)
    assert len(str(error.value).splitlines()) == 2


def test_one_group_may_look_at_a_check_twice(folder: Path) -> None:
    def edit(data: dict[str, Any]) -> None:
        both = {"all": ["files.app", "files.root"]}
        data["dimensions"][0]["deductions"].append(
            {"id": "both", "when": both, "points": 20, "because": "nothing", "group": "app"}
        )

    written(folder, edit=edit)
    assert load_rubric("chat", folder).checks() == CHECKS


def test_an_additive_group_charges_a_check_twice_so_it_needs_a_reason(folder: Path) -> None:
    def edit(data: dict[str, Any]) -> None:
        both = {"all": ["files.app", "files.root"]}
        data["dimensions"][0]["deductions"].append(
            {"id": "both", "when": both, "points": 5, "because": "nothing", "group": "app"}
        )
        data["dimensions"][0]["groups"] = {"app": {"mode": "additive", "max": 20}}

    written(folder, edit=edit)
    with pytest.raises(SpecError, match=r"check 'files\.app' already costs points"):
        load_rubric("chat", folder)


def test_a_check_may_cost_twice_with_a_reason_and_that_is_reported(folder: Path) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["dimensions"][1]["deductions"].append(
            first(data) | {"id": "again", "twice": "It is what the user reads and what CI needs."}
        )

    written(folder, edit=edit)
    assert rubric_notes(load_rubric("chat", folder)) == [
        "check 'files.readme' costs points in files.readme and again in use.again:"
        " It is what the user reads and what CI needs."
    ]


def test_nothing_is_reported_of_a_rubric_that_charges_once(folder: Path) -> None:
    written(folder)
    assert rubric_notes(load_rubric("chat", folder)) == []


def test_what_is_given_as_by_default_does_not_change_the_digest(folder: Path) -> None:
    written(folder)
    plain = load_rubric("chat", folder)

    def edit(data: dict[str, Any]) -> None:
        data["dimensions"][0]["groups"] = {}
        first(data)["twice"] = None

    written(folder, edit=edit)
    assert load_rubric("chat", folder).digest() == plain.digest()
    assert b"twice" not in plain.canonical()
    assert b"groups" not in plain.canonical()


@pytest.mark.parametrize("max_points", [16, None])
def test_what_groups_say_is_part_of_the_digest(folder: Path, max_points: float | None) -> None:
    written(folder)
    plain = load_rubric("chat", folder)
    group = {"mode": "additive", "max": max_points}
    written(folder, edit=lambda d: d["dimensions"][0].update(groups={"app": group}))
    grouped = load_rubric("chat", folder)
    assert grouped.digest() != plain.digest()
    assert type(grouped).model_validate_json(grouped.model_dump_json()) == grouped


def test_the_ids_of_what_there_is(folder: Path) -> None:
    for version in (1, 2):
        written(folder, version)
    assert rubric_ids(folder) == ["chat"]


def test_a_duplicate_key_is_refused_with_its_line(folder: Path) -> None:
    path = written(folder)
    path.write_text(path.read_text() + "title: again\n")
    line = len(path.read_text().splitlines())
    with pytest.raises(SpecError, match=f"line {line}: key 'title' is given twice"):
        load_rubric("chat", folder)


def test_checks_that_exist_are_accepted(folder: Path) -> None:
    written(folder)
    validate(load_rubric("chat", folder), CHECKS | {"more.checks"})


@pytest.mark.parametrize(
    ("unknown", "message"),
    [
        ("files.readme", "f.yaml: dimensions[0].deductions[0].when: unknown check 'files.readme'"),
        ("use.b", "f.yaml: dimensions[1].deductions[0].when: unknown check 'use.b'; did you mean 'use.a'?"),
        ("boot.boots", "f.yaml: ceilings[0].when: unknown check 'boot.boots'"),
    ],
)
def test_a_check_no_probe_has_is_refused(folder: Path, unknown: str, message: str) -> None:
    written(folder)
    with pytest.raises(SpecError) as error:
        validate(load_rubric("chat", folder), CHECKS - {unknown}, "f.yaml")
    assert str(error.value).startswith(message)


def test_a_misspelt_check_is_put_right(folder: Path) -> None:
    written(folder, edit=lambda d: first(d).update(when="files.raedme"))
    with pytest.raises(SpecError) as error:
        validate(load_rubric("chat", folder), CHECKS)
    assert str(error.value) == (
        "chat@2: dimensions[0].deductions[0].when: unknown check 'files.raedme'; did you mean 'files.readme'?"
    )
