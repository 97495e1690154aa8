"""The ledger of scores: what a run was ever given, under whatever rubric and from whatever evidence.

A run that is graded by itself has a document of its own; where many are scored at once they share a batch,
written in one go:

    scores/<rubric>-<digest>/<trial>/<attempt>-<evidence digest>.json
    scores/<rubric>-<digest>/batches/<digest>.jsonl

A batch's first line lists its scores, each with run, digests, points and the place of its record; then the
records follow, one a line, each exactly the canonical JSON that its SHA-256 is of. Two rescores side by side
may keep the same score twice; it is told once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.archive.documents import Dated, Documents, damaged
from runner.core.errors import ArchiveError
from runner.core.protocols import Store
from runner.core.records import Record, Score
from runner.core.rescored import Points

SCORES, BATCHES = "scores/", "batches"
BATCH_FROM = 20  # scores; fewer are a document each, which people can open


class Mark(Record):
    """A score in short: what its batch says of it without being read."""

    run: str
    rubric: str
    rubric_digest: str
    evidence_digest: str
    low: float
    high: float
    tier: str | None
    at: datetime
    sha256: str
    begin: int
    size: int


class Scores:
    """The archive's part for scores."""

    def __init__(self, root: Path, store: Store, documents: Documents) -> None:
        self._root = root
        self._store = store
        self._documents = documents
        self._batches: dict[str, dict[str, list[Mark]]] = {}  # by key, the marks of each run

    def add(self, score: Score) -> bool:
        """Keep a score; the same one twice is no change, and False."""
        return self._documents.add(_key(score), score)

    def add_all(self, scores: Sequence[Score]) -> None:
        """Keep scores of one rubric, many of them with a single write."""
        if len(scores) < BATCH_FROM:
            for score in scores:
                self.add(score)
            return
        data = _batch(scores, self._documents.now())
        digest = hashlib.sha256(data).hexdigest()[:16]
        self._store.write(
            f"{_folder(scores[0].rubric, scores[0].rubric_digest)}/{BATCHES}/{digest}.jsonl", data
        )

    def find(self, run: str, rubric: str, rubric_digest: str, evidence_digest: str) -> Score | None:
        """What was once computed from this evidence under this rubric, None if it was not or is damaged."""
        folder = _folder(rubric, rubric_digest)
        for key, mark in self._marks(folder, run):
            if mark.evidence_digest == evidence_digest:
                return found[1] if (found := self._of_batch_if_sound(key, mark)) else None
        key = f"{folder}/{run}-{evidence_digest[:12]}.json"
        found = self._documents.dated_if_sound(key, Score) if self._documents.exists(key) else None
        return found[1] if found else None

    def any_of(self, run: str, rubric: str, rubric_digest: str) -> bool:
        """Whether a run ever was scored under a rubric; no score is read."""
        folder = _folder(rubric, rubric_digest)
        return bool(self._marks(folder, run)) or bool(self._document_keys(folder, run))

    def of(self, run: str, rubric: tuple[str, str] | None = None) -> list[Dated[Score]]:
        """A run's readable scores (under one rubric, by name and digest) with their times, oldest first.

        A tie of times keeps the order of their files.
        """
        folders = [_folder(*rubric)] if rubric else self._folders()
        keys = [key for folder in folders for key in self._document_keys(folder, run)]
        keys.sort(key=lambda key: (self._root / key).stat().st_mtime_ns)
        found = [self._documents.dated_if_sound(key, Score) for key in keys]
        marks = [each for folder in folders for each in self._marks(folder, run)]
        found += [self._of_batch_if_sound(key, mark) for key, mark in marks]
        sound = sorted((each for each in found if each is not None), key=lambda each: each[0])
        return list({(s.rubric_digest, s.evidence_digest): (at, s) for at, s in reversed(sound)}.values())[
            ::-1
        ]

    def points(self, run: str) -> list[Points]:
        """Of every score a run ever got, oldest first; what cannot be read is left out."""
        folders = self._folders()
        found = [
            (m.at, Points(m.rubric, m.low, m.high, m.tier, m.rubric_digest, m.evidence_digest))
            for folder in folders
            for _, m in self._marks(folder, run)
        ]
        for key in (key for folder in folders for key in self._document_keys(folder, run)):
            if (dated := self._documents.dated_if_sound(key, Score)) is not None:
                at, s = dated
                found.append(
                    (at, Points(s.rubric, s.low, s.high, s.tier, s.rubric_digest, s.evidence_digest))
                )
        return [points for _, points in sorted(found, key=lambda each: each[0])]

    def complaints(self) -> Iterator[tuple[str, Sequence[str]]]:
        """(key, complaints) of each document and batch, re-hashed from disk."""
        for key in self._store.keys(SCORES):
            if key.endswith(".jsonl"):
                yield key, self._batch_complaints(key)
            else:
                yield key, self._documents.complaints(key, Score)

    # --- documents

    def _folders(self) -> list[str]:
        folder = self._root / SCORES
        return sorted(f"{SCORES}{name}" for name in os.listdir(folder)) if folder.is_dir() else []

    def _document_keys(self, folder: str, run: str) -> list[str]:
        trial, _, attempt = run.partition("/")
        try:
            names = os.listdir(self._root / folder / trial)
        except OSError:
            return []
        return sorted(
            f"{folder}/{trial}/{n}" for n in names if n.startswith(f"{attempt}-") and n.endswith(".json")
        )

    # --- batches

    def _marks(self, folder: str, run: str) -> list[tuple[str, Mark]]:
        """Of a run in the batches of a folder, with the batch's key; a batch is listed once in a process."""
        try:
            names = sorted(os.listdir(self._root / folder / BATCHES))
        except OSError:
            return []
        keys = [f"{folder}/{BATCHES}/{name}" for name in names if name.endswith(".jsonl")]
        return [(key, mark) for key in keys for mark in self._listed(key).get(run, ())]

    def _listed(self, key: str) -> dict[str, list[Mark]]:
        known = self._batches.get(key)
        if known is None:
            known = self._batches[key] = {}
            try:
                for mark in self._read_list(key):
                    known.setdefault(mark.run, []).append(mark)
            except ArchiveError as error:
                self._documents.damaged[key] = str(error)
        return known

    def _read_list(self, key: str) -> list[Mark]:
        path = self._root / key
        try:
            with path.open("rb") as file:
                line = file.readline()
            head = json.loads(line)
            return [_mark(each, head["at"], len(line)) for each in head["scores"]]
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise damaged(path, error) from error

    def _of_batch(self, key: str, mark: Mark) -> Dated[Score]:
        path = self._root / key
        try:
            with path.open("rb") as file:
                file.seek(mark.begin)
                data = file.read(mark.size)
            if hashlib.sha256(data).hexdigest() != mark.sha256:
                raise ArchiveError(f"{path}: was changed: the score of {mark.run} does not match its digest")
            return mark.at, Score.model_validate_json(data)
        except (OSError, ValueError) as error:
            raise damaged(path, error) from error

    def _of_batch_if_sound(self, key: str, mark: Mark) -> Dated[Score] | None:
        try:
            return self._of_batch(key, mark)
        except ArchiveError as error:
            self._documents.damaged[f"{key} ({mark.run})"] = str(error)
            return None

    def _batch_complaints(self, key: str) -> list[str]:
        try:
            for mark in self._read_list(key):
                self._of_batch(key, mark)
        except ArchiveError as error:
            return [str(error)]
        data = (self._root / key).read_bytes()
        renamed = hashlib.sha256(data).hexdigest()[:16] != Path(key).stem
        return ["was changed: its content does not match its name"] if renamed else []


