"""From an archived tree to evidence: each probe a rubric asks for, once per tree, version and environment."""

from __future__ import annotations

import asyncio
import hashlib
import traceback
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from runner import probes
from runner.archive.archive import Archive
from runner.core.errors import SandboxError
from runner.core.protocols import PackageFile, Probe, SandboxBackend, Subject, Workshop
from runner.core.records import Evidence, Finding, Outcome, Run, Task
from runner.core.registry import load, names
from runner.pipeline.checkout import read_tree
from runner.pipeline.events import Event, Listener
from runner.pipeline.reading import Reader, Unread, is_shipped, open_reader
from runner.sandbox.recipes import MANIFESTS


@cache
def all_probes() -> tuple[Probe, ...]:
    """Every probe there is, by name."""
    return tuple(load(probes, name, "probe").PROBE for name in names(probes))


def all_checks() -> dict[str, str]:
    """Every check's statement by id."""
    return {check: statement for probe in all_probes() for check, statement in probe.checks.items()}


def probes_for(checks: Collection[str]) -> tuple[Probe, ...]:
    """The probes that decide any of these checks; a repository is not looked at for what nobody asks."""
    return tuple(probe for probe in all_probes() if not probe.checks.keys().isdisjoint(checks))


@dataclass(frozen=True)
class Laboratory:
    """Where lab probes work; `images` maps sandbox names to tags.

    With `reuse`, what a probe version once found in another laboratory need not be found again.
    """

    backend: SandboxBackend
    images: dict[str, str]
    helper: str
    artifacts: Path
    workshop: Workshop | None = None
    reuse: bool = False

    def environment(self, sandbox: str) -> str:
        """What is found by running an app depends on its image and on the helper's, which has the browser."""
        return "-".join(tag.partition(":")[2] for tag in (self.images[sandbox], self.helper))


@dataclass(frozen=True)
class Case:
    """A run that has a tree, with its task and the API manifests it is judged by."""

    run: Run
    task: Task
    manifests: Path

    def environment(self, probe: Probe, laboratory: Laboratory | None) -> str | None:
        """What findings depend on beside the tree; None if the probe needs a laboratory and there is none."""
        if not probe.needs_lab:
            return source_environment(self.manifests)
        return laboratory.environment(self.task.sandbox) if laboratory else None


def case_of(run: Run, task: Task, sandboxes: Path) -> Case:
    """A run with the manifests of its task's sandbox."""
    return Case(run, task, sandboxes / task.sandbox / MANIFESTS)


@cache
def source_environment(manifests: Path) -> str:
    """The environment of a probe that only reads files: new manifests can change what it finds."""
    content = hashlib.sha256()
    for path in sorted(manifests.glob("*.json")):
        content.update(path.name.encode() + path.read_bytes())
    return f"source-{content.hexdigest()[:8]}"


def lacks_lab(archive: Archive, case: Case, chosen: Sequence[Probe]) -> bool:
    """Whether one of these probes needs a laboratory and never was in any for this tree."""
    tree = case.run.tree
    return tree is not None and any(
        probe.needs_lab and not archive.has_evidence(tree, probe.id, probe.version) for probe in chosen
    )


async def collect(
    archive: Archive, case: Case, chosen: Sequence[Probe], laboratory: Laboratory | None, listen: Listener
) -> list[Evidence]:
    """The evidence of these probes for a run that has a tree, from the archive where it is there already.

    Without a laboratory, evidence from any environment will do, and a lab probe without any is UNKNOWN.
    A probe that crashed or lost its sandbox is UNKNOWN in the result and not kept, so it is tried again.
    """
    known = {probe.id: _kept(archive, case, probe, laboratory) for probe in chosen}
    missing = [probe for probe in chosen if known[probe.id] is None]
    found: dict[str, Evidence] = {}
    if missing:
        subject = await asyncio.to_thread(_subject, archive, case, laboratory)
        async with open_reader(Subject(subject.tree, subject.run, subject.manifests)) as reader:
            works = {
                probe: _examine(
                    probe, subject, _environment(archive, case, probe, laboratory), archive, listen, reader
                )
                for probe in missing
            }
            reading = _one_by_one([work for probe, work in works.items() if not probe.needs_lab])
            running = [work for probe, work in works.items() if probe.needs_lab]
            read, ran = await asyncio.gather(reading, asyncio.gather(*running))
        found = {evidence.probe: evidence for evidence in [*read, *ran]}
    return [*found.values(), *(evidence for evidence in known.values() if evidence is not None)]


