"""What of this host an attack could change, looked at before and after."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from docker import APIClient

from runner.sandbox.lease import OWNER

PROJECT = Path(__file__).parents[2]
# What attacks write, start, bind and name holds one of these: others' work on this machine does not count.
MARKER = "shipworthy-hostile"
PORTS = range(45_870, 45_880)
SECRET = "canary-of-the-host-5f1e"
CANARY = Path("/tmp/shipworthy-hostile-canary")
_OURS = {
    ".git",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".cache",
    "__pycache__",
}


@dataclass(frozen=True)
class Footprint:
    """Files of HOME, /etc and the checkout, names in /tmp, ports, processes, variables, engine objects."""

    home: dict[str, str]
    system: dict[str, str]
    checkout: dict[str, str]
    temporary: dict[str, str]
    ports: list[int]
    processes: list[str]
    variables: dict[str, str]
    objects: list[str]

    def changes(self, before: Footprint) -> dict[str, Any]:
        """What differs from an earlier one, by field; {} if nothing does."""
        pairs = {
            field.name: (getattr(before, field.name), getattr(self, field.name)) for field in fields(self)
        }
        return {name: _difference(*pair) for name, pair in pairs.items() if pair[0] != pair[1]}


def footprint(engine: APIClient) -> Footprint:
    """As it is now."""
    return Footprint(
        home=dict(_files(Path.home(), {".cache", ".npm", ".local", *_OURS}, depth=2)),
        system=dict(_files(Path("/etc"), set(), depth=3)),
        checkout=dict(_files(PROJECT, {"archive", *_OURS}, depth=4)),
        temporary={str(path): _told(path) for path in Path("/tmp").glob(f"*{MARKER}*")},
        ports=[port for port in _listening() if port in PORTS],
        processes=[line for line in _commands() if MARKER in line],
        variables={name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        objects=[*_marked(engine)],
    )


def left_over(engine: APIClient, owner: str) -> list[Any]:
    """Every object in the engine that this runner made."""
    mine = {"label": f"{OWNER}={owner}"}
    return [
        *engine.containers(all=True, filters=mine),
        *engine.images(all=True, filters=mine),
        *(engine.volumes(filters=mine)["Volumes"] or []),
        *engine.networks(filters=mine),
    ]


def _difference(before: Any, after: Any) -> Any:
    if isinstance(before, dict):
        return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return [entry for entry in after if entry not in before] or after


def _files(root: Path, without: set[str], depth: int) -> Iterator[tuple[str, str]]:
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        deep = len(here.relative_to(root).parts) >= depth
        folders[:] = [] if deep else sorted(set(folders) - without)
        yield from ((str(here / name), _told(here / name)) for name in files if not name.endswith(".pyc"))


def _told(path: Path) -> str:
    try:
        found = path.lstat()
    except OSError:
        return "gone"
    return f"{stat.filemode(found.st_mode)} {found.st_uid} {found.st_size} {found.st_mtime_ns}"


def _listening() -> list[int]:
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()
    ]
    return sorted(int(line[1].rpartition(":")[2], 16) for line in lines if line[3] == "0A")


def _commands() -> Iterator[str]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue


def _marked(engine: APIClient) -> Iterator[str]:
    found = [*engine.containers(all=True), *engine.images(all=True), *engine.networks()]
    found += engine.volumes()["Volumes"] or []
    yield from (told for told in map(str, found) if MARKER in told)
