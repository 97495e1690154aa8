"""A Harbor task directory as data: instructions, images, tests, solution, and what could not be kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.core.errors import SpecError
from runner.core.records import Resources
from runner.spec.harbor.config import Config, Environment, megabytes, read_config

MAX_TOTAL_BYTES = 200_000_000
DEFAULT_WALL_S = 3600.0
_CANARY = re.compile(r"(<!--.*canary.*-->|#.*canary.*)", re.IGNORECASE)
_FROM_HOST = re.compile(r"\$\{\w+(?::-(?P<otherwise>[^}]*))?\}")
_WORKDIR = re.compile(r"^\s*WORKDIR\s+(.+?)\s*$", re.MULTILINE | re.IGNORECASE)
_FROM = re.compile(r"^\s*FROM\s", re.MULTILINE | re.IGNORECASE)

Files = dict[str, tuple[bool, bytes]]
"""By path: whether it is executable, and its bytes."""


@dataclass(frozen=True)
class HarborPhase:
    """One instruction with the time it may take and the solution that comes with it, if any."""

    id: str
    instruction: str
    wall_s: float
    solution: Files


@dataclass(frozen=True)
class HarborImage:
    """A Dockerfile with what lies beside it."""

    dockerfile: str
    files: Files
    env: Mapping[str, str]


@dataclass(frozen=True)
class HarborTests:
    """The tests; `image` is None if they run in the agent's."""

    files: Files
    timeout_s: float
    env: Mapping[str, str]
    image: HarborImage | None


@dataclass(frozen=True)
class HarborTask:
    """All that is imported. `workdir` None: what the image says. `notes`: what is not as it was in Harbor."""

    id: str
    title: str
    phases: tuple[HarborPhase, ...]
    image: HarborImage
    workdir: str | None
    tests: HarborTests
    resources: Resources
    egress: tuple[str, ...]
    notes: tuple[str, ...]


def read_harbor(folder: Path) -> HarborTask:
    """Raises SpecError naming file and field."""
    config = read_config(folder)
    notes: list[str] = []
    image = _image(folder / "environment", config.environment, notes)
    if image is None:
        raise SpecError(f"{folder / 'environment'}: there is neither a Dockerfile nor a docker_image")
    name = config.task.name.rpartition("/")[2] if config.task else folder.resolve().name
    title = (config.task.description if config.task else "") or name
    workdir = config.environment.workdir or _workdir(image.dockerfile)
    return HarborTask(
        id=slug(name),
        title=" ".join(title.split())[:200],
        phases=tuple(_phases(folder, config)),
        image=image,
        workdir=workdir,
        tests=_tests(folder, config, notes),
        resources=_resources(config.environment),
        egress=_egress(config, notes),
        notes=(*notes, *_lost(config)),
    )


def slug(name: str) -> str:
    """A name as ids here are: small letters, digits and underscores, a letter first."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"task_{plain}".rstrip("_")


def _phases(folder: Path, config: Config) -> Iterator[HarborPhase]:
    if not config.steps:
        wall_s = config.agent.timeout_sec or DEFAULT_WALL_S
        yield HarborPhase("build", _instruction(folder), wall_s, _files(folder / "solution"))
    for step in config.steps:
        if not re.fullmatch(r"[\w.-]+", step.name) or step.name.startswith("."):
            raise SpecError(f"{folder / 'task.toml'}: steps: {step.name!r} is no folder's name")
        place = folder / "steps" / step.name
        wall_s = step.agent.timeout_sec or config.agent.timeout_sec or DEFAULT_WALL_S
        solution = _files(folder / "solution") | _files(place / "solution")
        yield HarborPhase(slug(step.name), _instruction(place), wall_s, solution)


def _instruction(folder: Path) -> str:
    """Without the marks against training on it, which no agent gets to see in Harbor either."""
    path = folder / "instruction.md"
    try:
        lines = path.read_text("utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: cannot be read: {error}") from error
    while lines and (_CANARY.fullmatch(lines[0].strip()) or not lines[0].strip()):
        lines.pop(0)
    if not lines:
        raise SpecError(f"{path}: is empty")
    return "".join(lines)


def _image(folder: Path, have: Environment, notes: list[str]) -> HarborImage | None:
    files = _files(folder)
    dockerfile = files.pop("Dockerfile", None)
    env = _literal(have.env, "environment.env", notes)
    if dockerfile is not None:
        return HarborImage(dockerfile[1].decode("utf-8", "replace"), files, env)
    return HarborImage(f"FROM {have.docker_image}\n", files, env) if have.docker_image else None


def _tests(folder: Path, config: Config, notes: list[str]) -> HarborTests:
    """Of several steps the last one's count, beside those of all."""
    last = config.steps[-1] if config.steps else None
    verifier = last.verifier if last and last.verifier.model_fields_set else config.verifier
    files = _files(folder / "tests")
    place = folder / "tests"
    if last and (own := _files(folder / "steps" / last.name / "tests")):
        files, place = files | own, folder / "steps" / last.name / "tests"
    if "test.sh" not in files:
        raise SpecError(f"{place / 'test.sh'}: is missing; nothing would say how much of the task is done")
    image = None
    if verifier.is_separate and ("Dockerfile" in files or verifier.environment):
        image = _image(place, verifier.environment or Environment(), notes)
    env = _literal({**config.verifier.env, **verifier.env}, "verifier.env", notes)
    return HarborTests(files, verifier.timeout_sec, env, image)


