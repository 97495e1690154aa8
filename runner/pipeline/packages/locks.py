"""Which package files a tree's lock files name: those of npm, Yarn 1 and Bundler.

Lock files are read as data. What no sandbox could use (packages for other systems) is left out; of what could
not be fetched or found again, and of lock files that nobody follows, it is said.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from runner.core.records import PackageKind
from runner.core.tree import SourceTree

MACHINES = frozenset({"x64", "arm64"})
NPM_REGISTRY = "https://registry.npmjs.org"
_NPM = ("package-lock.json", "npm-shrinkwrap.json")
_UNFOLLOWED = {
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "Bun",
    "bun.lockb": "Bun",
    "deno.lock": "Deno",
    "pdm.lock": "PDM",
    "pixi.lock": "Pixi",
    "composer.lock": "Composer",
    "Cargo.lock": "Cargo",
    "go.sum": "Go",
    "mix.lock": "Mix",
}
_STRONGEST_FIRST = ("sha512", "sha384", "sha256")
_IGNORED = re.compile(r"(^|/)(node_modules|vendor)/")
_GEM = re.compile(r"^    (?P<name>[\w.-]+) \((?P<version>[\w.]+)(?:-(?P<platform>[\w.-]+))?\)$")
_GEM_PLATFORM = re.compile(r"(?:x86_64|aarch64)-linux(?:-gnu)?")
_GEM_SUM = re.compile(r"^  (?P<file>[\w.-]+ \([\w.-]+\)) sha256=(?P<sum>[0-9a-f]{64})$", re.M)


Read = Callable[[str], Iterable["Wanted"]]


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
    found = [wanted for path, read in _followed(tree) for wanted in read(tree.text(path) or "")]
    return list(dict.fromkeys(found))


def unfollowed(tree: SourceTree) -> list[str]:
    """What lock files name and could not be kept, with the reason."""
    told = []
    for path in lock_files(tree):
        name = path.rpartition("/")[2]
        if name in _UNFOLLOWED:
            told.append(f"{path}: lock files of {_UNFOLLOWED[name]} are not followed")
        elif name == "yarn.lock" and "__metadata:" in (tree.text(path) or "")[:2_000]:
            told.append(f"{path}: lock files of Yarn 2 and later are not followed")
        elif name in _NPM and (count := len(list(_unsound(tree.text(path) or "")))):
            told.append(f"{path}: {count} packages have no digest that npm could find them by")
    return told


def lock_files(tree: SourceTree) -> list[str]:
    """The paths of all files outside installed packages that may be lock files."""
    return [path for path in tree if not _IGNORED.search(path) and not tree.files[path].is_link]


def _followed(tree: SourceTree) -> Iterator[tuple[str, Read]]:
    readers = {**dict.fromkeys(_NPM, npm_packages), "Gemfile.lock": gems, "yarn.lock": yarn_packages}
    for path in lock_files(tree):
        if (read := readers.get(path.rpartition("/")[2])) is not None:
            yield path, read


def npm_packages(text: str) -> Iterator[Wanted]:
    """Of a package-lock.json of any version. npm finds by digest only, so those without one are left out.

    An address that is left out is the public registry's, as npm takes it.
    """
    for name, entry in _npm_entries(_json(text)):
        digest = strongest(str(entry.get("integrity")))
        if digest and _runs_here(entry):
            called, version = str(entry.get("name") or name), str(entry.get("version"))
            url = entry.get("resolved")
            if not isinstance(url, str):
                url = f"{NPM_REGISTRY}/{called}/-/{called.rpartition('/')[2]}-{version}.tgz"
            yield Wanted(PackageKind.NPM, called, version, url, digest)


def _unsound(text: str) -> Iterator[str]:
    """Names of packages that are to be downloaded and have no sound digest."""
    for name, entry in _npm_entries(_json(text)):
        is_downloaded = str(entry.get("resolved")).startswith(("http:", "https:"))
        if is_downloaded and strongest(str(entry.get("integrity"))) is None and _runs_here(entry):
            yield name


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def yarn_packages(text: str) -> Iterator[Wanted]:
    """Of a yarn.lock of version 1, which npm reads too where there is no lock of its own."""
    name = version = url = ""
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            name = line.partition(",")[0].strip().strip('":').rpartition("@")[0].partition("@npm:")[0]
            version = url = ""
        elif line.startswith("  version "):
            version = _said(line)
        elif line.startswith("  resolved "):
            url = _said(line).partition("#")[0]
        elif line.startswith("  integrity ") and name and url and (digest := strongest(_said(line))):
            yield Wanted(PackageKind.NPM, name, version, url, digest)


def _said(line: str) -> str:
    return line.strip().partition(" ")[2].strip('"')


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
