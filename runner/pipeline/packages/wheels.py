"""Which wheels a tree's requirements come to: the newest that fit, as pip took them, and what those require.

Not a resolver: each requirement is met by itself, by what was chosen before if that fits. pip decides, in the
lab, among the files that were kept.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from runner.core.records import PackageKind
from runner.core.tree import SourceTree
from runner.pipeline.packages.locks import Wanted
from runner.pipeline.packages.python_locks import pinned

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
PYTHONS = ("cp313", "cp314")  # of the sandboxes' distribution
MACHINES = ("_x86_64", "_aarch64")
MOST_METADATA = 1_000_000
_HERE = {
    "python_version": "3.14",
    "python_full_version": "3.14.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
}
_OPTIONS = re.compile(r"\s+--\w.*|(?:^|\s+)#.*")
Get = Callable[[Wanted], Awaitable[bytes | None]]
Page = Callable[[str], Awaitable[bytes | None]]


def requirements(tree: SourceTree) -> list[Requirement]:
    """What the requirements.txt files name, and what lock files of Python pin.

    Options, addresses and folders are left out.
    """
    texts = [tree.text(path) or "" for path in tree if path.rpartition("/")[2] == "requirements.txt"]
    lines = [line for text in texts for line in text.replace("\\\n", " ").splitlines()]
    told = [*(_OPTIONS.sub("", line) for line in lines), *pinned(tree)]
    return [found for line in told if (found := _requirement(line))]


@dataclass(frozen=True)
class Release:
    """One version with its wheels that a sandbox can use."""

    version: Version
    wheels: tuple[Wanted, ...]


class Wheels:
    """Follows requirements through an index. `page` gets a project's page, `get` a wheel, once each."""

    def __init__(self, index: str, page: Page, get: Get) -> None:
        self._index = index
        self._page = page
        self._get = get
        self._releases: dict[str, list[Release]] = {}

    async def follow(self, wanted: list[Requirement]) -> list[str]:
        """Get all that is needed; returns requirements that no wheel meets, with the reason."""
        chosen: dict[str, Release] = {}
        seen: set[str] = set()
        unmet: list[str] = []
        waiting = list(wanted)
        while waiting:
            requirement = waiting.pop(0)  # those of the repository come first, so that its pins win
            if str(requirement) in seen:
                continue
            seen.add(str(requirement))
            name = canonicalize_name(requirement.name)
            release = await self._choose(requirement, chosen.get(name))
            if release is None:
                unmet.append(f"{requirement}: no wheel for it")
                continue
            chosen.setdefault(name, release)
            waiting += await self._needs(release, requirement.extras)
        return unmet

    async def _choose(self, requirement: Requirement, before: Release | None) -> Release | None:
        if before is not None and requirement.specifier.contains(before.version, prereleases=True):
            return before
        name = canonicalize_name(requirement.name)
        if name not in self._releases:
            url = urljoin(self._index, f"{name}/")
            self._releases[name] = list(releases(await self._page(url), url))
        fits = set(requirement.specifier.filter(release.version for release in self._releases[name]))
        return max(
            (r for r in self._releases[name] if r.version in fits), key=lambda r: r.version, default=None
        )

    async def _needs(self, release: Release, extras: set[str]) -> list[Requirement]:
        bodies = [await self._get(wheel) for wheel in release.wheels]
        body = next(filter(None, bodies), None)
        stated = required_by(body) if body else []
        return [r for r in stated if any(_applies(r, extra) for extra in ("", *extras))]


def releases(page: bytes | None, url: str) -> Iterator[Release]:
    """The releases on a project's page (PEP 691) that have wheels for a sandbox; none if unreadable."""
    try:
        files = json.loads(page or b"{}").get("files", [])
        usable = [file for file in files if not file.get("yanked") and "sha256" in file["hashes"]]
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return
    by_version: dict[Version, list[tuple[bool, Wanted]]] = {}
    for file in usable:
        if (found := _wheel(file, url)) is not None:
            by_version.setdefault(Version(found[1].version), []).append(found)
    for version, wheels in by_version.items():
        pure = [wheel for is_pure, wheel in wheels if is_pure]
        yield Release(version, tuple(pure[:1] or [wheel for _, wheel in wheels]))


def required_by(wheel: bytes) -> list[Requirement]:
    """What a wheel's metadata says that it needs; nothing if it has none that can be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            names = (info for info in archive.infolist() if info.filename.endswith(".dist-info/METADATA"))
            info = next((info for info in names if info.file_size <= MOST_METADATA), None)
            raw, _ = parse_email(archive.read(info)) if info else ({}, {})
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, OSError):
        return []
    return [found for line in raw.get("requires_dist", []) if (found := _requirement(line))]


def _wheel(file: dict[str, Any], page: str) -> tuple[bool, Wanted] | None:
    """(whether it runs anywhere, the wheel), if a sandbox can use it."""
    try:
        name, version, _, tags = parse_wheel_filename(str(file["filename"]))
        url, digest = urljoin(page, str(file["url"])), f"sha256-{file['hashes']['sha256']}"
    except (InvalidWheelFilename, KeyError, ValueError):
        return None
    suiting = [tag for tag in tags if _suits(tag)]
    if not suiting:
        return None
    is_pure = any(tag.platform == "any" for tag in suiting)
    return is_pure, Wanted(PackageKind.PYTHON, name, str(version), url, digest)


def _suits(tag: Tag) -> bool:
    if tag.interpreter not in ("py3", *PYTHONS) and tag.abi != "abi3":
        return False
    linux = tag.platform.startswith(("manylinux", "linux")) and tag.platform.endswith(MACHINES)
    return linux or tag.platform == "any"


def _requirement(line: str) -> Requirement | None:
    try:
        found = Requirement(line.strip())
    except InvalidRequirement:
        return None
    return found if found.url is None and _applies(found, None) else None


def _applies(requirement: Requirement, extra: str | None) -> bool:
    """Whether its marker holds in a sandbox, with an extra; without any (None), one for extras may hold."""
    if requirement.marker is None:
        return True
    if extra is None:
        return "extra" in str(requirement.marker) or requirement.marker.evaluate({**_HERE, "extra": ""})
    return requirement.marker.evaluate({**_HERE, "extra": extra})
