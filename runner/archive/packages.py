"""Packages that produced apps need: each file once, by its content, and an index for each tree.

packages/files/<algorithm>-<hex>      as the registry served it
packages/trees/<tree>/<digest>.json   what one run kept for a tree; several runs may come to the same tree
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.archive.documents import Documents
from runner.core.errors import ArchiveError
from runner.core.protocols import Store
from runner.core.records import Package, PackageIndex, canonical_json

FILES, TREES = "packages/files/", "packages/trees/"


class Packages:
    """The archive's part for packages."""

    def __init__(self, root: Path, store: Store, documents: Documents) -> None:
        self._root = root
        self._store = store
        self._documents = documents

    def has(self, digest: str) -> bool:
        """Whether a file with this content is kept."""
        return (self._root / FILES / digest).is_file()

    def add_file(self, digest: str, data: bytes) -> None:
        """Keep a file. Raises ArchiveError if its content is not what its digest says."""
        if content_digest(data, digest.partition("-")[0]) != digest:
            raise ArchiveError(f"{FILES}{digest}: the content has another digest")
        self._store.write(FILES + digest, data)

    def add(self, index: PackageIndex) -> None:
        """Keep what a tree needs, its files first; the same twice is no change."""
        self._documents.add(f"{TREES}{index.tree}/{index.digest()[:12]}.json", index, indent=1)

    def of(self, tree: str) -> tuple[Package, ...]:
        """All that any run kept for a tree, sorted; those whose file is gone are left out."""
        found = {package for key in self._keys(tree) for package in self._read(key)}
        return tuple(sorted((p for p in found if self.has(p.content)), key=lambda p: p.canonical()))

    def digest(self, tree: str) -> str:
        """Stands for what is kept for a tree; empty if nothing is."""
        kept = [package.content for package in self.of(tree)]
        return hashlib.sha256(canonical_json(kept)).hexdigest() if kept else ""

    def path(self, package: Package) -> Path:
        """A kept package's file."""
        return self._root / FILES / package.content

    def verify(self) -> Iterator[tuple[str, Sequence[str]]]:
        """(key, complaints) of each index and file, re-hashed from disk."""
        for key in self._store.keys(TREES):
            missing = [f"{p.name} {p.version}: {p.content} is missing" for p in self._missing(key)]
            yield key, self._documents.complaints(key, PackageIndex) or missing
        for key in self._store.keys(FILES):
            digest = key.removeprefix(FILES)
            yield key, [] if _matches(self._root / key, digest) else ["was changed"]

    def _keys(self, tree: str) -> list[str]:
        folder = self._root / TREES / tree
        return sorted(f"{TREES}{tree}/{path.name}" for path in folder.glob("*.json"))

    def _read(self, key: str) -> tuple[Package, ...]:
        found = self._documents.dated_if_sound(key, PackageIndex)
        return found[1].packages if found else ()

    def _missing(self, key: str) -> list[Package]:
        return [package for package in self._read(key) if not self.has(package.content)]


def content_digest(data: bytes, algorithm: str = "sha256") -> str:
    """`<algorithm>-<hex>` of some bytes."""
    return f"{algorithm}-{hashlib.new(algorithm, data).hexdigest()}"


def _matches(path: Path, digest: str) -> bool:
    algorithm, _, said = digest.partition("-")
    if algorithm not in hashlib.algorithms_guaranteed:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest() == said
