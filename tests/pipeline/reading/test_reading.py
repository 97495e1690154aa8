"""A repository that ties up, fills or breaks what reads it costs one probe's findings, and nothing else."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from runner import probes
from runner.core.protocols import Subject
from runner.core.records import Outcome
from runner.core.registry import load
from runner.core.tree import SourceFile, SourceTree
from runner.pipeline.grading.reading import Reader, Unread, is_shipped, open_reader

MANIFESTS = Path(__file__).parents[3] / "sandboxes/rails/manifests"
SECRETS, DELIVERABLES = (load(probes, name, "probe").PROBE for name in ("secrets", "deliverables"))


def subject(text: str = "") -> Subject:
    files = {"README.md": SourceFile("README.md", 0o100644, text.encode())}
    return Subject(SourceTree("t", files), "run", MANIFESTS)


def process_of(reader: Reader) -> int:
    assert reader._process is not None
    assert reader._process.pid is not None
    return reader._process.pid


def test_a_probe_of_a_test_is_not_looked_for_elsewhere() -> None:
    assert is_shipped(SECRETS)
    assert not is_shipped(type(SECRETS)())


async def test_findings_come_from_one_other_process_which_then_ends() -> None:
    async with open_reader(subject()) as reader:
        found = await reader.findings(SECRETS)
        process = process_of(reader)
        assert {finding.check for finding in found} == set(SECRETS.checks)
        assert Outcome.UNKNOWN not in {f.outcome for f in await reader.findings(DELIVERABLES)}
        assert process_of(reader) == process != os.getpid()
    assert not Path(f"/proc/{process}").exists()


async def test_a_process_that_ends_takes_one_probe_with_it() -> None:
    async with open_reader(subject()) as reader:
        await reader.findings(SECRETS)
        os.kill(process_of(reader), signal.SIGKILL)
        with pytest.raises(Unread, match="ended the process"):
            await reader.findings(SECRETS)
        assert await reader.findings(SECRETS)


async def test_reading_without_end_is_ended() -> None:
    async with open_reader(subject(), read_s=0.001) as reader:
        with pytest.raises(Unread, match="did not end within"):
            await reader.findings(DELIVERABLES)
        assert reader._process is None


async def test_a_crash_is_told() -> None:
    async with open_reader(Subject(None, "run", MANIFESTS)) as reader:  # type: ignore[arg-type]
        with pytest.raises(Unread, match=r"crashed \(our bug\)[\s\S]*TypeError"):
            await reader.findings(SECRETS)
        with pytest.raises(Unread, match="crashed"):
            await reader.findings(SECRETS)


async def test_what_a_probe_of_the_lab_parsed_meanwhile_is_not_sent() -> None:
    asked = subject()
    asked.tree.derived("parsed", lambda: (line for line in ("no", "pickle", "takes", "this")))
    async with open_reader(asked, read_s=20) as reader:
        assert await reader.findings(SECRETS)


async def test_a_subject_that_cannot_be_sent_keeps_nobody_waiting() -> None:
    unsendable = Subject(subject().tree, "run", (line for line in ()))  # type: ignore[arg-type]
    async with open_reader(unsendable, read_s=20) as reader:
        for _ in range(2):
            with pytest.raises(TypeError, match="pickle"):
                await reader.findings(SECRETS)
            assert reader._process is None
