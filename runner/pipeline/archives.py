"""Opening the archive, which needs neither engine nor gateway: commands that only read start quickly."""

from __future__ import annotations

from runner.archive.archive import Archive
from runner.pipeline.settings import Settings
from runner.storage.local import LocalStore

__all__ = ["Archive", "open_archive"]


def open_archive(settings: Settings) -> Archive:
    """The archive, which needs nothing else to be there."""
    return Archive(settings.archive, LocalStore(settings.archive))
