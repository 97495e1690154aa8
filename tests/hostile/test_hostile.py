"""Every hostile repository `<case>/case.yaml` is archived, probed and scored, and nothing comes of it.

`attack` says what is tried; `files` and `links` are the repository (or what `generate` makes, see
generators.py); `seen` are findings that must come of it. With `boots: true`, docker_build carries it out;
`probes` are others that do. Otherwise it is read as data alone. See canary.py for what must not change.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from canary import CANARY, PROJECT, SECRET, footprint, left_over
from docker import APIClient
from generators import GENERATORS

from runner.archive.repository import Repository
from runner.cli.settings import settings_from
from runner.core.protocols import Probe, Subject
from runner.core.records import Evidence, Finding, Resources
from runner.core.tree import SourceTree
from runner.pipeline.grading.evidence import all_probes
from runner.pipeline.grading.grader import get_rubric
from runner.probes.docker_build import DockerBuildProbe
from runner.sandbox.build.mirror import load_mirrors
from runner.sandbox.build.workshop import DockerWorkshop
from runner.sandbox.docker import DockerBackend
from runner.sandbox.lease import Lease
from runner.scoring.evaluate import evaluate

HERE = Path(__file__).parent
CASES = {path.parent.name: yaml.safe_load(path.read_text()) for path in sorted(HERE.glob("*/case.yaml"))}
BOOTED = [name for name, told in CASES.items() if told.get("boots") or told.get("probes")]
READ = [name for name in CASES if name not in BOOTED]
AT = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
SMALL = Resources(cpus=1, memory_mb=128, disk_mb=64, pids=64)


@pytest.fixture(autouse=True)
def canary(monkeypatch: pytest.MonkeyPatch, engine: APIClient) -> Iterator[None]:
    """A file and a variable of this host that nobody may read, and much that nobody may change."""
    monkeypatch.setenv("HOSTILE_CANARY", SECRET)
    CANARY.write_text(SECRET)
    before = footprint(engine)
    yield
    assert footprint(engine).changes(before) == {}
    assert CANARY.read_text() == SECRET
    CANARY.unlink()


def archived(told: dict[str, Any], folder: Path) -> SourceTree:
    """The tree as the archive holds it."""
    entries: dict[bytes, tuple[str, bytes]] = {}
    for path, text in told.get("files", {}).items():
        entries[path.encode()] = ("100755", text.encode())
    for path, target in told.get("links", {}).items():
        entries[path.encode()] = ("120000", target.encode())
    if "generate" in told:
        entries |= GENERATORS[told["generate"]]()
    repository = Repository(folder / "repo.git")
    try:
        _, tree = repository.add_snapshot("build", bundle(folder / "made", entries), AT)
        return repository.read(tree)
    finally:
        repository.close()


def bundle(folder: Path, entries: dict[bytes, tuple[str, bytes]]) -> Path:
    """A snapshot as a sandbox hands it out, without any file ever being written to this host."""
    subprocess.run(["git", "init", "-q", "--bare", folder], check=True)
    lines = [b"commit refs/heads/snapshot\ncommitter x <x@example.com> 0 +0000\ndata 1\nx\n"]
    for path, (mode, content) in entries.items():
        quoted = b"".join(b"\\%03o" % byte for byte in path)
        lines.append(b'M %s inline "%s"\ndata %d\n%s\n' % (mode.encode(), quoted, len(content), content))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=b"".join(lines), check=True)
    target = folder.with_suffix(".bundle")
    subprocess.run(["git", "bundle", "create", "-q", target, "refs/heads/snapshot"], cwd=folder, check=True)
    return target


@dataclass(frozen=True)
class Bench:
    backend: DockerBackend
    workshop: DockerWorkshop
    images: dict[str, str]


@pytest.fixture
def bench(backend: DockerBackend, images: dict[str, str]) -> Bench:
    workshop = DockerWorkshop(backend, images, load_mirrors(PROJECT / "sandboxes/mirror.yaml"))
    return Bench(backend, workshop, images)


async def judged(probes: list[Probe], subject: Subject) -> dict[str, Finding]:
    """The findings of these probes; a score is made of them."""
    evidence = []
    for probe in probes:
        found = tuple(await probe.run(subject))
        told = {"tree": subject.tree.digest, "version": probe.version, "environment": "x", "findings": found}
        evidence.append(Evidence(probe=probe.id, **told))
    rubric = get_rubric("rails_chat@3", settings_from(os.environ))
    score = evaluate(rubric, "hostile", evidence)
    assert 0 <= score.low <= score.high <= 100
    return {finding.check: finding for one in evidence for finding in one.findings}


def check(told: dict[str, Any], found: dict[str, Finding], artifacts: Path) -> None:
    for name, expected in told["seen"].items():
        wanted = expected if isinstance(expected, dict) else {"outcome": expected}
        assert found[name].outcome == wanted["outcome"], found[name]
        assert wanted.get("says", "") in found[name].message
    kept = "".join(path.read_text() for path in artifacts.glob("*"))
    said = "".join(finding.message for finding in found.values())
    assert SECRET not in kept + repr(found)
    assert "\x1b" not in kept + said
    assert max(len(finding.message) for finding in found.values()) <= 2_000


@pytest.mark.docker  # as what must not change is also the engine's
@pytest.mark.parametrize("name", READ)
async def test_reading_it_does_nothing(name: str, tmp_path: Path) -> None:
    told = CASES[name]
    tree = archived(told, tmp_path)
    shipped = ("compose_up", "docker_build")  # without an engine, they judge what they read
    probes = [probe for probe in all_probes() if not probe.needs_lab or probe.id in shipped]
    subject = Subject(tree, "hostile", PROJECT / "sandboxes/rails/manifests")
    found = await asyncio.wait_for(judged(probes, subject), 60)
    check(told, found, tmp_path / "artifacts")


@pytest.mark.docker
@pytest.mark.parametrize("name", BOOTED)
async def test_carrying_it_out_does_nothing(
    name: str, bench: Bench, lease: Lease, engine: APIClient, tmp_path: Path
) -> None:
    told = CASES[name]
    subject = Subject(
        tree=archived(told, tmp_path),
        run="hostile",
        manifests=PROJECT / "sandboxes/rails/manifests",
        backend=bench.backend,
        image=bench.images[told.get("image", "base")],
        helper_image=bench.images["lab"],
        resources=SMALL,
        artifacts=tmp_path / "artifacts",
        workshop=bench.workshop,
    )
    others = [probe for probe in all_probes() if probe.id in told.get("probes", [])]
    built: list[Probe] = [DockerBuildProbe(run_s=3)] if told.get("boots") else []
    found = await asyncio.wait_for(judged([*built, *others], subject), 90)
    check(told, found, tmp_path / "artifacts")
    assert left_over(engine, lease.owner) == []


def test_there_are_enough() -> None:
    assert len(CASES) >= 50
    assert all(told["attack"] and told["seen"] for told in CASES.values())
