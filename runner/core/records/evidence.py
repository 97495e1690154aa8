"""What was found: findings of probes, and the packages a tree needs."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from runner.core.records.base import Record, Values


class Outcome(StrEnum):
    """A check is a statement that is true of good code: PASS is always good. UNKNOWN is not failure."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


class Location(Record):
    """A place in the produced repository; lines count from 1."""

    path: str
    line: int | None = None
    text: str | None = None


class Finding(Record):
    """The outcome of one check, with what it was seen by."""

    check: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    outcome: Outcome
    message: str
    locations: tuple[Location, ...] = ()
    values: Values = {}


class PackageKind(StrEnum):
    """Whose package manager installs it."""

    NPM = "npm"
    PYTHON = "python"
    RUBY = "ruby"


class Package(Record):
    """A package file as its registry served it: one of those that a tree needs to be installed again.

    `content` is `<algorithm>-<hex>`, its digest, and names the file in the archive; `locked` says that the
    repository's lock file, or the registry's index, stated it.
    """

    kind: PackageKind
    name: str
    version: str
    url: str
    file: str = Field(pattern=r"^[\w@+-][\w.@+!-]*$")
    content: str = Field(pattern=r"^sha(256|384|512)-[0-9a-f]{64,128}$")
    locked: bool


class PackageIndex(Record):
    """The packages that were kept for a tree, sorted."""

    tree: str
    packages: tuple[Package, ...]


class Evidence(Record):
    """What one probe found in one tree; cached under (tree, probe, version, environment)."""

    tree: str
    probe: str
    version: int
    environment: str
    findings: tuple[Finding, ...]
