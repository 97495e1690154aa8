"""Grading without an engine: which probes look at a run, and by which rubric it may be graded."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from runner.archive.archive import Archive
from runner.archive.repository import Repository
from runner.cli import inspect
from runner.cli.rescore import own_runs
from runner.cli.settings import settings_from
from runner.core.errors import SpecError, UserError
from runner.core.records import Condition, Deduction, Dimension, Rubric, Run, RunStatus, Tier, Trial, Usage
from runner.pipeline.archives import open_archive
from runner.pipeline.events import Event
from runner.pipeline.grading.evidence import all_probes, probes_for
from runner.pipeline.grading.grader import get_rubric, grade, lacking_sandboxes, misfits, rubric_for
from runner.pipeline.settings import Settings

PROJECT = Path(__file__).parents[2]
AT = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
MakeRun = Callable[[str], Run]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(settings_from(os.environ), archive=tmp_path / "archive", models=tmp_path / "none")


@pytest.fixture
def archive(settings: Settings) -> Archive:
    return open_archive(settings)


@pytest.fixture
def run_of(archive: Archive, tmp_path: Path) -> MakeRun:
    """Makes a sealed run of a task that left a small program."""

    def make(task: str) -> Run:
        trial = Trial(
            task=task,
            task_digest="d",
            model="demo/x",
            model_digest="m",
            agent="bash",
            agent_version="1",
            epoch=1,
        )
        attempt = archive.new_attempt(trial)
        repository = Repository(attempt.repository)
        _, tree = repository.add_snapshot("build", bundle(tmp_path / task), AT)
        repository.close()
        return archive.seal(
            attempt,
            Run(
                trial=trial,
                attempt=attempt.number,
                status=RunStatus.COMPLETED,
                started=AT,
                finished=AT,
                phases=(),
                usage=Usage(),
                image="i",
                tree=tree,
            ),
        )

    return make


def bundle(folder: Path) -> Path:
    (folder / "notes").mkdir(parents=True)
    (folder / "notes/__main__.py").write_text("import argparse\n")
    for command in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "x"),
        ("branch", "-f", "snapshot"),
        ("bundle", "create", "-q", f"../{folder.name}.bundle", "refs/heads/snapshot"),
    ):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    return folder.with_name(f"{folder.name}.bundle")


def rubric_of(*checks: str) -> Rubric:
    deductions = tuple(
        Deduction(id=f"d{n}", when=Condition(fail=check), points=1, because="Because.")
        for n, check in enumerate(checks)
    )
    return Rubric(
        id="notes_cli",
        version=99,
        title="A few checks",
        dimensions=(Dimension(id="all", title="All", points=100, deductions=deductions),),
        tiers=(Tier(id="A", at_least=0, meaning="All."),),
    )


async def probed(archive: Archive, run: Run, rubric: Rubric, settings: Settings) -> set[str]:
    """The probes that had to look while the run was graded."""
    events: list[Event] = []
    graded = await grade(archive, run, rubric, settings, None, events.append)
    assert graded.score is not None
    return {event.data["probe"] for event in events if event.kind == "probe"}


def test_the_checks_choose_the_probes() -> None:
    chosen = probes_for({"secrets.none_in_tree", "python_suite.covers", "python_suite.passes"})
    assert [probe.id for probe in chosen] == ["python_suite", "secrets"]
    assert probes_for(set()) == ()


def test_no_probe_is_left_that_no_rubric_asks(settings: Settings) -> None:
    rubrics = [
        get_rubric(name, settings) for name in ("rails_chat@1", "rails_chat", "notes_cli", "own_tests")
    ]
    asked = {check for rubric in rubrics for check in rubric.checks()}
    assert {probe.id for probe in all_probes()} == {probe.id for probe in probes_for(asked)}


async def test_a_run_is_looked_at_only_for_what_its_rubric_asks(
    archive: Archive, run_of: MakeRun, settings: Settings
) -> None:
    rubric = get_rubric("notes_cli@1", settings)
    wanted = {"python_project", "python_suite", "notes_behaviour", "secrets"}
    assert await probed(archive, run_of("notes_cli"), rubric, settings) == wanted
    kept = {path.name.partition("-")[0] for path in (archive.root / "evidence").rglob("*.json")}
    assert kept == {"python_project", "secrets"}


async def test_a_rubric_with_a_new_check_needs_just_that_probe(
    archive: Archive, run_of: MakeRun, settings: Settings
) -> None:
    run = run_of("notes_cli")
    first = rubric_of("python_project.package")
    second = rubric_of("python_project.package", "python_project.tests", "secrets.none_in_tree")
    assert await probed(archive, run, first, settings) == {"python_project"}
    assert await probed(archive, run, second, settings) == {"secrets"}
    assert await probed(archive, run, second, settings) == set()
    assert await probed(archive, run, first, settings) == set()


async def test_evidence_that_a_rubric_does_not_ask_for_does_not_change_its_score(
    archive: Archive, run_of: MakeRun, settings: Settings
) -> None:
    run, rubric = run_of("notes_cli"), rubric_of("python_project.package")
    before = (await grade(archive, run, rubric, settings, None, lambda event: None)).score
    await probed(archive, run, rubric_of("secrets.none_in_tree"), settings)
    assert (await grade(archive, run, rubric, settings, None, lambda event: None)).score == before


def test_an_engine_is_needed_only_for_what_the_rubric_asks(run_of: MakeRun, settings: Settings) -> None:
    runs = [run_of("notes_cli")]
    assert lacking_sandboxes(settings, runs, rubric_of("python_project.package")) == set()
    assert lacking_sandboxes(settings, runs, rubric_of("python_suite.runs")) == {"base"}


# --- rubrics belong to tasks


def test_a_rubric_of_another_task_is_refused(settings: Settings) -> None:
    with pytest.raises(UserError, match="notes_cli is graded by versions of rubric notes_cli, not by rails_"):
        rubric_for("notes_cli", "rails_chat@2", settings)
    assert rubric_for("notes_cli", None, settings).id == "notes_cli"


def test_an_edited_copy_of_the_tasks_own_rubric_fits(settings: Settings, tmp_path: Path) -> None:
    document = yaml.safe_load((PROJECT / "rubrics/notes_cli/v1.yaml").read_text())
    document["version"] = 7
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))
    assert rubric_for("notes_cli", str(tmp_path / "mine.yaml"), settings).version == 7
    with pytest.raises(SpecError, match="unknown rubric"):
        rubric_for("notes_cli", "notes_cli@7", settings)


def test_runs_of_other_tasks_are_left_out_aloud_and_refused_by_name(
    run_of: MakeRun, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    notes, rails, gone = (run_of(task) for task in ("notes_cli", "rails_chat", "gone"))
    rubric = get_rubric("notes_cli", settings)
    assert set(misfits([notes, rails, gone], rubric, settings)) == {"rails_chat", "gone"}
    assert own_runs(settings, [notes, rails, rails, gone], rubric, every=True) == [notes]
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("shipworthy: left out: 1 run: unknown task 'gone'")
    assert said[1].startswith("shipworthy: left out: 2 runs: task rails_chat is graded by versions of")
    with pytest.raises(UserError, match="not by notes_cli@1"):
        own_runs(settings, [rails], rubric, every=False)


def test_inspect_lists_what_was_seen_of_an_app(
    archive: Archive, run_of: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of("rails_chat")
    folder = archive.root / "artifacts" / str(run.tree) / "visit-1/1"
    folder.mkdir(parents=True)
    for name in ("empty.png", "timeline.jsonl"):
        (folder / name).write_text("x")
    told = argparse.Namespace(run="last", checkout=None, archive=archive.root, json=True)
    assert inspect.main(told) == 0
    listed = json.loads(capsys.readouterr().out)["artifacts"]
    assert listed == [str(folder / "empty.png"), str(folder / "timeline.jsonl")]
    told.json = False
    assert inspect.main(told) == 0
    assert f"{folder}\n             empty.png timeline.jsonl\n" in capsys.readouterr().out
