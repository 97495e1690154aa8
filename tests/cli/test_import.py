from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from runner.cli.main import main


def clone_with_a_trap(folder: Path) -> Path:
    """A working copy whose settings would run a command as soon as Git looks at it."""
    (folder / "app").mkdir(parents=True)
    (folder / "app/a.rb").write_text("class A; end\n")
    for command in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "theirs"),
    ):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    with (folder / ".git/config").open("a") as config:
        config.write(f"[core]\n\tfsmonitor = touch {folder.parent}/owned\n")
    return folder


@pytest.fixture
def result(tmp_path: Path) -> Path:
    claims = {"slug": "old", "harness": "claude", "cost_usd_total": 4.5, "status": "completed"}
    path = tmp_path / "result.json"
    path.write_text(json.dumps(claims))
    return path


def test_claims_are_kept_apart_from_what_is_metered(
    tmp_path: Path, result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--archive", str(tmp_path / "archive")]
    assert main(["import", str(result), *where, "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert (run["model"], run["agent"], run["status"]) == ("old", "claude", "completed")
    assert (run["cost_usd"], run["wall_s"], run["requests"], run["tokens"]["input"]) == (None,) * 4
    assert run["imported"]["usage"]["cost_usd"] == 4.5
    assert main(["inspect", "last", *where]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Claimed, not metered: status completed" in said
    assert "it was imported without a repository" in said
    assert main(["list", *where]) == 0
    assert "(imported result)" in " ".join(capsys.readouterr().out.split())
    assert main(["verify", *where]) == 0
    assert main(["run", "--replay", "last", *where]) == 2
    assert "was imported" in capsys.readouterr().err


def test_nothing_is_written_if_an_argument_is_wrong(
    tmp_path: Path, result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bare/objects").mkdir(parents=True)
    (tmp_path / "bare/HEAD").write_text("ref: refs/heads/main\n")
    where = ["--archive", str(tmp_path / "archive")]
    for arguments, why in (
        ([str(tmp_path / "bare")], "--model: say whose work"),
        ([str(result), str(tmp_path / "bare"), "--model", "m"], "is a bare repository"),
        ([str(result), str(tmp_path / "absent"), "--model", "m"], "is not a folder"),
        ([str(result), "--epoch", "0"], "--epoch"),
    ):
        assert main(["import", *arguments, *where]) == 2
        assert why in capsys.readouterr().err
    assert not (tmp_path / "archive").exists()


@pytest.mark.docker
def test_a_clone_becomes_a_run_and_nothing_of_it_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = clone_with_a_trap(tmp_path / "clone")
    (clone / "leak").symlink_to("/etc/passwd")
    where = ["--archive", str(tmp_path / "archive")]
    assert main(["import", str(clone), "--model", "old/model", *where, "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert run["imported"]["kind"] == "repository"
    repository = tmp_path / "archive/runs" / run["run"] / "repo.git"
    log = subprocess.run(
        ["git", f"--git-dir={repository}", "log", "--all", "--format=%s"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert {"theirs", "import: the workspace when the phase ended"} == set(log.stdout.split("\n")) - {""}
    assert main(["inspect", "last", "--checkout", str(tmp_path / "out"), *where]) == 0
    assert (tmp_path / "out/app/a.rb").read_text() == "class A; end\n"
    assert not (tmp_path / "out/leak").exists()
    assert not (tmp_path / "owned").exists()
    assert main(["verify", *where]) == 0
