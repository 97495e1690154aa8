"""The workshop: what it seals, what it removes, and what stands for the images that others name."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from runner.core.errors import SpecError
from runner.core.records import Resources
from runner.sandbox.build.mirror import MirrorMap, load_mirrors, plain_name
from runner.sandbox.build.workshop import DockerWorkshop, workpiece_host_configuration
from runner.sandbox.containers import Containers
from runner.sandbox.docker import DockerBackend
from runner.sandbox.engine import DEFAULT_URL
from runner.sandbox.lease import OWNER, Lease

MIRRORS = load_mirrors(Path(__file__).parents[2] / "sandboxes/mirror.yaml")
SMALL = Resources(cpus=1, memory_mb=128, disk_mb=64, pids=64)


def mine(engine: APIClient, owner: str) -> list[Any]:
    label = {"label": f"{OWNER}={owner}"}
    return [*engine.containers(all=True, filters=label), *engine.images(all=True, filters=label)]


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("ruby", "ruby:latest"),
        ("docker.io/library/ruby:3.3.8-slim", "ruby:3.3.8-slim"),
        ("Ruby:3.3@sha256:abc", "ruby:3.3"),
        ("registry.example:5000/ruby", "registry.example:5000/ruby:latest"),
    ],
)
def test_the_name_of_an_image(reference: str, name: str) -> None:
    assert plain_name(reference) == name


@pytest.mark.parametrize(
    ("reference", "sandbox"),
    [
        *(("ruby:3.3.8-slim", "rails"), ("docker.io/library/node:22@sha256:abc", "rails")),
        *(("python:3.12", "base"), ("debian", "base")),
        *(("evil.example/ruby:3", None), ("shipworthy/rails:latest", None), ("redis:7", None)),
    ],
)
def test_what_stands_for_an_image(reference: str, sandbox: str | None) -> None:
    found = MIRRORS.find(reference)
    assert (found.sandbox if found else None) == sandbox


def test_a_wrong_map_names_file_and_field(tmp_path: Path) -> None:
    path = tmp_path / "mirror.yaml"
    path.write_text("mirrors: [{images: [x], sandbox: base, privileged: true}]")
    with pytest.raises(SpecError, match=r"mirror\.yaml: mirrors\.0\.privileged"):
        load_mirrors(path)


def test_a_workpiece_is_sealed_but_for_its_disk() -> None:
    host = workpiece_host_configuration(SMALL, None)
    assert host["network_mode"] == "none"
    assert host["cap_drop"] == ["ALL"]
    assert host["security_opt"] == ["no-new-privileges"]
    assert (host["pids_limit"], host["mem_limit"]) == (64, 128 * 2**20)
    assert not {"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "MKNOD", "SYS_PTRACE"} & set(host["cap_add"])
    assert not {"binds", "mounts", "devices", "privileged", "port_bindings"} & set(host)


@pytest.mark.docker
async def test_a_cancelled_build_leaves_nothing(
    backend: DockerBackend, images: dict[str, str], engine: APIClient, lease: Lease
) -> None:
    reached = asyncio.Event()

    async def build() -> None:
        workshop = DockerWorkshop(backend, images, MirrorMap())
        async with workshop.open(images["base"], "x", SMALL) as piece, piece.committed():
            reached.set()
            await piece.exec(["sleep", "1000"])

    building = asyncio.create_task(build())
    await asyncio.wait_for(reached.wait(), 30)
    assert len(mine(engine, lease.owner)) == 2
    building.cancel()
    with suppress(asyncio.CancelledError):
        await building
    assert mine(engine, lease.owner) == []


@pytest.mark.docker
async def test_what_a_killed_runner_built_is_swept(
    backend: DockerBackend, images: dict[str, str], engine: APIClient, lease: Lease
) -> None:
    dead = Lease(lease.root)
    with dead:
        labels = dead.labels
        container = engine.create_container(images["base"], command=["true"], labels=labels)["Id"]
        image = engine.commit(container, conf={"Labels": labels})["Id"]
        assert await swept(backend) == []
    dead.folder.mkdir()  # the dead runner's folder stays, and nobody holds its lock
    removed = await swept(backend)
    assert image in removed
    assert mine(engine, dead.owner) == []


async def swept(backend: Containers) -> list[str]:
    """What of this test's own two runners was swept."""
    assert backend.engine_url == DEFAULT_URL
    return await backend.sweep()
