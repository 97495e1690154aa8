"""What a run needs of this machine, checked one by one, each with its mend."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from runner.core.errors import SpecError, UserError
from runner.pipeline.images import image_states
from runner.pipeline.settings import Settings
from runner.sandbox.doors import choose_door
from runner.sandbox.engine import connect, leftovers
from runner.spec.models import load_catalogue

OLDEST_GIT = (2, 30)
BLOCK_BELOW_GB, WARN_BELOW_GB = 1.0, 5.0
LEAST_MEMORY_GB = 4.0
MAX_SKEW_S = 2.0


class State(StrEnum):
    """OK, worth a look, or in the way of every run."""

    OK = "ok"
    WARN = "warn"
    BLOCKS = "blocks"


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at; `mend` says what to do if `detail` does not."""

    check: str
    state: State
    detail: str
    mend: str = ""


def diagnose(settings: Settings) -> Iterator[Diagnosis]:
    """Every check, in order; without an engine, those that need none."""
    yield Diagnosis("python", State.OK, sys.version.split()[0])
    yield _git(settings.host.find("git"))
    yield disk("archive disk", settings.archive)
    yield _keys(settings)
    try:
        client = connect(settings.engine_url, settings.host)
    except UserError as error:
        yield Diagnosis("engine", State.BLOCKS, str(error))
        return
    with closing(client):
        try:
            yield from _of_engine(settings, client)
        except (DockerException, RequestException) as error:
            yield Diagnosis("engine", State.BLOCKS, f"it broke off: {error}", "restart the Docker engine")


def _of_engine(settings: Settings, client: APIClient) -> Iterator[Diagnosis]:
    info = client.info()
    now = datetime.now(UTC)
    yield engine(info, client.api_version)
    yield runtime(info, settings.runtime)
    yield _door(settings, client)
    yield memory(info)
    yield limits(info)
    yield clock(info, now)
    if Path(info["DockerRootDir"]).is_dir():
        yield disk("image disk", Path(info["DockerRootDir"]))
    yield _images(settings, client)
    yield _leftovers(client)


def engine(info: dict[str, Any], api: str) -> Diagnosis:
    """What answers."""
    what = f"Docker {info['ServerVersion']} (API {api}) on {info['OperatingSystem']}"
    return Diagnosis(
        "engine", State.OK, f"{what}, {info['Driver']}, cgroup v{info.get('CgroupVersion', '1')}"
    )


def runtime(info: dict[str, Any], wanted: str) -> Diagnosis:
    """Whether the engine knows the runtime that sandboxes are started with."""
    known = sorted(info["Runtimes"])
    if wanted in known:
        return Diagnosis("runtime", State.OK, wanted)
    mend = f"set SHIPWORTHY_RUNTIME to one of: {', '.join(known)}; or add it to the engine"
    return Diagnosis("runtime", State.BLOCKS, f"the engine has no runtime {wanted!r}", mend)


def _door(settings: Settings, client: APIClient) -> Diagnosis:
    door = choose_door(settings.door, client, settings.engine_url, settings.host)
    return Diagnosis("door", State.OK, f"{door.mode}: {door.why}")


def memory(info: dict[str, Any]) -> Diagnosis:
    """Whether a sandbox has room."""
    total = info["MemTotal"] / 2**30
    if total >= LEAST_MEMORY_GB:
        return Diagnosis("memory", State.OK, f"{total:.1f} GB for containers")
    mend = "give the engine (or its virtual machine) more, or lower the task's resources"
    return Diagnosis(
        "memory", State.WARN, f"{total:.1f} GB for containers, {LEAST_MEMORY_GB:.0f} wanted", mend
    )


def limits(info: dict[str, Any]) -> Diagnosis:
    """Whether the engine can hold a sandbox to its limits."""
    wanted = {"MemoryLimit": "memory", "PidsLimit": "pids", "CpuCfsQuota": "CPU"}
    missing = [name for field, name in wanted.items() if not info.get(field)]
    if not missing:
        return Diagnosis("limits", State.OK, "memory, pids and CPU are enforced")
    mend = "enable these cgroup controllers on the engine's machine"
    return Diagnosis("limits", State.WARN, f"the engine cannot limit: {', '.join(missing)}", mend)


def clock(info: dict[str, Any], now: datetime) -> Diagnosis:
    """Whether engine and host agree on the time; a virtual machine's clock drifts when the host sleeps."""
    skew = (datetime.fromisoformat(info["SystemTime"]) - now).total_seconds()
    if abs(skew) <= MAX_SKEW_S:
        return Diagnosis("clock", State.OK, f"engine and host agree within {MAX_SKEW_S:.0f} s")
    detail = f"the engine's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    return Diagnosis("clock", State.WARN, detail, "restart the engine, or set the clock")


def disk(check: str, path: Path) -> Diagnosis:
    """Whether there is room where `path` lies or will lie."""
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 10**9
    detail = f"{free:.1f} GB free at {path}"
    if free >= WARN_BELOW_GB:
        return Diagnosis(check, State.OK, detail)
    state = State.BLOCKS if free < BLOCK_BELOW_GB else State.WARN
    return Diagnosis(check, state, detail, f"make room: {WARN_BELOW_GB:.0f} GB are comfortable")


def keys(names: Sequence[str], variables: frozenset[str]) -> Diagnosis:
    """Which providers a key is set for; values are never looked at."""
    have = [name for name in names if name in variables]
    if have:
        return Diagnosis("keys", State.OK, f"set: {', '.join(have)}")
    return Diagnosis("keys", State.OK, f"none set, demo models need none (known: {', '.join(names)})")


def _keys(settings: Settings) -> Diagnosis:
    try:
        catalogue = load_catalogue(settings.shipped_models, settings.models)
    except SpecError as error:
        return Diagnosis("keys", State.WARN, str(error), "correct the file")
    names = {provider.key_env for provider in catalogue.providers.values() if provider.key_env}
    return keys(sorted(names), settings.variables)


def _git(found: str | None) -> Diagnosis:
    mend = "install git 2.30 or newer"
    if found is None:
        return Diagnosis("git", State.BLOCKS, "not found", mend)
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"(\d+)\.(\d+)[.\d]*", said)
    if version is None:
        return Diagnosis("git", State.BLOCKS, f"{found} does not work", mend)
    if (int(version[1]), int(version[2])) < OLDEST_GIT:
        return Diagnosis("git", State.BLOCKS, f"{version[0]} is too old", mend)
    return Diagnosis("git", State.OK, version[0])


def _images(settings: Settings, client: APIClient) -> Diagnosis:
    mend = "shipworthy image build"
    try:
        states = image_states(settings, client)
    except UserError as error:
        return Diagnosis("images", State.BLOCKS, str(error), "correct the setting or the Dockerfile")
    missing = [state.name for state in states if not state.is_built]
    if missing:
        return Diagnosis("images", State.WARN, f"not built: {', '.join(missing)}", mend)
    return Diagnosis("images", State.OK, ", ".join(state.tag for state in states))


def _leftovers(client: APIClient) -> Diagnosis:
    found = leftovers(client)
    orphans = [left.name for left in found if left.orphaned]
    if orphans:
        detail = f"containers of dead runners: {', '.join(orphans)}"
        return Diagnosis("leftovers", State.WARN, detail, "none needed: the next run removes them")
    return Diagnosis("leftovers", State.OK, f"none; {len(found)} containers of living runners")
