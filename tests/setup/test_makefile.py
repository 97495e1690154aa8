"""The Makefile passes on what was set, and .ci/run tells the truth."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run make as a user would, not as part of the make that may be running these tests."""
    return subprocess.run(
        ["make", "--no-print-directory", "-C", str(ROOT), *arguments],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_is_the_default_and_names_every_target() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    listed = set(re.findall(r"^  ([a-z]+) ", make().stdout, re.MULTILINE))
    assert listed == targets
    assert {"run", "test", "check", "list", "inspect", "rescore", "verify", "doctor", "clean"} <= listed


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["run"], 'run  --task "rails_chat" --agent "bash" --epochs "1"'),
        (
            ["run", "MODEL=demo/b", "EPOCHS=3", "ARCHIVE=/my archive"],
            'run --model "demo/b" --task "rails_chat" --agent "bash" --epochs "3" --archive "/my archive"',
        ),
        (["list"], "list"),
        (["inspect", "RUN=a.b/1"], 'inspect "a.b/1"'),
        (["rescore", "RUBRIC=rails_chat@2"], 'rescore --all --rubric "rails_chat@2"'),
        (["selftest"], 'rubric selftest "rails_chat" --lab'),
        (["verify", "ARCHIVE=/x"], 'verify --archive "/x"'),
    ],
)
def test_commands(arguments: list[str], command: str) -> None:
    printed = make("-n", *arguments, MODEL="stray", ARCHIVE="stray", RUN="stray").stdout
    assert printed.splitlines()[-1].strip() == f".venv/bin/shipworthy {command}"


@pytest.mark.parametrize(("target", "variable"), [("inspect", "RUN="), ("rescore", "RUBRIC=")])
def test_a_missing_variable_is_named(target: str, variable: str) -> None:
    done = make(target)
    assert done.returncode == 2
    assert variable in done.stderr


def test_clean_never_touches_the_archive() -> None:
    assert "archive" not in make("-n", "clean").stdout


@pytest.mark.parametrize(("failing", "exit_code"), [("none", 0), ("check", 1), ("test", 1)])
def test_ci_runs_both_and_is_honest(failing: str, exit_code: int, tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    fake = tmp_path / "commands" / "make"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "made $1"\ntest "$1" != {failing}\n')
    fake.chmod(0o755)
    done = subprocess.run(
        [tmp_path / ".ci" / "run"],
        env={"PATH": f"{fake.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == exit_code
    assert done.stdout.splitlines() == ["made check", "made test"]
