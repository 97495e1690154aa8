"""`shipworthy task`: what is listed, and what is refused before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.cli.main import main


def test_every_task_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", "list", "--json"]) == 0
    rows = {row["task"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["notes_cli"]["image"] == "base"
    assert rows["rails_chat"]["phases"] == 2
    assert main(["task", "list"]) == 0
    assert "rails_chat_hard@1" in capsys.readouterr().out


def test_a_folder_that_is_no_task_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", "import", str(tmp_path)]) == 2
    assert f"is {tmp_path} a Harbor task?" in capsys.readouterr().err


def test_a_task_that_is_there_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "task.toml": "",
        "instruction.md": "Do.",
        "tests/test.sh": "",
        "environment/Dockerfile": "FROM x",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert main(["task", "import", str(tmp_path), "--id", "notes_cli"]) == 2
    assert "tasks/notes_cli: is there already; choose another name with --id" in capsys.readouterr().err
