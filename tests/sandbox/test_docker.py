"""The Docker backend: the conformance suite, and what only Docker has."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conformance import SMALL, Conformance, sh
from docker import APIClient

from runner.core.protocols import SandboxSpec
from runner.sandbox.container import configuration
from runner.sandbox.docker import DockerBackend
from runner.sandbox.engine import DEFAULT_URL as ENGINE
from runner.sandbox.lease import OWNER, RUN, Lease

pytestmark = pytest.mark.docker

RUNNER = """
import asyncio, sys
from docker import APIClient
from pathlib import Path
from runner.core.protocols import SandboxSpec
from runner.sandbox.docker import DockerBackend
from runner.sandbox.lease import Lease

async def main(engine, folder, image):
    with Lease(Path(folder)) as lease:
        backend = DockerBackend(APIClient(engine, version="auto"), engine, lease)
        async with backend.open(SandboxSpec(image=image, run="orphan")) as sandbox:
            print(lease.owner, flush=True)
            await sandbox.exec(["sleep", "1000"], timeout_s=1000)

asyncio.run(main(*sys.argv[1:]))
"""


def containers(backend: DockerBackend, owner: str) -> int:
    return len(backend.client.containers(all=True, filters={"label": f"{OWNER}={owner}"}))


class TestDocker(Conformance):
    @pytest.fixture
    def image(self, images: dict[str, str]) -> str:
        return images["base"]

    async def test_containers_are_labelled_and_removed(
        self, backend: DockerBackend, lease: Lease, image: str
    ) -> None:
        async with backend.open(SandboxSpec(image=image, run="labelled", resources=SMALL)) as sandbox:
            labels = backend.client.inspect_container(sandbox.id)["Config"]["Labels"]
            assert (labels[OWNER], labels[RUN]) == (lease.owner, "labelled")
        assert containers(backend, lease.owner) == 0

    async def test_a_silent_runner_loses_its_container(
        self, engine: APIClient, lease: Lease, image: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("runner.sandbox.container.SILENCE_S", 1.5)  # a fault: the heart stops beating
        backend = DockerBackend(engine, ENGINE, lease)
        async with backend.open(SandboxSpec(image=image, run="silent", resources=SMALL)):
            deadline = time.monotonic() + 10
            while containers(backend, lease.owner) and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
            assert containers(backend, lease.owner) == 0
        backend.close()

    async def test_a_killed_runner_leaves_nothing_behind(
        self, backend: DockerBackend, lease: Lease, image: str, tmp_path: Path
    ) -> None:
        runner = subprocess.Popen(
            [sys.executable, "-c", RUNNER, backend.engine_url, str(lease.root), image],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert runner.stdout is not None
        owner = runner.stdout.readline().strip()
        assert containers(backend, owner) == 1
        runner.send_signal(signal.SIGKILL)
        runner.communicate()
        deadline = time.monotonic() + 10
        while containers(backend, owner) and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        assert containers(backend, owner) == 0  # PID 1 ended by itself
        await backend.sweep()
        assert [f.name for f in lease.root.iterdir()] == [lease.owner]

    async def test_sweeping_removes_orphans_and_only_them(
        self, backend: DockerBackend, lease: Lease, image: str
    ) -> None:
        with Lease(lease.root) as dead:
            left = backend.client.create_container(image, ["sleep", "99"], labels=dead.labels)
            foreign = backend.client.create_container(image, ["sleep", "99"], labels={"some": "label"})
            elsewhere = backend.client.create_container(
                image, ["sleep", "99"], labels={**dead.labels, "org.shipworthy.host": "another"}
            )
            async with backend.open(SandboxSpec(image=image, run="mine", resources=SMALL)) as mine:
                assert await backend.sweep() == []  # all owners live
                dead.folder.rename(lease.root / "kept")  # not even a lost lease folder condemns a container
                assert await backend.sweep() == []
                (lease.root / "kept").rename(dead.folder)
                dead.__exit__(None, None, None)
                dead.folder.mkdir()  # as SIGKILL leaves it: there, and not locked
                assert len(await backend.sweep()) == 1
                assert (await sh(mine, "true")).ok
            for container in (foreign, elsewhere):
                backend.client.remove_container(container["Id"])
            assert containers(backend, dead.owner) == 0
            assert left["Id"]


def test_pid_1_ends_when_its_runner_dies_before_it_was_sent_its_program() -> None:
    command = configuration(SandboxSpec(image="x", run="x"), {})["entrypoint"]
    done = subprocess.run([sys.executable, *command[1:]], input=b"half a program", timeout=10, check=False)
    assert done.returncode == 0
