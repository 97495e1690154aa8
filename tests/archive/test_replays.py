"""Originals and replays beside each other, and cassettes as they were sealed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.archive.archive import Archive
from runner.core.errors import ArchiveError, UserError
from runner.core.records import Run, RunStatus, Trial, Usage
from runner.storage.local import LocalStore

AT = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
TRIAL = Trial(
    task="t", task_digest="d", model="demo/a", model_digest="m", agent="bash", agent_version="1", epoch=1
)


def sealed(archive: Archive, replay_of: str | None = None, cassette: bytes | None = b"{}\n") -> Run:
    trial = TRIAL.model_copy(update={"model_digest": replay_of or "m"})
    attempt = archive.new_attempt(trial)
    if cassette is not None:
        attempt.cassette.write_bytes(cassette)
    at = AT + timedelta(hours=len(archive.runs()))
    run = Run(
        trial=trial,
        attempt=attempt.number,
        status=RunStatus.COMPLETED,
        started=at,
        finished=at,
        phases=(),
        usage=Usage(),
        image="i",
        tree="abc",
        replay_of=replay_of,
    )
    return archive.seal(attempt, run)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path, LocalStore(tmp_path))


def test_what_names_an_original_and_its_replay_means_the_original(archive: Archive) -> None:
    original = sealed(archive)
    replay = sealed(archive, replay_of=original.id)
    for reference in ("demo/a", "t.demo-a", original.id, original.trial.id[-8:]):
        assert archive.find(reference) == original
    for reference in ("last", replay.id, replay.trial.id, replay.trial.id[-8:]):
        assert archive.find(reference) == replay


def test_a_cassette_is_handed_out_only_as_it_was_sealed(archive: Archive) -> None:
    run = sealed(archive)
    path = archive.cassette(run)
    assert path.read_bytes() == b"{}\n"
    path.write_bytes(b"{ }\n")
    with pytest.raises(ArchiveError, match="is not what was sealed"):
        archive.cassette(run)
    path.unlink()
    with pytest.raises(ArchiveError, match="is not what was sealed"):
        archive.cassette(run)


def test_a_run_from_before_cassettes_is_named(archive: Archive) -> None:
    run = sealed(archive, cassette=None)
    with pytest.raises(UserError, match=f"{run.id} has no cassette"):
        archive.cassette(run)
