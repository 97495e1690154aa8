"""Probes of one examination share an app, and none of them notices the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from runner.core.errors import SandboxError
from runner.core.protocols import Sandbox, SandboxBackend, SandboxSpec, Subject
from runner.core.records import Outcome
from runner.core.tree import SourceTree
from runner.probes.boot import BootProbe
from runner.probes.chat_turn import ChatTurnProbe
from runner.probes.kit.lab.recipes import find_app
from runner.probes.kit.lab.stage import on_stage
from runner.probes.kit.lab.stub import Scenario

pytestmark = pytest.mark.docker
HERE = Path(__file__).parents[1]
Read = Callable[[Path], SourceTree]


class Counting:
    """The real backend, with an eye on what is opened."""

    def __init__(self, backend: SandboxBackend) -> None:
        self._backend = backend
        self.opened: list[str] = []
        self.open_now = 0

    @asynccontextmanager
    async def open(self, spec: SandboxSpec) -> AsyncIterator[Sandbox]:
        self.opened.append(spec.purpose)
        self.open_now += 1
        async with self._backend.open(spec) as sandbox:
            yield sandbox
        self.open_now -= 1


@pytest.fixture
def counting(backend: SandboxBackend) -> Counting:
    return Counting(backend)


@pytest.fixture
def subject(read: Read, counting: Counting, images: dict[str, str]) -> Subject:
    return Subject(
        tree=read(HERE / "lab_app"),
        run="stage",
        manifests=HERE.parents[1] / "sandboxes/rails/manifests",
        backend=counting,
        image=images["rails"],
        helper_image=images["lab"],
    )


async def test_two_probes_share_one_app(subject: Subject, counting: Counting) -> None:
    probes = BootProbe(), ChatTurnProbe()
    found = await asyncio.gather(*(probe.run(subject) for probe in probes))
    assert {finding.outcome for findings in found for finding in findings} == {Outcome.PASS}
    assert counting.opened == ["grade", "lab"]
    assert counting.open_now == 0
    assert subject.shared == {}


async def test_a_turn_ends_with_what_was_done_to_the_app(subject: Subject, counting: Counting) -> None:
    """One kills the app; the next finds it running, its provider asked nothing, its log about the start."""
    app = find_app(subject.tree)
    assert app is not None

    async def kills_it() -> None:
        async with on_stage(subject, app, Scenario(), alone=False) as stage:
            assert (await stage.page()).is_ready
            stage.lab.log.feed(b"something of this turn\n")
            await stage.lab.execute(["sh", "-c", "kill -9 $(cat /tmp/lab-server.pid)"], timeout_s=10)
            assert await stage.lab.has_ended()

    async def comes_next() -> None:
        async with on_stage(subject, app, Scenario((("a", "b"),)), alone=False) as stage:
            assert (await stage.page()).is_ready
            assert stage.lab.provider.requests == []
            assert "Listening on" in stage.lab.log.text
            assert "something of this turn" not in stage.lab.log.text
            raise SandboxError("the engine is gone")

    async def comes_last() -> None:
        async with on_stage(subject, app, Scenario(), alone=False) as stage:
            assert stage.installed.ok

    one, two, three = await asyncio.gather(kills_it(), comes_next(), comes_last(), return_exceptions=True)
    assert (one, three) == (None, None)
    assert isinstance(two, SandboxError)
    assert counting.opened == ["grade", "lab"] * 2  # after a broken sandbox, one of its own
    assert counting.open_now == 0


async def test_a_lab_that_cannot_be_opened_is_told_to_all(subject: Subject) -> None:
    nowhere = Subject(tree=subject.tree, run="stage", manifests=subject.manifests)
    probes = BootProbe(), ChatTurnProbe()
    found = await asyncio.gather(*(probe.run(nowhere) for probe in probes), return_exceptions=True)
    assert [type(error) for error in found] == [SandboxError, SandboxError]
