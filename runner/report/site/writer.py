"""The site's folder: a unit of pages is made again only if what it is made from changed."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from runner.core.errors import UserError

MANIFEST = ".shipworthy-site.json"


class SiteFolder:
    """Files below one folder, and a manifest of which unit made which of them under which key.

    Only files named there are ever removed. Raises UserError for a folder that holds something else.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written = 0
        self._then = _manifest(root)
        self._now: dict[str, dict[str, Any]] = {}

    def fresh(self, unit: str, key: str) -> bool:
        """Whether a unit was made under this key and all its files are there; it then stays as it is."""
        known = self._then.get(unit)
        if known is None or known["key"] != key or not all((self.root / f).is_file() for f in known["files"]):
            return False
        self._now[unit] = known
        return True

    def add(self, unit: str, key: str, files: dict[str, bytes]) -> None:
        """Write a unit's files, by path relative to the root; unchanged ones are left alone."""
        for path, content in files.items():
            self._write(path, content)
        self._now[unit] = {"key": key, "files": sorted(files)}

    def close(self) -> None:
        """Remove what no unit makes any more, and write the manifest."""
        kept = {file for unit in self._now.values() for file in unit["files"]}
        for unit in self._then.values():
            for file in set(unit["files"]) - kept:
                self._remove(file)
        self._write(MANIFEST, json.dumps(self._now, indent=0, sort_keys=True).encode())

    def _write(self, path: str, content: bytes) -> None:
        place = self.root / path
        try:
            if place.read_bytes() == content:
                return
        except FileNotFoundError:
            place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.{os.getpid()}.new")
        beside.write_bytes(content)
        beside.replace(place)
        self.written += 1

    def _remove(self, path: str) -> None:
        place = self.root / path
        place.unlink(missing_ok=True)
        for folder in place.parents:
            if folder == self.root or any(folder.iterdir()):
                return
            folder.rmdir()


def key_of(*parts: str | bytes) -> str:
    """A digest of all that a unit is made from."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8) + content)
    return digest.hexdigest()


def _manifest(root: Path) -> dict[str, dict[str, Any]]:
    if root.exists() and not root.is_dir():
        raise UserError(f"{root}: is not a folder; choose another with --out")
    place = root / MANIFEST
    if not place.exists():
        if root.exists() and any(root.iterdir()):
            raise UserError(f"{root}: holds files that are no site of ours; choose another with --out")
        return {}
    try:
        known = json.loads(place.read_bytes())
        return {unit: {"key": made["key"], "files": _inside(made["files"])} for unit, made in known.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # it was cut off while it was written: everything is made again


def _inside(files: list[str]) -> list[str]:
    """The paths as they are; a manifest that names anything outside is not ours."""
    if any(Path(file).is_absolute() or ".." in Path(file).parts for file in files):
        raise ValueError(files)
    return files
