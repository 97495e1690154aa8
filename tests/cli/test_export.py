"""`shipworthy export` on an archive of two runs, by its own command line."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.synthetic import Plan, make
from runner.cli.main import main
from runner.cli.settings import settings_from
from runner.core.registry import names
from runner.pipeline.grading.grader import get_rubric
from runner.report import exports


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "archive"
    make(Plan(folder, runs=2, seed=1, repositories=2))
    return folder


def export(archive: Path, *words: str) -> int:
    return main(["export", *words, "--archive", str(archive)])


def test_every_run_is_printed_or_those_named(
    archive: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert export(archive, "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline="")))
    assert len(rows) == 2
    assert export(archive, "jsonl", "last", rows[1]["run"]) == 0
    [line] = capfdbinary.readouterr().out.splitlines()
    assert json.loads(line)["run"] == rows[1]["run"]


def test_a_folder_of_files_is_written_and_replaced_as_a_whole(archive: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert export(archive, "atif", "--out", str(tmp_path / "new/atif")) == 0
    files = list((tmp_path / "new/atif").iterdir())
    assert len(files) == 2
    assert all(json.loads(file.read_text())["schema_version"] == "ATIF-v1.7" for file in files)


def test_what_cannot_be_done_is_said(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(archive, "inspect") == 2
    assert "--out: say where inspect goes" in capsys.readouterr().err
    assert export(archive, "csv", "--out", str(tmp_path)) == 2
    assert "is a folder; this format needs a file's name" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert export(archive, "atif", "--out", str(tmp_path / "file")) == 2
    assert "is a file; this format needs a folder" in capsys.readouterr().err
    assert export(archive, "csv", "no-such-run") == 2
    assert "no run is called 'no-such-run'" in capsys.readouterr().err


def test_json_tells_what_was_written(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(archive, "inspect", "--out", str(tmp_path / "logs"), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["format"], told["runs"]) == ("inspect", 2)
    assert told["scored"] + len(told["unscored"]) == 2
    assert {Path(file) for file in told["files"]} == set((tmp_path / "logs").iterdir())
    assert export(archive, "csv", "--json") == 2
    assert "it needs --out" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted({*names(exports)}))
def test_damaged_and_unsealed_runs_are_left_out_and_named(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    broken = tmp_path / "archive"
    shutil.copytree(archive, broken)
    first, second = sorted(broken.glob("runs/*/*/run.json"))
    first.write_text("{")
    (second.parents[1] / "7/logs").mkdir(parents=True)
    assert export(broken, name, "--out", str(tmp_path / "out"), "--json") == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["runs"] == 1
    assert len(told["left_out"]) == 1
    assert "left out" in captured.err


def test_every_check_of_a_run_is_a_case(archive: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert export(archive, "junit") == 0
    root = ElementTree.fromstring(capfdbinary.readouterr().out)
    settings = settings_from(os.environ)
    suites = [suite for suite in root if suite.find("properties/property[@name='rubric']") is not None]
    assert suites
    for suite in suites:
        rubric = suite.find("properties/property[@name='rubric']")
        assert rubric is not None
        checks = get_rubric(str(rubric.get("value")), settings).checks()
        told = {str(case.get("name")) for case in suite.iter("testcase")}
        assert {name for name in told if not name.startswith("ceiling.")} == checks
