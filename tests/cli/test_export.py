"""`shipworthy export` on an archive of two runs, by its own command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from benchmarks.synthetic import Plan, make
from runner.cli.main import main


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