def _resources(have: Environment) -> Resources:
    usual = Resources()
    memory, disk = megabytes(have.memory_mb, have.memory), megabytes(have.storage_mb, have.storage)
    return Resources(
        cpus=have.cpus or usual.cpus,
        memory_mb=max(memory or usual.memory_mb, 64),
        disk_mb=min(max(disk or usual.disk_mb, 16), 4 * usual.disk_mb),  # it is memory here
    )


def _egress(config: Config, notes: list[str]) -> tuple[str, ...]:
    network = config.network
    if network.network_mode == "allowlist":
        hosts = [host for host in network.allowed_hosts if re.fullmatch(r"[a-z0-9.-]+", host)]
        left = [host for host in network.allowed_hosts if host not in hosts]
        notes += [f"allowed_hosts: {host} is left out; give plain host names under `egress`" for host in left]
        return tuple(hosts)
    if network.network_mode != "no-network":
        notes.append(
            "network: the whole network there, none here; list hosts to download from under `egress`"
        )
    return ()


def _literal(env: Mapping[str, str], field: str, notes: list[str]) -> dict[str, str]:
    """Values as they stand or their defaults: nothing of this host's environment enters a sandbox."""
    kept = {}
    for name, value in env.items():
        found = _FROM_HOST.fullmatch(value)
        if found and found["otherwise"] is None:
            notes.append(f"{field}.{name}: {value} would come from this host; it is left out")
        else:
            kept[name] = found["otherwise"] if found else value
    return kept


def _lost(config: Config) -> Iterator[str]:
    if config.environment.skills_dir:
        yield "environment.skills_dir: agents get no skills here"
    if config.environment.healthcheck:
        yield "environment.healthcheck: nothing is started before the agent"
    if len(config.steps) > 1 and config.multi_step_reward_strategy != "final":
        yield "steps: only the tests of the last one are run, at the end"


def _workdir(dockerfile: str) -> str | None:
    last = list(_FROM.finditer(dockerfile))
    found = _WORKDIR.findall(dockerfile[last[-1].start() :] if last else dockerfile)
    place = found[-1].strip("\"'") if found else None
    return place if place and place.startswith("/") and "$" not in place else None


def _files(folder: Path) -> Files:
    """What lies in a folder, without links; empty if there is none."""
    files: Files = {}
    total = 0
    for here, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(here, name)
            if path.is_symlink() or not path.is_file():
                raise SpecError(f"{path}: is a link or no plain file; put the file itself there")
            total += path.stat().st_size
            if total > MAX_TOTAL_BYTES:
                raise SpecError(f"{folder}: is larger than {MAX_TOTAL_BYTES // 10**6} MB")
            relative = path.relative_to(folder).as_posix()
            files[relative] = (bool(path.stat().st_mode & 0o100), path.read_bytes())
    return files
