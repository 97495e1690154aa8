"""From an archived tree to evidence: each probe a rubric asks for, once per tree, version and environment."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from runner import probes
from runner.archive.archive import Archive
from runner.core.errors import SandboxError
from runner.core.protocols import Probe, SandboxBackend, Subject
from runner.core.records import Evidence, Finding, Outcome, Run, Task
from runner.core.registry import load, names
from runner.pipeline.checkout import read_tree
from runner.pipeline.events import Event, Listener

READ_ONLY = "source"  # the environment of a probe that only reads files


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
    """Where lab probes work; `images` maps sandbox names to tags."""

    backend: SandboxBackend
    images: dict[str, str]
    helper: str
    artifacts: Path


def missing_probes(
    archive: Archive, run: Run, chosen: Sequence[Probe], environment: str | None
) -> list[Probe]:
    """The probes without evidence for a run's tree; an environment of None is satisfied by any."""
    assert run.tree is not None
    return [p for p in chosen if _kept(archive, run.tree, p, environment) is None]


async def collect(
    archive: Archive,
    run: Run,
    task: Task,
    chosen: Sequence[Probe],
    laboratory: Laboratory | None,
    listen: Listener,
) -> list[Evidence]:
    """The evidence of these probes for a run that has a tree, from the archive where it is there already.

    Without a laboratory, evidence from any environment will do, and a lab probe without any is UNKNOWN.
    A probe that crashed or lost its sandbox is UNKNOWN in the result and not kept, so it is tried again.
    """
    assert run.tree is not None
    environment = laboratory.images[task.sandbox].partition(":")[2] if laboratory else None
    missing = missing_probes(archive, run, chosen, environment)
    found: dict[str, Evidence] = {}
    if missing:
        subject = await asyncio.to_thread(_subject, archive, run, task, laboratory)
        work = [_examine(probe, subject, environment, archive, listen) for probe in missing]
        found = {evidence.probe: evidence for evidence in await asyncio.gather(*work)}
    kept = {p.id: _kept(archive, run.tree, p, environment) for p in chosen if p.id not in found}
    return [*found.values(), *(evidence for evidence in kept.values() if evidence is not None)]


def _kept(archive: Archive, tree: str, probe: Probe, environment: str | None) -> Evidence | None:
    if not probe.needs_lab:
        return archive.evidence(tree, probe.id, probe.version, READ_ONLY)
    if environment is None:
        return archive.latest_evidence(tree, probe.id, probe.version)
    return archive.evidence(tree, probe.id, probe.version, environment)


def _subject(archive: Archive, run: Run, task: Task, laboratory: Laboratory | None) -> Subject:
    tree = read_tree(archive, run)
    if laboratory is None:
        return Subject(tree=tree, run=run.id)
    return Subject(
        tree=tree,
        run=run.id,
        backend=laboratory.backend,
        image=laboratory.images[task.sandbox],
        helper_image=laboratory.helper,
        resources=task.resources,
        artifacts=laboratory.artifacts / run.tree if run.tree else None,
    )


async def _examine(
    probe: Probe, subject: Subject, environment: str | None, archive: Archive, listen: Listener
) -> Evidence:
    """New evidence, kept if the probe came to its end."""
    where = environment if probe.needs_lab else READ_ONLY
    listen(Event("probe", subject.run, {"probe": probe.id, "done": False}))
    if where is None:
        return _unknown(probe, subject, "none", "it needs a Docker engine; score the run where there is one")
    try:
        findings = tuple(await _findings(probe, subject))
        return archive.add_evidence(_evidence(probe, subject, where, findings))
    except SandboxError as error:
        return _unknown(probe, subject, where, f"its sandbox broke: {error}")
    except OSError:
        raise  # the archive cannot be written
    except Exception:
        return _unknown(probe, subject, where, f"the probe crashed (our bug): {traceback.format_exc()}")
    finally:
        listen(Event("probe", subject.run, {"probe": probe.id, "done": True}))


async def _findings(probe: Probe, subject: Subject) -> list[Finding]:
    """A probe that only reads may compute for long; in a thread it does not hold up the sandboxes' leases."""
    if probe.needs_lab:
        return await probe.run(subject)
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
