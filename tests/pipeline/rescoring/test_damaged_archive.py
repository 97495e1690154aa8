"""Much of an archive is damaged: what is sound is scored and shown, the rest is named, exit codes say so."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.synthetic import Plan, make
from runner.cli.main import main
from runner.cli.settings import settings_from
from runner.core.records import Run
from runner.pipeline.archives import open_archive

RUBRIC = ("--rubric", "rails_chat@3")


@dataclass(frozen=True)
class Damaged:
    """Runs by what is wrong with them."""

    root: Path
    sealed_badly: Run
    without_repository: Run
    with_holes: Run
    with_bad_evidence: Run
    of_a_lost_task: Run
    score_lost: Run

    @property
    def where(self) -> tuple[str, str]:
        """The option that names the archive."""
        return "--archive", str(self.root)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    root = tmp_path_factory.mktemp("damaged") / "archive"
    make(Plan(root, 60, seed=5, scores=False, repositories=3, tasks=("rails_chat",)))
    assert main(["rescore", "--all", *RUBRIC, "--archive", str(root)]) in (0, 1)
    archive = open_archive(settings_from(os.environ, root))
    sound = [run for run in archive.runs() if run.failure is None and run.tree]
    bare, holes, badly, evidence, task, score = sound[:6]
    shutil.rmtree(archive.folder(bare) / "repo.git")
    for pack in (archive.folder(holes) / "repo.git/objects/pack").iterdir():
        pack.chmod(0o600)
        pack.write_bytes(b"")
    for run in (bare, holes):
        next((root / "evidence" / str(run.tree)).glob("ruby_llm-*.json")).unlink()
    seal = archive.folder(badly) / "run.json"
    seal.write_bytes(seal.read_bytes()[:300])
    found = next((root / "evidence" / str(evidence.tree)).glob("hotwire-*.json"))
    found.write_bytes(found.read_bytes()[:200])
    trial = task.trial.model_copy(update={"task": "gone"})
    lost = archive.seal(archive.new_attempt(trial), task.model_copy(update={"trial": trial, "attempt": 1}))
    (batch,) = root.glob("scores/rails_chat@3-*/batches/*.jsonl")
    wrong = f'"run":"{score.id}","tier":"'.encode()
    assert batch.read_bytes().count(wrong) == 1
    batch.write_bytes(batch.read_bytes().replace(wrong, wrong.replace(b"tier", b"teir")))
    return Damaged(root, badly, bare, holes, evidence, lost, score)


def test_rescoring_all_names_what_is_damaged_and_scores_the_rest(
    damaged: Damaged, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rescore", "--all", "--rubric", "rails_chat@2", *damaged.where]) == 1
    shown = capsys.readouterr()
    assert "52 runs scored: 52 new" in shown.out
    for run in (damaged.without_repository, damaged.with_holes, damaged.with_bad_evidence):
        assert f"damaged: {run.id}: " in shown.out
    assert "hotwire" in shown.out
    assert damaged.sealed_badly.id in shown.err
    assert "unknown task 'gone'" in shown.err


def test_damage_does_not_become_the_newest_score(
    damaged: Damaged, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = open_archive(settings_from(os.environ, damaged.root))
    before = archive.scores(damaged.with_bad_evidence)
    run = damaged.with_bad_evidence.id
    assert main(["rescore", run, "--rubric", "rails_chat@1", *damaged.where]) == 1
    assert "delete the file and score the run again" in " ".join(capsys.readouterr().err.split())
    assert archive.scores(damaged.with_bad_evidence) == before


def test_a_lost_score_is_computed_again(damaged: Damaged, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rescore", damaged.score_lost.id, *RUBRIC, *damaged.where, "--json"]) in (0, 1)
    (again,) = json.loads(capsys.readouterr().out)
    archive = open_archive(settings_from(os.environ, damaged.root))
    assert [s.low for s in archive.scores(damaged.score_lost) if s.rubric == "rails_chat@3"] == [again["low"]]
    complaints = {name: said for name, said in archive.verify() if said}
    (batch,) = (name for name in complaints if name.endswith(".jsonl"))
    assert damaged.score_lost.id in complaints[batch][0]


def test_one_that_cannot_be_read_is_told_apart(damaged: Damaged, capsys: pytest.CaptureFixture[str]) -> None:
    run = damaged.without_repository
    assert main(["rescore", run.id, "--rubric", "rails_chat@1", *damaged.where]) == 1
    shown = capsys.readouterr()
    assert "there is no repository" in shown.err
    assert "not graded" in shown.out


@pytest.mark.parametrize(
    "command",
    [
        ("standings", "--details"),
        ("standings", "--json"),
        ("compare", "heron-large", "plover-7b"),
        ("compare", "heron-large", "plover-7b", "--regression"),
        ("recommend", "--shape", "horizon=long"),
        ("list",),
        ("rubric", "diff", "rails_chat@1", "rails_chat@2", "--all"),
    ],
)
def test_no_command_ends_by_it(
    damaged: Damaged, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *damaged.where]) == 1
    shown = capsys.readouterr()
    assert "synthetic/" in shown.out or "synthetic-" in shown.out
    assert damaged.sealed_badly.trial.id in shown.err
    if command[0] in ("standings", "compare", "recommend"):
        assert "unknown task 'gone'" in shown.err
    if command[0] == "rubric":
        assert f"damaged: {damaged.with_holes.id}: " in shown.err


def test_history_tells_what_is_left(damaged: Damaged, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", damaged.with_holes.id, *damaged.where]) == 1
    assert "rails_chat@3: " in capsys.readouterr().out


def test_the_site_is_made_all_the_same(
    damaged: Damaged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--out", str(tmp_path / "site"), *damaged.where]) == 1
    assert (tmp_path / "site/index.html").is_file()
    assert damaged.sealed_badly.trial.id in capsys.readouterr().err