def _kept(archive: Archive, case: Case, probe: Probe, laboratory: Laboratory | None) -> Evidence | None:
    assert case.run.tree is not None
    environment = _environment(archive, case, probe, laboratory)
    if environment is None or (probe.needs_lab and laboratory is not None and laboratory.reuse):
        return archive.latest_evidence(case.run.tree, probe.id, probe.version)
    return archive.evidence(case.run.tree, probe.id, probe.version, environment)


def _environment(archive: Archive, case: Case, probe: Probe, laboratory: Laboratory | None) -> str | None:
    """The case's, and the packages that were kept for the tree: with more of them, more apps can start."""
    environment = case.environment(probe, laboratory)
    if environment is None or not probe.needs_lab or case.run.tree is None:
        return environment
    kept = archive.packages.digest(case.run.tree)
    return f"{environment}-packages-{kept[:8]}" if kept else environment


def _subject(archive: Archive, case: Case, laboratory: Laboratory | None) -> Subject:
    run, task = case.run, case.task
    plain = Subject(tree=read_tree(archive, run), run=run.id, manifests=case.manifests)
    if laboratory is None:
        return plain
    return replace(
        plain,
        backend=laboratory.backend,
        image=laboratory.images[task.sandbox],
        helper_image=laboratory.helper,
        resources=task.resources,
        artifacts=laboratory.artifacts / run.tree if run.tree else None,
        workshop=laboratory.workshop,
        packages=_packages(archive, run),
    )


def _packages(archive: Archive, run: Run) -> tuple[PackageFile, ...]:
    kept = archive.packages.of(run.tree) if run.tree else ()
    return tuple(PackageFile(package, archive.packages.path(package)) for package in kept)


async def _examine(
    probe: Probe, subject: Subject, where: str | None, archive: Archive, listen: Listener, reader: Reader
) -> Evidence:
    """New evidence, kept if the probe came to its end."""
    listen(Event("probe", subject.run, {"probe": probe.id, "done": False}))
    if where is None:
        return _unknown(probe, subject, "none", "it needs a Docker engine; score the run where there is one")
    try:
        findings = tuple(await _findings(probe, subject, reader))
        return archive.add_evidence(_evidence(probe, subject, where, findings))
    except SandboxError as error:
        return _unknown(probe, subject, where, f"its sandbox broke: {error}")
    except Unread as error:
        return _unknown(probe, subject, where, str(error))
    except OSError:
        raise  # the archive cannot be written
    except Exception:
        return _unknown(probe, subject, where, f"the probe crashed (our bug): {traceback.format_exc()}")
    finally:
        listen(Event("probe", subject.run, {"probe": probe.id, "done": True}))


async def _one_by_one(works: Sequence[Awaitable[Evidence]]) -> list[Evidence]:
    """Probes that read share what they parse, so they take turns; side by side they would not be faster."""
    return [await work for work in works]


async def _findings(probe: Probe, subject: Subject, reader: Reader) -> list[Finding]:
    """A probe that only reads may compute for long, and must not hold up the sandboxes' leases."""
    if probe.needs_lab:
        return await probe.run(subject)
    if is_shipped(probe):
        return await reader.findings(probe)
    return await asyncio.to_thread(lambda: asyncio.run(probe.run(subject)))


def _unknown(probe: Probe, subject: Subject, environment: str, why: str) -> Evidence:
    findings = tuple(Finding(check=c, outcome=Outcome.UNKNOWN, message=why) for c in probe.checks)
    return _evidence(probe, subject, environment, findings)


def _evidence(probe: Probe, subject: Subject, environment: str, findings: tuple[Finding, ...]) -> Evidence:
    return Evidence(
        tree=subject.tree.digest,
        probe=probe.id,
        version=probe.version,
        environment=environment,
        findings=findings,
    )
