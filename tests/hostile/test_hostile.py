"""Every hostile repository `<case>/case.yaml` is archived, probed and scored, and nothing comes of it.

`attack` says what is tried; `files` and `links` are the repository (or what `generate` makes, see
generators.py); `seen` are findings that must come of it; `probes` are others than those of files,
docker_build and compose_up. All of it is done in containers or as data.
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
from docker import APIClient
from generators import GENERATORS

from runner.archive.repository import Repository
from runner.cli.settings import settings_from
from runner.core.protocols import Probe, Subject
from runner.core.records import Evidence, Finding, Resources
from runner.core.tree import SourceTree
from runner.pipeline.evidence import all_probes
from runner.pipeline.grading import get_rubric
from runner.probes.docker_build import DockerBuildProbe
from runner.sandbox.build.mirror import load_mirrors
from runner.sandbox.build.workshop import DockerWorkshop
from runner.sandbox.docker import DockerBackend
from runner.sandbox.lease import OWNER, Lease
from runner.scoring.evaluate import evaluate

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
CASES = {path.parent.name: yaml.safe_load(path.read_text()) for path in sorted(HERE.glob("*/case.yaml"))}
AT = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
CANARY, RAN = Path("/tmp/shipworthy-hostile-canary"), Path("/tmp/shipworthy-hostile-ran")
SECRET, MARKER, PORT = "canary-of-the-host-5f1e", b"shipworthy-hostile-marker", 45871
SMALL = Resources(cpus=1, memory_mb=128, disk_mb=64, pids=64)


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file and a variable of this host that nobody may read, change or reach."""
    monkeypatch.setenv("HOSTILE_CANARY", SECRET)
    CANARY.write_text(SECRET)
    yield
    assert CANARY.read_text() == SECRET
    CANARY.unlink()


def touched() -> list[str]:
    """What an attack did to this host."""
    told = [str(RAN)] if RAN.exists() else []
    ports = [line.split()[1].rpartition(":")[2] for line in Path("/proc/net/tcp").read_text().splitlines()]
    told += [f"port {PORT}"] if f"{PORT:04X}" in ports else []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            told += [str(entry)] if MARKER in entry.read_bytes() else []
        except OSError:
            continue
    return told


def left_over(engine: APIClient, lease: Lease) -> list[Any]:
    mine = {"label": f"{OWNER}={lease.owner}"}
    volumes = engine.volumes(filters=mine)["Volumes"] or []
    networks = engine.networks(filters=mine)
    return [
        *engine.containers(all=True, filters=mine),
        *engine.images(all=True, filters=mine),
        *volumes,
        *networks,
    ]


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


def chosen(told: dict[str, Any]) -> list[Probe]:
    lab = {"compose_up", *told.get("probes", [])}
    known = [probe for probe in all_probes() if not probe.needs_lab or probe.id in lab]
    return [*known, DockerBuildProbe(run_s=3)]


async def graded(told: dict[str, Any], tree: SourceTree, bench: Bench, artifacts: Path) -> dict[str, Finding]:
    """The findings of all probes; a score is made of them."""
    subject = Subject(
        tree=tree,
        run="hostile",
        manifests=PROJECT / "sandboxes/rails/manifests",
        backend=bench.backend,
        image=bench.images["base"],
        helper_image=bench.images["lab"],
        resources=SMALL,
        artifacts=artifacts,
        workshop=bench.workshop,
    )
    evidence = []
    for probe in chosen(told):
        findings = tuple(await probe.run(subject))
        evidence.append(
            Evidence(
                tree=tree.digest, probe=probe.id, version=probe.version, environment="x", findings=findings
            )
        )
    rubric = get_rubric("rails_chat@2", settings_from(os.environ))
    score = evaluate(rubric, "hostile", evidence)
    assert 0 <= score.low <= score.high <= 100
    return {finding.check: finding for one in evidence for finding in one.findings}


@pytest.mark.docker
@pytest.mark.parametrize("name", CASES)
async def test_nothing_comes_of_it(
    name: str, bench: Bench, lease: Lease, engine: APIClient, canary: None, tmp_path: Path
) -> None:
    told = CASES[name]
    tree = archived(told, tmp_path)
    found = await asyncio.wait_for(graded(told, tree, bench, tmp_path / "artifacts"), 60)
    for check, expected in told["seen"].items():
        wanted = expected if isinstance(expected, dict) else {"outcome": expected}
        assert found[check].outcome == wanted["outcome"], found[check]
        assert wanted.get("says", "") in found[check].message
    kept = "".join(path.read_text() for path in (tmp_path / "artifacts").glob("*"))
    assert SECRET not in kept + repr(found)
    assert "\x1b" not in kept + "".join(finding.message for finding in found.values())
    assert touched() == []
    assert left_over(engine, lease) == []


def test_there_are_enough() -> None:
    assert len(CASES) >= 25
    assert all(told["attack"] and told["seen"] for told in CASES.values())
