"""Records as JSON documents of a store, each written once and checkable.

A document is an envelope: {"digest": SHA-256 of the record's canonical JSON, "at": when it was written,
"record": ...}. Those written before `at` was kept have their file's time instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from runner.core.errors import ArchiveError
from runner.core.protocols import Store
from runner.core.records import Record, canonical_json

R = TypeVar("R", bound=Record)
Clock = Callable[[], datetime]


class Documents:
    """What cannot be read is left out by some methods and named in `damaged`, with the reason."""

    def __init__(self, root: Path, store: Store, clock: Clock | None = None) -> None:
        self.root = root
        self.damaged: dict[str, str] = {}
        self._store = store
        self._clock = clock or _now

    def exists(self, key: str) -> bool:
        """Whether there is such a document."""
        return (self.root / key).exists()

    def add(self, key: str, record: Record, indent: int | None = None) -> bool:
        """Write it once; False if the same record is there. Raises ArchiveError if another one is."""
        content = record.model_dump(mode="json")
        digest = _digest(content)
        if self.exists(key) and self._envelope(key).get("digest") == digest:
            return False
        at = self._clock().isoformat(timespec="milliseconds")
        envelope = {"digest": digest, "at": at, "record": content}
        data = json.dumps(envelope, indent=indent, ensure_ascii=False).encode() + b"\n"
        try:
            self._store.write(key, data)
        except ArchiveError:
            if not self.exists(key) or self._envelope(key).get("digest") != digest:
                raise
            return False  # somebody else was faster
        return True

    def read(self, key: str, kind: type[R]) -> R:
        """The record. Raises ArchiveError if it is missing, damaged or was changed."""
        return self.dated(key, kind)[1]

    def find(self, key: str, kind: type[R]) -> R | None:
        """The record, if there is one. Raises ArchiveError if it is damaged or was changed."""
        try:
            return self.read(key, kind)
        except ArchiveError:
            if self.exists(key):  # asked last: mostly it is there
                raise
            return None

    def dated(self, key: str, kind: type[R]) -> tuple[datetime, R]:
        """The record and when it was written. Raises ArchiveError as `read` does."""
        envelope = self._envelope(key)
        try:
            record = kind.model_validate(envelope["record"])
            digest = _digest(envelope["record"])  # of what was written: records may have gained fields since
            at = datetime.fromisoformat(envelope["at"]) if "at" in envelope else self._file_time(key)
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise ArchiveError(f"{self.root / key}: is damaged: {error}") from error
        if digest != envelope.get("digest"):
            raise ArchiveError(f"{self.root / key}: was changed: its content does not match its digest")
        return at, record

    def dated_if_sound(self, key: str, kind: type[R]) -> tuple[datetime, R] | None:
        """The same, or None; then `damaged` says why."""
        try:
            return self.dated(key, kind)
        except ArchiveError as error:
            self.damaged[key] = str(error)
            return None

    def complaints(self, key: str, kind: type[Record]) -> list[str]:
        """What is wrong with it."""
        try:
            self.read(key, kind)
        except ArchiveError as error:
            return [str(error)]
        return []

    def _envelope(self, key: str) -> dict[str, Any]:
        try:
            envelope = json.loads(self._store.read(key))
        except ValueError as error:
            raise ArchiveError(f"{self.root / key}: is damaged: {error}") from error
        if not isinstance(envelope, dict):
            raise ArchiveError(f"{self.root / key}: is damaged: it is no envelope")
        return envelope

    def _file_time(self, key: str) -> datetime:
        return datetime.fromtimestamp((self.root / key).stat().st_mtime, UTC)


def _digest(content: Any) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)
