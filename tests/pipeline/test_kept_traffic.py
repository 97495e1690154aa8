"""A transcript is read once; what is kept of it is only a cache."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.synthetic import Plan, make
from runner.archive.archive import Archive
from runner.core.records import Run
from runner.pipeline.showing.traffic import traffic_of
from runner.storage.local import LocalStore


@pytest.fixture
def run(tmp_path: Path) -> tuple[Archive, Run]:
    make(Plan(tmp_path / "archive", runs=1, seed=1, repositories=1))
    archive = Archive(tmp_path / "archive", LocalStore(tmp_path / "archive"))
    [found] = [run for run in archive.runs() if "transcript.jsonl" in run.files]
    return archive, found


def test_it_is_read_once(run: tuple[Archive, Run], tmp_path: Path) -> None:
    archive, found = run
    first = traffic_of(archive, found, tmp_path / "cache")
    assert first is not None
    (archive.folder(found) / "transcript.jsonl").unlink()
    assert traffic_of(archive, found, tmp_path / "cache") == first


def test_what_was_kept_and_cut_off_is_read_again(run: tuple[Archive, Run], tmp_path: Path) -> None:
    archive, found = run
    first = traffic_of(archive, found, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").rglob("*.json")
    kept.write_text(kept.read_text()[:20])
    assert traffic_of(archive, found, tmp_path / "cache") == first
    assert json.loads(kept.read_text())


def test_a_cache_that_cannot_be_written_costs_only_time(run: tuple[Archive, Run], tmp_path: Path) -> None:
    archive, found = run
    (tmp_path / "cache").write_text("a file")
    assert traffic_of(archive, found, tmp_path / "cache") is not None


def test_nothing_asked_is_no_traffic(run: tuple[Archive, Run], tmp_path: Path) -> None:
    archive, found = run
    silent = found.model_copy(update={"files": {}, "attempt": 9})
    assert traffic_of(archive, silent, tmp_path / "cache") is None
