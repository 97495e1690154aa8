"""Which package files a tree's lock files name: package-lock.json, npm-shrinkwrap.json, Gemfile.lock.

Lock files are read as data. What no sandbox could use (packages for other systems) is left out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from runner.core.records import PackageKind
from runner.core.tree import SourceTree

MACHINES = frozenset({"x64", "arm64"})
_STRONGEST_FIRST = ("sha512", "sha384", "sha256")
_IGNORED = re.compile(r"(^|/)(node_modules|vendor)/")
_GEM = re.compile(r"^    (?P<name>[\w.-]+) \((?P<version>[\w.]+)(?:-(?P<platform>[\w.-]+))?\)$")
_GEM_PLATFORM = re.compile(r"(?:x86_64|aarch64)-linux(?:-gnu)?")
_GEM_SUM = re.compile(r"^  (?P<file>[\w.-]+ \([\w.-]+\)) sha256=(?P<sum>[0-9a-f]{64})$", re.M)


@dataclass(frozen=True)
class Wanted:
    """A package file that a tree names; `digest` is `<algorithm>-<hex>`, None if the lock file has none."""

    kind: PackageKind
    name: str
    version: str
    url: str
    digest: str | None = None

    @property
    def host(self) -> str:
        """Where it is fetched from, in lower case; empty if the address makes no sense."""
        try:
            return urlsplit(self.url).hostname or ""
        except ValueError:
            return ""

    @property
    def file(self) -> str:
        """What its package manager would call the file."""
        return self.url.partition("?")[0].partition("#")[0].rpartition("/")[2]


def locked(tree: SourceTree) -> list[Wanted]:
    """Every package file that the lock files name, each once, in their order."""
    found: list[Wanted] = []
    for path in tree:
        text = None if _IGNORED.search(path) else tree.text(path)
        name = path.rpartition("/")[2]
        if text is not None and name in ("package-lock.json", "npm-shrinkwrap.json"):
            found += npm_packages(text)
        elif text is not None and name == "Gemfile.lock":
            found += gems(text)
    return list(dict.fromkeys(found))


def npm_packages(text: str) -> Iterator[Wanted]:
    """Of a package-lock.json of any version. npm finds by digest only, so those without one are left out."""
    try:
        lock = json.loads(text)
    except (ValueError, RecursionError):
        return
    for name, entry in _npm_entries(lock):
        url, digest = entry.get("resolved"), strongest(str(entry.get("integrity")))
        if isinstance(url, str) and digest and _runs_here(entry):
            called = str(entry.get("name") or name)
            yield Wanted(PackageKind.NPM, called, str(entry.get("version")), url, digest)


def strongest(integrity: str) -> str | None:
    """The digest that npm goes by, of a Subresource Integrity string; None if there is no sound one."""
    stated = dict(part.partition("?")[0].partition("-")[::2] for part in integrity.split())
    for algorithm in _STRONGEST_FIRST:
        try:
            raw = base64.b64decode(stated.get(algorithm, ""), validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(raw) == hashlib.new(algorithm).digest_size:
            return f"{algorithm}-{raw.hex()}"
    return None


def gems(text: str) -> Iterator[Wanted]:
    """Of a Gemfile.lock: gems from registries, for any system or for Linux."""
    sums = {found["file"]: f"sha256-{found['sum']}" for found in _GEM_SUM.finditer(text)}
    section, remote = "", ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            section, remote = line, ""
        elif section == "GEM" and line.startswith("  remote: "):
            remote = line.removeprefix("  remote: ").rstrip("/")
        elif section == "GEM" and remote and (found := _GEM.match(line)):
            name, version, platform = found["name"], found["version"], found["platform"]
            if platform is not None and not _GEM_PLATFORM.fullmatch(platform):
                continue
            url = f"{remote}/gems/{'-'.join(filter(None, (name, version, platform)))}.gem"
            yield Wanted(PackageKind.RUBY, name, version, url, sums.get(line.strip()))


def _npm_entries(lock: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, entry) of versions 2 and 3, which list by path, or of version 1, which nests."""
    lists = [lock.get("packages") or lock.get("dependencies")] if isinstance(lock, dict) else []
    while lists:
        entries = lists.pop()
        for path, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict):
                yield path.rpartition("node_modules/")[2], entry
                lists.append(entry.get("dependencies"))  # a list of names and ranges, but for version 1


def _runs_here(entry: Mapping[str, Any]) -> bool:
    ours: dict[str, AbstractSet[str]] = {"os": {"linux"}, "cpu": MACHINES, "libc": {"glibc"}}
    return all(_allows(entry.get(name), have) for name, have in ours.items())


def _allows(stated: Any, have: AbstractSet[str]) -> bool:
    """npm's rule: one of those listed, and none of those with an exclamation mark."""
    names = [str(name) for name in stated] if isinstance(stated, list) else []
    wanted = {name for name in names if not name.startswith("!")}
    return (not wanted or not wanted.isdisjoint(have)) and not have <= {
        name[1:] for name in set(names) - wanted
    }
