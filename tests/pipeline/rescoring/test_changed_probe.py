"""A probe that needs containers has changed: scoring again runs that one and no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.synthetic import bundle
from runner.archive.repository import Repository
from runner.cli.main import main
from runner.cli.settings import settings_from
from runner.core.records import Evidence, Finding, Outcome, Run, RunStatus, Trial, Usage
from runner.pipeline.archives import Archive, open_archive
from runner.pipeline.grading.evidence import all_probes, probes_for
from runner.pipeline.grading.grader import get_rubric
from tests.pipeline.test_grading import AT

pytestmark = pytest.mark.docker
CHANGED = "notes_behaviour"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return open_archive(settings_from(os.environ, tmp_path / "archive"))


def sealed(archive: Archive, scratch: Path) -> Run:
    fields = {"task": "notes_cli", "task_digest": "d", "model": "demo/x", "model_digest": "m"}
    trial = Trial.model_validate(fields | {"agent": "bash", "agent_version": "1", "epoch": 1})
    attempt = archive.new_attempt(trial)
    repository = Repository(attempt.repository)
    _, tree = repository.add_snapshot("build", bundle(scratch, "x"), AT)
    repository.close()
    done = {"status": RunStatus.COMPLETED, "started": AT, "finished": AT, "phases": (), "usage": Usage()}
    return archive.seal(
        attempt, Run.model_validate({"trial": trial, "attempt": 1, "image": "i", "tree": tree} | done)
    )


def test_only_the_changed_lab_probe_runs_again(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sealed(archive, tmp_path)
    settings = settings_from(os.environ, archive.root)
    wanted = probes_for(get_rubric("notes_cli@1", settings).checks())
    for probe in (each for each in wanted if each.needs_lab):
        findings = tuple(Finding(check=c, outcome=Outcome.PASS, message="seen before") for c in probe.checks)
        assert run.tree is not None
        known = {"tree": run.tree, "probe": probe.id, "version": probe.version, "environment": "before"}
        archive.add_evidence(Evidence.model_validate(known | {"findings": findings}))
    where = ("--rubric", "notes_cli@1", "--archive", str(archive.root))
    assert main(["rescore", "--all", *where]) == 0  # no container: all was seen before
    before = {path.name: path.read_bytes() for path in archive.root.rglob("evidence/*/*.json")}

    (changed,) = (probe for probe in all_probes() if probe.id == CHANGED)
    monkeypatch.setattr(type(changed), "version", changed.version + 1)
    assert main(["rescore", "--all", *where]) == 0
    after = {path.name: path.read_bytes() for path in archive.root.rglob("evidence/*/*.json")}
    assert before.items() < after.items()
    (new,) = after.keys() - before.keys()
    assert new.startswith(f"{CHANGED}-{changed.version}-")
    first, second = archive.scores(run)
    assert second.high < first.high  # it is no notes program, and now that was seen
