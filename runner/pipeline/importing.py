"""Work that was done elsewhere, as sealed runs: a folder or repository to grade, or claims of a result file.

Nothing of it was metered here, so a run's own usage stays unknown; what a file claims is kept apart.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runner.archive.archive import Archive, Attempt
from runner.archive.folder import read_folder
from runner.archive.repository import Repository
from runner.core.errors import UserError
from runner.core.protocols import SandboxBackend, SandboxSpec
from runner.core.records import (
    UNKNOWN_USAGE,
    Blame,
    Failure,
    Imported,
    PhaseResult,
    Run,
    RunStatus,
    Task,
    Trial,
)
from runner.core.tree import SourceTree
from runner.pipeline.trials.snapshot import take_snapshot
from runner.pipeline.workbench import HELPER_IMAGE
from runner.spec.claimed_results import ClaimedResult

PHASE = "import"
BY_HAND = "imported"  # as the agent's version: no trial of ours has it
_UNMETERED = UNKNOWN_USAGE.model_copy(update={"requests": 0})


@dataclass(frozen=True)
class Origin:
    """Whose work it is said to be, and for which task."""

    task: Task
    model: str
    agent: str
    epoch: int = 1

    @property
    def trial(self) -> Trial:
        """A trial of its own: what was imported is never taken for a run of ours."""
        return Trial(
            task=self.task.id,
            task_digest=self.task.identity(),
            model=self.model,
            model_digest=hashlib.sha256(f"imported {self.model}".encode()).hexdigest(),
            agent=self.agent,
            agent_version=BY_HAND,
            epoch=self.epoch,
        )


def readable(folder: Path) -> SourceTree:
    """The folder as data. Raises UserError for a bare repository, and as `read_folder` does."""
    if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
        raise UserError(f"{folder}: is a bare repository; clone it and import the clone")
    return read_folder(folder)


async def import_folder(
    archive: Archive, origin: Origin, source: Path, tree: SourceTree, sandbox: tuple[SandboxBackend, str]
) -> tuple[Run, list[str]]:
    """A sealed run with the folder as its repository, and what was left out, with reasons.

    Its files, with any `.git` among them, go as data into a sealed sandbox (backend and image), where they
    are committed as a workspace is. Raises SandboxError, or UnpackError if they cannot be committed; then the
    attempt is sealed as interrupted.
    """
    attempt = archive.new_attempt(origin.trial)
    started = datetime.now(UTC)
    repository = Repository(attempt.repository)
    phase: PhaseResult | None = None
    left_out = [f"{path}: {reason}" for path, reason in tree.skipped.items()]
    has_history = any(path.startswith(".git/") for path in tree)
    try:
        backend, image = sandbox
        spec = SandboxSpec(image, f"{origin.trial.id}/{attempt.number}", resources=origin.task.resources)
        async with backend.open(spec) as box:
            await box.put(tree)
            taken = await take_snapshot(box, repository, PHASE, started)
        repository.pack()
        phase = _phase(started, taken.commit, taken.tree)
        left_out += taken.skipped
    finally:
        repository.close()
        imported = Imported(source=str(source), kind="repository" if has_history else "folder")
        status = RunStatus.COMPLETED if phase else RunStatus.INTERRUPTED
        run = archive.seal(attempt, _run(origin, attempt, started, phase, imported, status))
    return run, left_out


def import_result(archive: Archive, origin: Origin, source: Path, claimed: ClaimedResult) -> Run:
    """A sealed run without a repository, with the file beside it; its claims are kept apart."""
    attempt = archive.new_attempt(origin.trial)
    (attempt.logs / source.name).write_bytes(source.read_bytes())
    imported = Imported(
        source=str(source),
        kind="result",
        status=claimed.status,
        wall_s=claimed.wall_s,
        usage=claimed.usage,
    )
    started = claimed.started or claimed.finished or datetime.now(UTC)
    status = RunStatus.COMPLETED if claimed.status == "completed" else RunStatus.FAILED
    run = _run(origin, attempt, started, None, imported, status)
    return archive.seal(attempt, run.model_copy(update={"finished": claimed.finished or started}))


def _phase(started: datetime, commit: str, tree: str) -> PhaseResult:
    return PhaseResult(
        id=PHASE,
        started=started,
        wall_s=0,
        usage=_UNMETERED,
        exit_code=None,
        stopped_by="done",
        commit=commit,
        tree=tree,
    )


def _run(
    origin: Origin,
    attempt: Attempt,
    started: datetime,
    phase: PhaseResult | None,
    imported: Imported,
    status: RunStatus,
) -> Run:
    failure = None
    if status is not RunStatus.COMPLETED:
        told = f"the file claims {imported.status!r}" if imported.status else "the import broke off"
        failure = Failure(kind=Blame.INFRA, code=BY_HAND, message=f"{told}; nobody here saw why")
    return Run(
        trial=origin.trial,
        attempt=attempt.number,
        status=status,
        started=started,
        finished=datetime.now(UTC),
        phases=(phase,) if phase else (),
        usage=_UNMETERED,
        image=HELPER_IMAGE,
        tree=phase.tree if phase else None,
        failure=failure,
        imported=imported,
    )
