"""From a workspace in a sandbox to a commit in the archive."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from runner.archive.repository import Repository
from runner.core.errors import UnpackError
from runner.core.protocols import Sandbox

MAX_FILE_BYTES = 20_000_000
MAX_BUNDLE_BYTES = 500_000_000
_SNAPSHOT_S = 180


@dataclass(frozen=True)
class Snapshot:
    """A phase's commit and tree id, and what was left out."""

    commit: str
    tree: str
    skipped: tuple[str, ...]


async def take_snapshot(sandbox: Sandbox, repository: Repository, phase: str, at: datetime) -> Snapshot:
    """Commit the workspace as the phase left it, with the agent's own history beside it.

    Raises UnpackError if the workspace cannot be committed or is too large: the model's doing.
    """
    result = await sandbox.exec(
        ["python3", "-I", "-", str(MAX_FILE_BYTES)], stdin=_program(), timeout_s=_SNAPSHOT_S
    )
    if not result.ok:
        reason = "it took too long" if result.timed_out else result.stderr[-2000:].decode("utf-8", "replace")
        raise UnpackError(f"the workspace could not be committed: {reason}")
    said = json.loads(result.stdout)
    with tempfile.TemporaryDirectory(prefix="shipworthy-") as folder:
        bundle = Path(folder) / "bundle"
        await sandbox.get(f"{said['folder']}/snapshot.bundle", bundle, MAX_BUNDLE_BYTES)
        commit, tree = await asyncio.to_thread(repository.add_snapshot, phase, bundle, at)
        skipped = [str(reason) for reason in said["skipped"]]
        if said["history"]:
            skipped += await _take_history(sandbox, said["folder"], bundle, repository)
    await sandbox.exec(["rm", "-rf", said["folder"]], cwd="/")
    return Snapshot(commit, tree, tuple(skipped))


async def _take_history(sandbox: Sandbox, folder: str, bundle: Path, repository: Repository) -> list[str]:
    """The agent's own commits are a courtesy: an unsound or huge history costs nothing but itself."""
    try:
        await sandbox.get(f"{folder}/history.bundle", bundle, MAX_BUNDLE_BYTES)
        await asyncio.to_thread(repository.add_history, bundle)
    except UnpackError as error:
        return [f"the agent's own history: {error}"]
    return []


@cache
def _program() -> bytes:
    return (Path(__file__).with_name("inside") / "snapshot.py").read_bytes()
