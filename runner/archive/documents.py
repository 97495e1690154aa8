"""Records as JSON documents of a store, each written once and checkable.

A document is an envelope: {"digest": SHA-256 of the record's canonical JSON, "at": when it was written,
"record": ...}. Those written before `at` was kept have their file's time instead.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from runner.core.errors import ArchiveError
from runner.core.protocols import Store
from runner.core.records import Record, canonical_json

R = TypeVar("R", bound=Record)
Clock = Callable[[], datetime]
Dated: TypeAlias = tuple[datetime, R]
_HEAD = re.compile(rb'\{\s*"digest": "([0-9a-f]{64})"')


class Documents:
    """What cannot be read is left out by some methods and named in `damaged`, with the reason."""

    def __init__(self, root: Path, store: Store, clock: Clock | None = None) -> None:
        self.root = root
        self.damaged: dict[str, str] = {}
        self._store = store
        self.now = clock or _now

    def exists(self, key: str) -> bool:
        """Whether there is such a document."""
        return (self.root / key).exists()

    def add(self, key: str, record: Record, indent: int | None = None) -> bool:
        """Write it once; False if the same record is there. Raises ArchiveError if another one is."""
        content = record.model_dump(mode="json")
        digest = _digest(content)
        if self.exists(key) and self._envelope(key).get("digest") == digest:
            return False
        at = self.now().isoformat(timespec="milliseconds")
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
        found = self.digested(key, kind)
        return found[0] if found else None

    def dated(self, key: str, kind: type[R]) -> Dated[R]:
        """The record and when it was written. Raises ArchiveError as `read` does."""
        envelope, record, _ = self._checked(key, kind)
        try:
            at = datetime.fromisoformat(envelope["at"]) if "at" in envelope else self._file_time(key)
        except (ValueError, TypeError) as error:
            raise damaged(self.root / key, error) from error
        return at, record

    def digested(self, key: str, kind: type[R]) -> tuple[R, str] | None:
        """The record and its digest, None if there is none. Raises ArchiveError as `find` does."""
        try:
            return self._checked(key, kind)[1:]
        except ArchiveError:
            if self.exists(key):  # asked last: mostly it is there
                raise
            return None

    def digest(self, key: str) -> str | None:
        """What a document says its digest is, None if it says nothing; nothing is checked."""
        try:
            head = _HEAD.match(self._store.read(key))
        except ArchiveError:
            return None
        return head[1].decode() if head else None

    def _checked(self, key: str, kind: type[R]) -> tuple[dict[str, Any], R, str]:
        envelope = self._envelope(key)
        try:
            record = kind.model_validate(envelope["record"])
            digest = _digest(envelope["record"])  # of what was written: records may have gained fields since
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(self.root / key, error) from error
        if digest != envelope.get("digest"):
            raise ArchiveError(f"{self.root / key}: was changed: its content does not match its digest")
        return envelope, record, digest

    def dated_if_sound(self, key: str, kind: type[R]) -> Dated[R] | None:
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
            raise damaged(self.root / key, error) from error
        if not isinstance(envelope, dict):
            raise ArchiveError(f"{self.root / key}: is damaged: it is no envelope")
        return envelope

    def _file_time(self, key: str) -> datetime:
        return datetime.fromtimestamp((self.root / key).stat().st_mtime, UTC)


def damaged(path: Path, error: Exception) -> ArchiveError:
    """What cannot be read, in one line, and what may be done."""
    reason = " ".join(str(error).split())
    return ArchiveError(f"{path}: is damaged: {reason[:200]}")


def _digest(content: Any) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)
