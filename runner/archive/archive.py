"""The archive: sealed runs, evidence and scores, each written once and checkable.

    runs/<trial>/<attempt>/   repo.git  transcript.jsonl  cassette.jsonl  egress.jsonl  events.jsonl  logs/
                              run.json
    evidence/<tree>/<probe>-<version>-<environment>.json
    scores/<rubric>-<digest>/<trial>/<attempt>-<evidence digest>.json
    improvements/<rubric>-<digest>/<trial>/<attempt>-<phase>-<evidence digest>.json
    calibrations/<task>-<goals digest>-<reading>/<trial>/<attempt>-<evidence digest>.json
    packages/                 see packages.py

A run is sealed by its run.json, written last. What a JSON document looks like: documents.py.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from runner.archive.documents import Clock, Documents
from runner.archive.packages import Packages
from runner.core.errors import ArchiveError, UserError
from runner.core.locks import is_held, lock
from runner.core.protocols import Store
from runner.core.records import (
    Calibration,
    Evidence,
    Improvement,
    Record,
    Rubric,
    Run,
    Score,
    Trial,
)

SEAL = "run.json"
CASSETTE = "cassette.jsonl"
R = TypeVar("R", bound=Record)


class Attempt:
    """One attempt's folder while it is being written; locked, so that others know it is in use."""

    def __init__(self, folder: Path, number: int, descriptor: int) -> None:
        self.folder = folder
        self.number = number
        self._descriptor = descriptor
        (folder / "logs").mkdir(exist_ok=True)

    @property
    def transcript(self) -> Path:
        """Every exchange with the model, one JSON line each."""
        return self.folder / "transcript.jsonl"

    @property
    def cassette(self) -> Path:
        """Every reply of the model, to be replayed."""
        return self.folder / CASSETTE

    @property
    def egress(self) -> Path:
        """Every download, one JSON line each."""
        return self.folder / "egress.jsonl"

    @property
    def events(self) -> Path:
        """What happened when, one JSON line each."""
        return self.folder / "events.jsonl"

    @property
    def logs(self) -> Path:
        """Logs of the agent and of what was probed."""
        return self.folder / "logs"

    @property
    def repository(self) -> Path:
        """The bare repository."""
        return self.folder / "repo.git"

    def close(self) -> None:
        """Let go of the folder's lock."""
        os.close(self._descriptor)


