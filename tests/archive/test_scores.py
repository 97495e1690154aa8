"""Many scores in one batch: read like any other, checked one by one, and told once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.archive.archive import Archive
from runner.core.records import DimensionScore, Score
from runner.storage.local import LocalStore

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
RUBRIC = ("r@1", "d" * 64)


class Clock:
    """A second later each time."""

    def __init__(self) -> None:
        self.at = BEGIN

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path, LocalStore(tmp_path), Clock())


def score(run: int, points: float = 90, evidence: str = "e") -> Score:
    dimension = DimensionScore(
        id="all", title="Alles für “ü”", points=100, low=points, high=points, applied=(), unknown=()
    )
    return Score(
        run=f"t.m.a.e{run}.{run:08}/1",
        rubric=RUBRIC[0],
        rubric_digest=RUBRIC[1],
        evidence_digest=evidence * 64,
        dimensions=(dimension,),
        low=points,
        high=points,
        tier="A",
    )


def batches(archive: Archive) -> list[Path]:
    return sorted(archive.root.glob("scores/*/batches/*.jsonl"))


def test_many_are_one_file_and_few_are_a_file_each(archive: Archive) -> None:
    many, few = [score(n) for n in range(30)], [score(n, 80, "f") for n in range(3)]
    archive.ledger.add_all(many)
    archive.ledger.add_all(few)
    assert len(batches(archive)) == 1
    assert len(list(archive.root.glob("scores/*/t.*/*.json"))) == 3
    assert [s for _, s in archive.ledger.of(many[1].run, RUBRIC)] == [many[1], few[1]]
    assert archive.ledger.find(many[5].run, *RUBRIC, "e" * 64) == many[5]
    assert archive.ledger.find(many[5].run, *RUBRIC, "f" * 64) is None
    assert archive.ledger.any_of(many[5].run, *RUBRIC)
    assert not archive.ledger.any_of("t.m.a.e99.00000099/1", *RUBRIC)
    assert [p.low for p in archive.ledger.points(many[1].run)] == [90, 80]
    assert [said for _, said in archive.verify() if said] == []


def test_each_record_is_the_canonical_json_that_its_digest_is_of(archive: Archive) -> None:
    many = [score(n) for n in range(25)]
    archive.ledger.add_all(many)
    head, *records = batches(archive)[0].read_bytes().splitlines()
    listed = json.loads(head)["scores"]
    assert [each["run"] for each in listed] == [s.run for s in many]
    assert [s.digest() for s in many] == [each["sha256"] for each in listed]
    assert [s.canonical() for s in many] == records


def test_the_same_scores_again_are_told_once_with_their_first_time(archive: Archive) -> None:
    many = [score(n) for n in range(20)]
    archive.ledger.add_all(many)
    archive.ledger.add_all(many)  # as by two commands side by side
    archive.add_score(many[0])
    assert len(batches(archive)) == 2
    assert archive.ledger.of(many[0].run) == [(BEGIN + timedelta(seconds=1), many[0])]
    assert [said for _, said in archive.verify() if said] == []


def test_new_batches_are_seen_by_who_has_read_the_old_ones(archive: Archive) -> None:
    archive.ledger.add_all([score(n) for n in range(20)])
    reader = Archive(archive.root, LocalStore(archive.root))
    assert reader.ledger.find(score(25).run, *RUBRIC, "e" * 64) is None
    archive.ledger.add_all([score(n) for n in range(20, 40)])
    assert reader.ledger.find(score(25).run, *RUBRIC, "e" * 64) == score(25)


def test_one_damaged_record_is_named_and_the_others_stay(archive: Archive) -> None:
    many = [score(n) for n in range(20)]
    archive.ledger.add_all(many)
    (batch,) = batches(archive)
    batch.write_bytes(batch.read_bytes().replace(f'"run":"{many[3].run}","tier":"A"'.encode(), b"%" * 42))
    reader = Archive(archive.root, LocalStore(archive.root))
    assert reader.ledger.of(many[3].run) == []
    assert reader.ledger.find(many[3].run, *RUBRIC, "e" * 64) is None
    (said,) = reader.damaged.values()
    assert many[3].run in said
    assert reader.ledger.of(many[2].run)
    assert [name for name, said in reader.verify() if said] == [str(batch.relative_to(archive.root))]
    reader.ledger.add_all(many)  # computed again: now it is there
    assert [s for _, s in reader.ledger.of(many[3].run)] == [many[3]]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"at": "x", "scores": [{"run": 1}]}\n'])
def test_a_batch_without_a_list_is_named(archive: Archive, content: bytes) -> None:
    archive.ledger.add_all([score(n) for n in range(20)])
    (batch,) = batches(archive)
    batch.write_bytes(content)
    reader = Archive(archive.root, LocalStore(archive.root))
    assert reader.ledger.of(score(1).run) == []
    assert str(batch) in "".join(reader.damaged.values())
    assert [name for name, said in reader.verify() if said] == [str(batch.relative_to(archive.root))]


def test_a_truncated_batch_keeps_what_is_whole(archive: Archive) -> None:
    many = [score(n) for n in range(20)]
    archive.ledger.add_all(many)
    (batch,) = batches(archive)
    batch.write_bytes(batch.read_bytes()[:-200])
    reader = Archive(archive.root, LocalStore(archive.root))
    assert [bool(reader.ledger.of(s.run)) for s in (many[0], many[19])] == [True, False]
