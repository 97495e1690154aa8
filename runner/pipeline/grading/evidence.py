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
from runner.archive.folder import read_folder
from runner.core.errors import SandboxError
from runner.core.protocols import BroughtTests, PackageFile, Probe, SandboxBackend, Subject, Workshop
from runner.core.records import Evidence, Finding, Outcome, Run, Task
from runner.core.registry import load, names
from runner.pipeline.events import Event, Listener
from runner.pipeline.grading.checkout import read_tree
from runner.pipeline.grading.reading import Reader, Unread, is_shipped, open_reader
from runner.sandbox.recipes import MANIFESTS

DAMAGED = "damaged"


@cache
def all_probes() -> tuple[Probe, ...]:
    """Every probe there is, by name."""
    return tuple(load(probes, name, "probe").PROBE for name in names(probes))


@cache
def all_checks() -> dict[str, str]:
    """Every check's statement by id."""
    return {check: statement for probe in all_probes() for check, statement in probe.checks.items()}


def probes_for(checks: Collection[str]) -> tuple[Probe, ...]:
    """The probes that decide any of these checks; a repository is not looked at for what nobody asks."""
    return _probes_for(frozenset(checks))


@cache
def _probes_for(checks: frozenset[str]) -> tuple[Probe, ...]:
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

    def environment(self, *sandboxes: str) -> str:
        """What is found by running an app depends on its image and on the helper's, which has the browser."""
        tags = (*(self.images[sandbox] for sandbox in sandboxes), self.helper)
        return "-".join(tag.partition(":")[2] for tag in tags)


@dataclass(frozen=True)
class Case:
    """A run that has a tree, with its task and the API manifests it is judged by."""

    run: Run
    task: Task
    manifests: Path

    @property
    def tests(self) -> str:
        """What an environment says of the task's own tests: other tests find other things in one tree."""
        return f"-tests-{self.task.tests.content[:8]}" if self.task.tests else ""

    @property
    def _tested_in(self) -> tuple[str, ...]:
        return (self.task.tests.sandbox,) if self.task.tests and self.task.tests.sandbox else ()

    def environment(self, probe: Probe, laboratory: Laboratory | None) -> str | None:
        """What findings depend on beside the tree; None if the probe needs a laboratory and there is none."""
        if not probe.needs_lab:
            return source_environment(self.manifests)
        if laboratory is None:
            return None
        return laboratory.environment(self.task.sandbox, *self._tested_in) + self.tests


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
    if case.run.tree is None:
        return False
    looks = archive.looks(case.run.tree)
    lab_probes = [probe for probe in chosen if probe.needs_lab]
    return any(looks.key(probe.id, probe.version, where=case.tests) is None for probe in lab_probes)


async def collect(
    archive: Archive, case: Case, chosen: Sequence[Probe], laboratory: Laboratory | None, listen: Listener
) -> list[Evidence]:
    """The evidence of these probes for a run that has a tree, from the archive where it is there already.

    Without a laboratory, evidence from any environment will do, and a lab probe without any is UNKNOWN.
    A probe that crashed or lost its sandbox is UNKNOWN in the result and not kept, so it is tried again.
    So is what a probe found, if it cannot be read: its environment is DAMAGED then.
    """
    return [evidence for evidence, _ in await collect_digested(archive, case, chosen, laboratory, listen)]


async def collect_digested(
    archive: Archive, case: Case, chosen: Sequence[Probe], laboratory: Laboratory | None, listen: Listener
) -> list[tuple[Evidence, str]]:
    """The same, each with its digest: of what is kept, that need not be computed."""
    keys = kept_keys(archive, case, chosen, laboratory)
    known = [_kept(archive, case, probe, key) for probe, key in zip(chosen, keys, strict=True) if key]
    missing = [probe for probe, key in zip(chosen, keys, strict=True) if key is None]
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
    return [*((evidence, evidence.digest()) for evidence in found.values()), *known]


def kept_keys(
    archive: Archive, case: Case, chosen: Sequence[Probe], laboratory: Laboratory | None
) -> list[str | None]:
    """Where the archive has what each probe found; None for those that must look."""
    assert case.run.tree is not None
    looks = archive.looks(case.run.tree)
    keys = []
    for probe in chosen:
        environment = _environment(archive, case, probe, laboratory)
        if probe.needs_lab and laboratory is not None and laboratory.reuse:
            environment = None
        where = case.tests if probe.needs_lab else ""
        keys.append(looks.key(probe.id, probe.version, environment, where))
    return keys


def _kept(archive: Archive, case: Case, probe: Probe, key: str) -> tuple[Evidence, str]:
    sound = archive.digested_evidence(key)
    if sound is not None:
        return sound
    assert case.run.tree is not None
    why = f"{archive.damaged.get(key, key)}; delete the file and score the run again"
    lost = _unknown(probe, case.run.tree, DAMAGED, why)
    return lost, lost.digest()


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
        tests=_tests(task, laboratory),
    )


def _tests(task: Task, laboratory: Laboratory) -> BroughtTests | None:
    if task.tests is None:
        return None
    have, image = task.tests, laboratory.images[task.tests.sandbox or task.sandbox]
    return BroughtTests(read_folder(Path(have.folder)).files, have.timeout_s, image, have.place, have.env)


def _packages(archive: Archive, run: Run) -> tuple[PackageFile, ...]:
    kept = archive.packages.of(run.tree) if run.tree else ()
    return tuple(PackageFile(package, archive.packages.path(package)) for package in kept)


async def _examine(
    probe: Probe, subject: Subject, where: str | None, archive: Archive, listen: Listener, reader: Reader
) -> Evidence:
    """New evidence, kept if the probe came to its end."""
    listen(Event("probe", subject.run, {"probe": probe.id, "done": False}))
    if where is None:
        return _unknown(
            probe, subject.tree.digest, "none", "it needs a Docker engine; score the run where there is one"
        )
    try:
        findings = tuple(await _findings(probe, subject, reader))
        return archive.add_evidence(_evidence(probe, subject.tree.digest, where, findings))
    except SandboxError as error:
        return _unknown(probe, subject.tree.digest, where, f"its sandbox broke: {error}")
    except Unread as error:
        return _unknown(probe, subject.tree.digest, where, str(error))
    except OSError:
        raise  # the archive cannot be written
    except Exception:
        crash = f"the probe crashed (our bug): {traceback.format_exc()}"
        return _unknown(probe, subject.tree.digest, where, crash)
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


def _unknown(probe: Probe, tree: str, environment: str, why: str) -> Evidence:
    findings = tuple(Finding(check=c, outcome=Outcome.UNKNOWN, message=why) for c in probe.checks)
    return _evidence(probe, tree, environment, findings)


def _evidence(probe: Probe, tree: str, environment: str, findings: tuple[Finding, ...]) -> Evidence:
    return Evidence(
        tree=tree,
        probe=probe.id,
        version=probe.version,
        environment=environment,
        findings=findings,
    )