class Archive:
    """All that was ever run, found and scored, below one folder.

    A run or score that cannot be read is left out and named in `damaged`, with the reason; a score can be
    computed again after its file was deleted.
    """

    def __init__(self, root: Path, store: Store, clock: Clock | None = None) -> None:
        self.root = root
        self._store = store
        self._documents = Documents(root, store, clock)
        self.packages = Packages(root, store, self._documents)

    @property
    def damaged(self) -> dict[str, str]:
        """Reasons by key."""
        return self._documents.damaged

    # --- runs

    def claim(self, trial: Trial) -> int | None:
        """Take the right to work on a trial; None while another runner has it. Closing it lets go."""
        folder = self.root / "runs" / trial.id
        folder.mkdir(parents=True, exist_ok=True)
        return lock(folder)

    def new_attempt(self, trial: Trial) -> Attempt:
        """A fresh, locked folder for the trial's next attempt."""
        parent = self.root / "runs" / trial.id
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            number = 1 + max((int(f.name) for f in parent.iterdir() if f.name.isdigit()), default=0)
            folder = parent / str(number)
            try:
                folder.mkdir()
            except FileExistsError:
                continue  # another runner was faster
            descriptor = lock(folder)
            if descriptor is not None:
                return Attempt(folder, number, descriptor)

    def abandoned(self, trial: Trial) -> list[Attempt]:
        """Attempts of a trial that a dead runner left unsealed; each is locked for the caller to seal."""
        found = []
        for folder in _folders(self.root / "runs" / trial.id):
            if folder.name.isdigit() and not (folder / SEAL).exists():
                descriptor = lock(folder)
                if descriptor is not None and (folder / SEAL).exists():
                    os.close(descriptor)  # its runner sealed it in between
                elif descriptor is not None:
                    found.append(Attempt(folder, int(folder.name), descriptor))
        return found

    def seal(self, attempt: Attempt, run: Run) -> Run:
        """Write run.json, with the digest of every file beside it: from then on nothing may change."""
        sealed = run.model_copy(update={"files": _digests(attempt.folder)})
        self._documents.add(f"runs/{run.id}/{SEAL}", sealed, indent=1)
        attempt.close()
        return sealed

    def runs(self, trial: Trial | None = None) -> list[Run]:
        """Every sealed run (of one trial), in the order they were started."""
        folders = [trial.id] if trial else [f.name for f in _folders(self.root / "runs")]
        found = [self._run(f"{t}/{f.name}") for t in folders for f in _folders(self.root / "runs" / t)]
        return sorted((run for run in found if run), key=lambda run: (run.started, run.id))

    def find(self, reference: str) -> Run:
        """The run that `reference` names: its id, a unique part of one, a trial's last attempt, or `last`.

        What names an original and its replays means the original.
        """
        runs = self.runs()
        if not runs:
            raise UserError(f"there is no run in {self.root}; make one: make run")
        if not reference:
            raise UserError("which run? give its id, a unique part of it, or `last`")
        if reference == "last":
            return runs[-1]
        exact = [r for r in runs if reference.rstrip("/") in (r.id, r.trial.id)]
        partial = [r for r in runs if reference in r.id or reference == r.trial.model]
        partial = [r for r in partial if r.replay_of is None] or partial
        trials = {r.trial.id for r in exact or partial}
        if not trials:
            known = "\n  ".join(r.id for r in runs[-20:])
            raise UserError(f"no run is called {reference!r}; known:\n  {known}")
        if len(trials) > 1:
            raise UserError(f"{reference!r} names several runs:\n  " + "\n  ".join(sorted(trials)))
        return (exact or partial)[-1]

    def folder(self, run: Run) -> Path:
        """Where a run's files lie."""
        return self.root / "runs" / run.id

    def cassette(self, run: Run) -> Path:
        """Of a run, as it was sealed. Raises UserError if it has none, ArchiveError if it was changed."""
        if CASSETTE not in run.files:
            raise UserError(f"{run.id} has no cassette: it was run before replies were recorded")
        path = self.folder(run) / CASSETTE
        if not path.is_file() or _sha256(path) != run.files[CASSETTE]:
            raise ArchiveError(f"{path}: is not what was sealed; shipworthy verify names what changed")
        return path

    def _run(self, identity: str) -> Run | None:
        key = f"runs/{identity}/{SEAL}"
        found = self._documents.dated_if_sound(key, Run) if self._documents.exists(key) else None
        return found[1] if found else None

    # --- evidence and scores

    def evidence(self, tree: str, probe: str, version: int, environment: str) -> Evidence | None:
        """What this probe once found in this tree, if it ever looked."""
        key = f"evidence/{tree}/{probe}-{version}-{environment}.json"
        return self._documents.find(key, Evidence)

    def add_evidence(self, evidence: Evidence) -> Evidence:
        """Keep new evidence; the first one stays and is returned."""
        found = self.evidence(evidence.tree, evidence.probe, evidence.version, evidence.environment)
        if found is None:
            key = f"{evidence.probe}-{evidence.version}-{evidence.environment}"
            self._documents.add(f"evidence/{evidence.tree}/{key}.json", evidence, indent=1)
        return found or evidence

    def latest_evidence(self, tree: str, probe: str, version: int, where: str = "") -> Evidence | None:
        """The newest evidence of a probe version in whatever environment with `where` in its name."""
        found = self._evidence_keys(tree, probe, version, where)
        if len(found) > 1:
            found.sort(key=lambda key: (self.root / key).stat().st_mtime_ns)
        return self._documents.read(found[-1], Evidence) if found else None

    def has_evidence(self, tree: str, probe: str, version: int, where: str = "") -> bool:
        """Whether a probe version ever looked at a tree, in such an environment; it is not read."""
        return bool(self._evidence_keys(tree, probe, version, where))

    def _evidence_keys(self, tree: str, probe: str, version: int, where: str) -> list[str]:
        folder = self.root / "evidence" / tree
        names = os.listdir(folder) if folder.is_dir() else []
        begin = f"{probe}-{version}-"
        fits = [name for name in names if name.startswith(begin) and where in name]
        return [f"evidence/{tree}/{name}" for name in fits if name.endswith(".json")]

    def add_score(self, score: Score) -> bool:
        """Keep a score; the same one twice is no change, and False."""
        key = _score_key(score.run, score.rubric, score.rubric_digest, score.evidence_digest)
        return self._documents.add(key, score)

    def score(self, run: str, rubric: str, rubric_digest: str, evidence_digest: str) -> Score | None:
        """What was once computed from this evidence under this rubric, if it was."""
        key = _score_key(run, rubric, rubric_digest, evidence_digest)
        return self._documents.find(key, Score)

    def scores(self, run: Run, rubric: Rubric | None = None) -> list[Score]:
        """A run's scores (under one rubric), oldest first."""
        pattern = f"{rubric.name}-{rubric.digest()[:12]}" if rubric else "*"
        return [score for _, score in self._of(run, f"scores/{pattern}", Score)]

    def history(self, run: Run) -> list[tuple[datetime, Score]]:
        """Every score a run ever got, under whatever rubric and evidence, with its time; oldest first."""
        return self._of(run, "scores/*", Score)

    def add_calibration(self, calibration: Calibration) -> None:
        """Keep what a run's review was worth; the same one twice is no change."""
        read_as = f"{calibration.goals_digest[:12]}-{calibration.reading}"
        key = f"calibrations/{calibration.task}-{read_as}/{calibration.run}"
        self._documents.add(f"{key}-{calibration.evidence_digest[:12]}.json", calibration)

    def calibrations(self, run: Run) -> list[Calibration]:
        """A run's calibrations, oldest first."""
        return [each for _, each in self._of(run, "calibrations/*", Calibration)]

    def add_improvement(self, improvement: Improvement) -> None:
        """Keep what a repair phase brought; the same one twice is no change."""
        folder = f"improvements/{improvement.rubric}-{improvement.rubric_digest[:12]}"
        key = f"{improvement.run}-{improvement.phase}-{improvement.evidence_digest[:12]}"
        self._documents.add(f"{folder}/{key}.json", improvement)

    def improvements(self, run: Run, rubric: str, rubric_digest: str) -> list[Improvement]:
        """A run's improvements under one rubric, oldest first."""
        found = self._of(run, f"improvements/{rubric}-{rubric_digest[:12]}", Improvement)
        return [each for _, each in found]

    def _of(self, run: Run, folders: str, kind: type[R]) -> list[tuple[datetime, R]]:
        """A run's readable records in some folders with their times, oldest first."""
        paths = self.root.glob(f"{folders}/{run.id}-*.json")
        by_age = sorted(paths, key=lambda path: path.stat().st_mtime_ns)  # a tie of times keeps this order
        read = (self._documents.dated_if_sound(str(p.relative_to(self.root)), kind) for p in by_age)
        return sorted((found for found in read if found is not None), key=lambda found: found[0])

    # --- checking

    def verify(self) -> Iterator[tuple[str, Sequence[str]]]:
        """(name, complaints) of each sealed run, and of each record made of runs, re-hashed from disk."""
        for folder in _folders(self.root / "runs"):
            for attempt in _folders(folder):
                name = f"runs/{folder.name}/{attempt.name}"
                if (attempt / SEAL).exists():
                    yield name, self._check_run(name, attempt)
                elif not is_held(attempt):
                    yield name, ["is not sealed: its runner died; run the same command again"]
        kinds: dict[str, type[Record]] = {
            "evidence": Evidence,
            "scores": Score,
            "improvements": Improvement,
            "calibrations": Calibration,
        }
        for kind, record in kinds.items():
            for key in self._store.keys(f"{kind}/"):
                yield key, self._documents.complaints(key, record)
        yield from self.packages.verify()

    def _check_run(self, name: str, folder: Path) -> list[str]:
        complaints = self._documents.complaints(f"{name}/{SEAL}", Run)
        if complaints:
            return complaints
        then, now = self._documents.read(f"{name}/{SEAL}", Run).files, _digests(folder)
        for path in sorted(then.keys() | now.keys()):
            if path not in now:
                complaints.append(f"{path}: is missing")
            elif path not in then:
                complaints.append(f"{path}: was added")
            elif then[path] != now[path]:
                complaints.append(f"{path}: was changed")
        return complaints


def _score_key(run: str, rubric: str, rubric_digest: str, evidence_digest: str) -> str:
    return f"scores/{rubric}-{rubric_digest[:12]}/{run}-{evidence_digest[:12]}.json"


def _digests(folder: Path) -> dict[str, str]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != SEAL)
    return {str(p.relative_to(folder)): _sha256(p) for p in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folders(parent: Path) -> list[Path]:
    return sorted(p for p in parent.iterdir() if p.is_dir()) if parent.is_dir() else []