def _folder(rubric: str, digest: str) -> str:
    return f"{SCORES}{rubric}-{digest[:12]}"


def _key(score: Score) -> str:
    folder = _folder(score.rubric, score.rubric_digest)
    return f"{folder}/{score.run}-{score.evidence_digest[:12]}.json"


def _mark(listed: dict[str, Any], at: str, records: int) -> Mark:
    """`records` is where the records begin."""
    return Mark.model_validate({**listed, "at": at, "begin": records + listed["begin"]})


def _batch(scores: Sequence[Score], at: datetime) -> bytes:
    """The bytes of a batch; places count from the end of its first line."""
    records = [score.canonical() for score in scores]
    listed, begin = [], 0
    for score, record in zip(scores, records, strict=True):
        listed.append(
            {
                "run": score.run,
                "rubric": score.rubric,
                "rubric_digest": score.rubric_digest,
                "evidence_digest": score.evidence_digest,
                "low": score.low,
                "high": score.high,
                "tier": score.tier,
                "sha256": hashlib.sha256(record).hexdigest(),
                "begin": begin,
                "size": len(record),
            }
        )
        begin += len(record) + 1
    head = {"at": at.isoformat(timespec="milliseconds"), "scores": listed}
    return json.dumps(head, ensure_ascii=False).encode() + b"\n" + b"\n".join(records) + b"\n"
