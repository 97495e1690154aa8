"""A task of ours as a Harbor task directory, with its grader.

    task.toml  instruction.md (or steps/<phase>/instruction.md)
    environment/Dockerfile     the sandbox's image and those below it, as stages of one file
    tests/                     the verifier's own image: the same, with this program and the rubric in it
    solution/solve.sh          the scripted model of the highest standing, as a script

The verifier runs in a container of its own (`environment_mode = "separate"`), so that an agent sees neither
rubric nor probes. What needs several containers or a browser is UNKNOWN there; the reward is the lower end.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi

from runner import __version__
from runner.core.errors import UserError
from runner.core.records import PhaseKind, Task
from runner.gateway.scripted import solution
from runner.pipeline.grading.grader import get_rubric, get_task
from runner.pipeline.settings import Settings
from runner.sandbox.here import MARKER
from runner.sandbox.recipes import CA_BUNDLE, MANIFESTS, Image, image_line
from runner.spec.harbor.reading import Files
from runner.spec.harbor.toml import to_toml
from runner.spec.models import CHAT, load_catalogue, resolve_model
from runner.spec.rubrics import rubric_path

SCHEMA, ORGANISATION, WORKSPACE = "1.4", "shipworthy", "/workspace"
GRADER, HOME = "grader", "/opt/shipworthy"
GRADING_S = 3600
_PARENT = re.compile(r"^ARG PARENT=(?P<name>\S+)\n", re.MULTILINE)
_FROM = re.compile(r"^FROM (\S+)( AS \S+)?$", re.MULTILINE)
_VERIFIER = """
# --- the grader: out of the sight of what it grades
USER root
RUN apt-get update \\
 && apt-get install -y --no-install-recommends python3-venv \\
 && rm -rf /var/lib/apt/lists/*
COPY {grader}/requirements.txt {home}/
RUN python3 -m venv {home}/.venv \\
 && {home}/.venv/bin/pip install --no-cache-dir --disable-pip-version-check -r {home}/requirements.txt \\
 && touch {marker}
COPY {grader} {home}
COPY . /tests/
RUN chmod -R go-rwx /tests {home}
WORKDIR {workspace}
"""
_TEST = """\
#!/bin/bash
# Grades {workspace} by rubric {rubric} and writes /logs/verifier/reward.json; the score sheet lies beside it.
mkdir -p /logs/verifier
export PYTHONPATH={home}
exec {home}/.venv/bin/python -m runner.cli.main \\
  task grade {task} {workspace} --rubric {rubric} --out /logs/verifier
"""


@dataclass(frozen=True)
class ExportedTask:
    """Where it lies, and what is not as it is here."""

    folder: Path
    notes: tuple[str, ...]


def export_harbor(identity: str, settings: Settings, out: Path, ca_bundle: Path | None) -> ExportedTask:
    """Write it as `out`/<task>, which must not be there yet.

    `ca_bundle` is what its images trust (default: the public authorities). Raises UserError if Harbor has
    nothing like what the task asks for.
    """
    task = get_task(identity, settings)
    if repairing := [phase.id for phase in task.phases if phase.kind is PhaseKind.REPAIR]:
        raise UserError(f"task {task.id}: phase {repairing[0]} tells what failed; a Harbor task cannot")
    folder = out / task.id
    if folder.exists():
        raise UserError(f"{folder}: is there already; remove it or choose another folder with --out")
    bundle = (ca_bundle or Path(certifi.where())).read_bytes()
    files = _below("environment", _environment(task, settings, bundle))
    files |= _below("tests", _tests(task, settings, bundle))
    files |= _instructions(task)
    files |= _below("solution", _solution(task, settings))
    files["task.toml"] = (False, to_toml(_config(task)).encode())
    try:
        _write(folder, files)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return ExportedTask(folder, tuple(_notes(task, has_solution="solution/solve.sh" in files)))


def _notes(task: Task, has_solution: bool) -> Iterator[str]:
    if not has_solution:
        yield f"task {task.id} has no demo, so there is no solution/"
    if any(phase.kind is PhaseKind.REVIEW for phase in task.phases):
        yield "the model's own review is asked for, but not held against what is found"
    if not task.tests:
        yield "a check that needs a browser, a stand-in provider or an image build is unknown there"


def _below(folder: str, files: Files) -> Files:
    return {f"{folder}/{path}": file for path, file in files.items()}


def _text(content: str, executable: bool = False) -> tuple[bool, bytes]:
    return executable, content.encode()


def _config(task: Task) -> dict[str, Any]:
    have, several = task.resources, len(task.phases) > 1
    network = {"network_mode": "allowlist" if task.egress else "no-network"}
    if task.egress:
        network["allowed_hosts"] = list(task.egress)  # type: ignore[assignment]
    limits = {"cpus": have.cpus, "memory_mb": have.memory_mb, "storage_mb": have.disk_mb}
    verifier: dict[str, Any] = {"timeout_sec": float(GRADING_S)}
    if task.tests and task.tests.sandbox is None:
        verifier = {"timeout_sec": task.tests.timeout_s, "env": task.tests.env or None}
    else:
        apart = {"network_mode": "no-network", **limits, "workdir": WORKSPACE}
        verifier |= {"environment_mode": "separate", "environment": apart}
    steps = [{"name": p.id, "agent": {"timeout_sec": p.limits.wall_s}} for p in task.phases]
    return {
        "schema_version": SCHEMA,
        "multi_step_reward_strategy": "final" if several else None,
        "artifacts": [WORKSPACE],
        "task": {
            "name": f"{ORGANISATION}/{task.id}",
            "version": task.identity()[:12],
            "description": task.title,
            "keywords": [*task.shape.values()],
        },
        "metadata": {"rubric": task.rubric, "exported_by": f"shipworthy {__version__}", **task.shape},
        "verifier": verifier,
        "agent": {"timeout_sec": task.phases[0].limits.wall_s},
        "environment": {"build_timeout_sec": 1800.0, **limits, **network, "workdir": WORKSPACE},
        "steps": steps if several else None,
    }


def _instructions(task: Task) -> Files:
    if len(task.phases) == 1:
        return {"instruction.md": _text(task.phases[0].prompt)}
    return {f"steps/{phase.id}/instruction.md": _text(phase.prompt) for phase in task.phases}


def _environment(task: Task, settings: Settings, bundle: bytes) -> Files:
    files = _flattened(image_line(task.sandbox, settings.images), bundle)
    if task.seed is None:
        return files
    seeded = f"RUN rm -rf {WORKSPACE} && cp -a {task.seed} {WORKSPACE}\n"
    return files | {"Dockerfile": _text(f"{files['Dockerfile'][1].decode()}USER root\n{seeded}USER agent\n")}


def _flattened(line: list[Image], bundle: bytes) -> Files:
    """The images as stages of one Dockerfile; files beside one can only be kept where it is the only one."""
    stages: list[str] = []
    files: Files = {}
    for image in line:
        recipe = image.recipe
        extra = {name: file for name, file in recipe.files.items() if name not in ("Dockerfile", CA_BUNDLE)}
        if extra and len(line) > 1:
            raise UserError(f"sandboxes/{recipe.name}: {min(extra)} lies beside a Dockerfile with a PARENT")
        parent = _PARENT.search(recipe.dockerfile)
        text = _PARENT.sub("", recipe.dockerfile).replace("${PARENT}", parent["name"] if parent else "")
        if len(line) > 1:
            text = _FROM.sub(lambda found, name=recipe.name: f"FROM {found[1]} AS {name}", text)  # type: ignore[misc]
        stages.append(text.rstrip("\n") + "\n")
        files |= extra
        if CA_BUNDLE in recipe.files:
            files[CA_BUNDLE] = (False, bundle)
    return {**files, "Dockerfile": _text("\n".join(stages))}


def _tests(task: Task, settings: Settings, bundle: bytes) -> Files:
    """A task's own tests as they are, else the grader in an image of its own."""
    if task.tests:
        own = {
            path.relative_to(task.tests.folder).as_posix(): (_is_executable(path), path.read_bytes())
            for path in Path(task.tests.folder).rglob("*")
            if path.is_file()
        }
        return own
    files = _flattened(image_line(task.sandbox, settings.images), bundle)
    told = {"grader": GRADER, "home": HOME, "marker": MARKER, "workspace": WORKSPACE}
    dockerfile = files["Dockerfile"][1].decode() + _VERIFIER.format(**told)
    test = _TEST.format(**told, task=task.id, rubric=task.rubric)
    grader = _below(GRADER, dict(_grader(task, settings)))
    return {**files, "Dockerfile": _text(dockerfile), "test.sh": _text(test, True), **grader}


def _grader(task: Task, settings: Settings) -> Iterator[tuple[str, tuple[bool, bytes]]]:
    """This program with the one task, its rubric and the manifests of its sandbox."""
    rubric = get_rubric(task.rubric, settings)
    root = settings.root
    needs = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    yield "requirements.txt", _text("\n".join(needs) + "\n")
    chosen = [path for path in (root / "runner").rglob("*") if path.is_file()]
    chosen += [rubric_path(rubric.name, settings.rubrics)]
    chosen += [p for p in (settings.tasks / task.id).rglob("*") if p.is_file() and "demos" not in p.parts]
    chosen += sorted((settings.images.sandboxes / task.sandbox / MANIFESTS).glob("*.json"))
    for path in sorted(chosen):
        if "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix(), (_is_executable(path), path.read_bytes())


def _solution(task: Task, settings: Settings) -> Files:
    """What the task's demo does, as one script; `solve.sh` finds its files beside it."""
    if task.demo is None:
        return {}
    catalogue = load_catalogue(settings.shipped_models, settings.models)
    model = resolve_model(task.demo, catalogue, settings.tasks / task.id, (CHAT,))
    if model.script is None:
        return {}
    shared = Path(model.script_files) if model.script_files else None
    phases = [phase.id for phase in task.phases]
    commands = [each for phase in phases for each in solution(Path(model.script), shared, phase)]
    script = "\n\n".join(["#!/bin/bash", f"cd {WORKSPACE} || exit 1", *map(_shell, commands)])
    return {"solve.sh": _text(f"{script}\n", True)}


def _shell(command: str) -> str:
    """Each command in a shell of its own, as an agent has it; what fails is no reason to stop."""
    return f"(\n{command}\n)"


def _is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _write(folder: Path, files: Mapping[str, tuple[bool, bytes]]) -> None:
    for path, (executable, content) in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755 if executable else 0o644)
