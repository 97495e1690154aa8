"""YAML files with every mistake people make, and the one message each should give."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.errors import SpecError
from runner.core.records import Model, Rubric, Tier
from runner.spec.documents import MAX_BYTES, parse, read_document


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.yaml"


def test_reads_plain_data(file: Path) -> None:
    file.write_text("id: rails_chat\nlist: [1, 2.5, true, null]\nnested: {a: {b: text}}\n")
    assert read_document(file) == {
        "id": "rails_chat",
        "list": [1, 2.5, True, None],
        "nested": {"a": {"b": "text"}},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: key 'a' is given twice"),
        ("a:\n  b: 1\n  b: 2\n", "line 3: key 'b' is given twice"),
        ("a: 1\n2: x\n", "line 2: key 2 is not a string; put it in quotes"),
        ("on: 1\n", "line 1: key True is not a string; put it in quotes"),
        ("? [a]\n: 1\n", "line 1: key ['a'] is not a string; put it in quotes"),
        ("a: &x [1]\nb: *x\n", "line 2: aliases are not allowed"),
        ("a: &x [*x]\n", "line 1: aliases are not allowed"),
        ("a: 1\n  b: 2\n", "line 2: mapping values are not allowed here"),
        (
            "a: !!python/object/apply:os.system [id]\n",
            "line 1: could not determine a constructor for the tag",
        ),
        ("a: 1\n---\nb: 2\n", "line 2: but found another document"),
        ("a: 2026-13-45\n", "has a bad value: month must be in 1..12"),
        ("a: \x00\n", "is not a YAML text"),
        ("", "should be a mapping of fields, but is empty"),
        ("- a\n", "should be a mapping of fields, but is a list"),
        ("text\n", "should be a mapping of fields, but is a str"),
        ("a: " + "[" * 50_000, "is nested too deeply"),
        ("a: " + "x" * MAX_BYTES, "is larger than 1000 kB"),
    ],
)
def test_refuses_and_says_where(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(SpecError) as error:
        read_document(file)
    assert str(error.value).startswith(f"{file}: {message}")


def test_undecodable_bytes_are_no_yaml(file: Path) -> None:
    file.write_bytes(b"a: \xff\n")
    with pytest.raises(SpecError, match="is not a YAML text"):
        read_document(file)


def test_a_file_that_is_not_there_or_not_a_file(file: Path) -> None:
    with pytest.raises(SpecError, match=r"some\.yaml: cannot be read: No such file or directory"):
        read_document(file)
    with pytest.raises(SpecError, match="cannot be read: Is a directory"):
        read_document(file.parent)


def test_parse_gives_the_record(file: Path) -> None:
    assert parse(Tier, {"id": "A", "at_least": 80, "meaning": "ships"}, file) == Tier(
        id="A", at_least=80, meaning="ships"
    )


def test_parse_names_every_wrong_field_by_its_path(file: Path) -> None:
    deductions = [
        {"id": "ok", "when": {"either": ["x.y"]}, "points": 0, "because": "why"},
        {"id": "ok", "when": {}, "points": 1},
    ]
    data = {
        "id": "Bad Id",
        "titel": "R",
        "version": "two",
        "dimensions": [{"id": "a", "title": "A", "points": 5, "deductions": deductions}],
        "tiers": [],
    }
    with pytest.raises(SpecError) as error:
        parse(Rubric, data, file)
    assert str(error.value).splitlines() == [
        f"{file}: id: string should match pattern '^[a-z][a-z0-9_]*$'",
        f"{file}: version: input should be a valid integer, unable to parse string as an integer",
        f"{file}: title: is missing",
        f"{file}: dimensions[0].deductions[0].when.either: unknown field",
        f"{file}: dimensions[0].deductions[0].points: input should be greater than 0",
        f"{file}: dimensions[0].deductions[1].when: give exactly one of a check id, `all`, `any`, `given`"
        " or `unless`",
        f"{file}: dimensions[0].deductions[1].because: is missing",
        f"{file}: tiers: tuple should have at least 1 item after validation, not 0",
        f"{file}: titel: unknown field",
    ]


def test_a_fault_of_the_whole_record_has_no_field(file: Path) -> None:
    with pytest.raises(SpecError) as error:
        parse(Model, {"id": "m", "provider": "p", "name": "n", "wire": "w"}, file)
    assert str(error.value) == f"{file}: a model has either an upstream or a script"


def test_a_flood_of_faults_is_cut(file: Path) -> None:
    with pytest.raises(SpecError) as error:
        parse(Tier, {f"field{n}": 1 for n in range(50)}, file)
    lines = str(error.value).splitlines()
    assert len(lines) == 11
    assert lines[-1] == f"{file}: and 43 more"
