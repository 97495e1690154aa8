"""Our tasks as Harbor reads them: by the schema that harbor 0.26 itself gives of a task.toml."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runner.cli.main import main
from runner.cli.settings import settings_from
from runner.core.errors import UserError
from runner.pipeline.harbor.exporting import export_harbor
from runner.spec.harbor.reading import read_harbor
from runner.spec.tasks import load_task, task_ids

SETTINGS = settings_from(os.environ)
SCHEMA = json.loads((Path(__file__).parent / "harbor-0.26-task.schema.json").read_text())


def unknown(value: Any, schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Fields that Harbor would pass over in silence."""
    options = [schema, *schema.get("anyOf", [])]
    named = [SCHEMA["$defs"][o["$ref"].rpartition("/")[2]] if "$ref" in o else o for o in options]
    known: dict[str, Any] = {}
    for option in named:
        known |= option.get("properties", {})
    if isinstance(value, dict) and known:
        for name, inner in value.items():
            yield from (
                [f"{path}.{name}"] if name not in known else unknown(inner, known[name], f"{path}.{name}")
            )
    elif isinstance(value, list):
        for option in named:
            if "items" in option:
                yield from (fault for each in value for fault in unknown(each, option["items"], path))


@pytest.fixture(scope="module", params=task_ids(SETTINGS.tasks))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = export_harbor(request.param, SETTINGS, tmp_path_factory.mktemp("harbor"), None)
    return made.folder


def test_its_configuration_is_harbors(exported: Path) -> None:
    config = tomllib.loads((exported / "task.toml").read_text())
    Draft202012Validator(SCHEMA).validate(config)
    assert list(unknown(config, SCHEMA)) == []
    assert config["task"]["name"] == f"shipworthy/{exported.name}"


def test_it_reads_back_as_what_was_asked(exported: Path) -> None:
    task, found = load_task(exported.name, SETTINGS.tasks), read_harbor(exported)
    assert [(p.id if len(task.phases) > 1 else "build", p.prompt) for p in task.phases] == [
        (phase.id, phase.instruction) for phase in found.phases
    ]
    assert [p.limits.wall_s for p in task.phases] == [phase.wall_s for phase in found.phases]
    assert (found.egress, found.workdir) == (task.egress, "/workspace")
    assert found.resources == task.resources.model_copy(update={"pids": 1024})
    assert found.tests.image is not None


def test_an_agent_sees_nothing_of_the_grader(exported: Path) -> None:
    seen = [path for path in (exported / "environment").rglob("*") if path.is_file()]
    assert {path.name for path in seen} == {"Dockerfile", "ca-bundle.crt"}
    grader = exported / "tests/grader"
    assert not [path for path in grader.rglob("*") if "demos" in path.parts or path.suffix == ".pyc"]
    own = {path.name for path in (grader / "tasks").iterdir()}
    assert own == {exported.name}


def test_images_are_stages_of_one_file(exported: Path) -> None:
    text = (exported / "environment/Dockerfile").read_text()
    starts = [line for line in text.splitlines() if line.startswith("FROM ")]
    assert starts[0].startswith("FROM debian:")
    assert "PARENT" not in text
    if len(starts) > 1:
        assert starts[0].endswith(" AS base")
        assert starts[1].startswith("FROM base AS ")


def test_the_host_gives_no_authority_away(exported: Path) -> None:
    host = SETTINGS.ca_bundle
    assert host is not None
    kept = (exported / "tests/ca-bundle.crt").read_bytes()
    assert kept.startswith(b"\n# Issuer") or b"BEGIN CERTIFICATE" in kept


def test_scripts_are_shell(exported: Path) -> None:
    for script in ("tests/test.sh", "solution/solve.sh"):
        path = exported / script
        assert path.stat().st_mode & 0o100
        checked = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
        assert checked.stderr == ""


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "notes_cli").mkdir()
    with pytest.raises(UserError, match="is there already"):
        export_harbor("notes_cli", SETTINGS, tmp_path, None)


def test_the_command_says_what_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", "export", "rails_chat_hard", "--out", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["folder"] == str(tmp_path / "rails_chat_hard")
    assert any("review" in note for note in told["notes"])
    assert main(["task", "export", "nothing", "--out", str(tmp_path)]) == 2


def test_a_folder_is_graded_in_no_other_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text("open('/tmp/owned', 'w')")
    assert main(["task", "grade", "notes_cli", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "no container to grade in" in capsys.readouterr().err
