"""A produced repository's files, held in memory: read as data, never executed."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class SourceFile:
    """One file. `mode` is Git's: 0o100644, 0o100755 or 0o120000 (a link; `content` is its target)."""

    path: str
    mode: int
    content: bytes

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link; links are never followed."""
        return self.mode == 0o120000


@dataclass(frozen=True)
class SourceTree:
    """Files by path relative to the repository's root, with `/` separators, never `..`.

    `digest` is the Git tree id. `skipped` names what was too large or not a file, with the reason.
    """

    digest: str
    files: dict[str, SourceFile]
    skipped: dict[str, str] = field(default_factory=dict)
    _derived: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def derived(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` makes of the files, parsed code say; made once, so that probes share it.

        Not for several threads at a time.
        """
        if key not in self._derived:
            self._derived[key] = make()
        made: T = self._derived[key]
        return made

    def __reduce__(self) -> tuple[type[SourceTree], tuple[Any, ...]]:
        """Another process gets the files and derives what it needs itself: parsed code cannot be sent."""
        return SourceTree, (self.digest, self.files, self.skipped)

    def __contains__(self, path: str) -> bool:
        return path in self.files

    def __iter__(self) -> Iterator[str]:
        paths: tuple[str, ...] = self.derived("paths", lambda: tuple(sorted(self.files)))
        return iter(paths)

    def text(self, path: str) -> str | None:
        """The file as text (UTF-8, undecodable bytes replaced); None if absent, a link or binary."""
        file = self.files.get(path)
        if file is None or file.is_link or b"\0" in file.content[:8192]:
            return None
        return file.content.decode("utf-8", "replace")

    def glob(self, *patterns: str) -> list[str]:
        """Sorted paths matching any shell pattern; `*` also crosses `/` (`app/*.rb` is recursive)."""
        return matching(self, *patterns)


def matching(paths: Iterable[str], *patterns: str) -> list[str]:
    """The paths that match any shell pattern, in their order; `*` also crosses `/`."""
    fits = _one_of(patterns).match
    return [path for path in paths if fits(path)]


@lru_cache(maxsize=1_000)
def _one_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)) or r"(?!)")


def tar_of(files: Mapping[str, SourceFile]) -> bytes:
    """A tar archive of files and links by their paths, with their permissions; nothing else can be in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, file in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            if file.is_link:
                member.type, member.linkname = tarfile.SYMTYPE, file.content.decode("utf-8", "replace")
                tar.addfile(member)
            else:
                member.mode, member.size = file.mode & 0o777, len(file.content)
                tar.addfile(member, io.BytesIO(file.content))
    return buffer.getvalue()
