"""What the static site is made from: runs, scores, standings, rubrics and versions, read from the archive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from runner import __version__
from runner.archive.repository import Bounds, open_repository
from runner.core.errors import ShipworthyError
from runner.core.records import Rubric, Run, Score, Task
from runner.core.rubric_diff import RubricDiff
from runner.core.tree import SourceTree
from runner.pipeline.evidence import all_probes
from runner.pipeline.explain import explanations
from runner.pipeline.grading import get_rubric, latest, ungradable
from runner.pipeline.manifest import manifest_files
from runner.pipeline.placings import STATISTICS, placings
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import Archive, open_archive
from runner.report.site.build import Progress, build
from runner.report.site.entries import CheckMeaning, Entry, Material, Method
from runner.scoring.rubric_diff import rubric_diff
from runner.spec.rubrics import load_rubric
from runner.spec.tasks import load_task, task_ids

# What is read of a repository for its pages: far more than they show.
BOUNDS = Bounds(files=5_000, file_bytes=1_000_000, total_bytes=48_000_000)


def build_site(
    settings: Settings, out: Path, reference: str | None, progress: Progress, live: bool = False
) -> tuple[Material, int]:
    """Write the archive's site; returns what it was made from and how many files are new or changed.

    `reference` names the rubric by which runs of its tasks are shown; else each run's newest score counts.
    """
    rubric = get_rubric(reference, settings) if reference else None
    material = material_of(settings, rubric)
    return material, build(material, out, progress, live)


def material_of(settings: Settings, rubric: Rubric | None) -> Material:
    """All that the site shows."""
    archive = open_archive(settings)
    entries = [_entry(archive, run, rubric) for run in archive.runs()]
    rubrics = _rubrics(settings, rubric)
    tasks = [load_task(name, settings.tasks) for name in task_ids(settings.tasks)]
    return Material(
        entries=entries,
        standings=placings(((e.run, e.score) for e in entries), _tiers(rubrics)),
        rubrics=rubrics,
        checks=_checks(rubrics),
        changes=[_change(archive, entries, *pair) for pair in _versions(rubrics)],
        method=_method(settings, archive, entries, tasks),
        read_tree=lambda run: _tree(archive, run),
    )


def _entry(archive: Archive, run: Run, rubric: Rubric | None) -> Entry:
    graded = latest(archive, run)
    score, why_not = graded.score, graded.why_not
    if rubric is not None and (score is None or score.rubric_digest != rubric.digest()):
        score, why_not = _under(archive, run, rubric, score, why_not)
    return Entry(
        run=run,
        score=score,
        why_not=why_not,
        calibration=graded.calibration,
        improvements=graded.improvements if score is graded.score else (),
        folder=archive.folder(run),
        artifacts=archive.root / "artifacts" / run.tree if run.tree else None,
    )


def _under(
    archive: Archive, run: Run, rubric: Rubric, newest: Score | None, why_not: str | None
) -> tuple[Score | None, str | None]:
    """The score under a rubric; runs that another rubric grades keep their own."""
    if newest is not None and newest.rubric.partition("@")[0] != rubric.id:
        return newest, why_not
    scores = archive.scores(run, rubric)
    if scores:
        return scores[-1], None
    lacking = f"it has no score under {rubric.name}; run: shipworthy rescore --all --rubric {rubric.name}"
    return None, ungradable(run) or lacking


def _tree(archive: Archive, run: Run) -> SourceTree | None:
    """The files of a run; a repository that cannot be read is as good as none, `verify` names it."""
    if run.tree is None:
        return None
    try:
        with closing(open_repository(archive.folder(run) / "repo.git")) as repository:
            return repository.read(run.tree, BOUNDS)
    except ShipworthyError:
        return None


def _rubrics(settings: Settings, chosen: Rubric | None) -> list[Rubric]:
    """Every released rubric, by name, and the chosen one if it is none of them."""
    released = [
        load_rubric(f"{path.parent.name}@{path.stem[1:]}", settings.rubrics)
        for path in sorted(settings.rubrics.glob("*/v*.yaml"))
        if path.stem[1:].isdigit()
    ]
    found = {rubric.digest(): rubric for rubric in [*released, *([chosen] if chosen else [])]}
    return sorted(found.values(), key=lambda rubric: (rubric.id, rubric.version))


def _versions(rubrics: Sequence[Rubric]) -> list[tuple[Rubric, Rubric]]:
    """Each version with the one before it."""
    return [(old, new) for old, new in pairwise(rubrics) if old.id == new.id]


def _change(archive: Archive, entries: Iterable[Entry], old: Rubric, new: Rubric) -> RubricDiff:
    """What changed, and who moved: of the scores that are there, nothing is graded for it."""
    pairs, contenders = [], {}
    for run in (entry.run for entry in entries):
        before, after = archive.scores(run, old), archive.scores(run, new)
        if before and after:
            pairs.append((before[-1], after[-1]))
            contenders[run.id] = (run.trial.model, run.trial.agent)
    return rubric_diff(old, new, pairs, contenders)


def _tiers(rubrics: Sequence[Rubric]) -> list[str]:
    return list(dict.fromkeys(tier.id for rubric in rubrics for tier in rubric.tiers))


def _checks(rubrics: Sequence[Rubric]) -> dict[str, CheckMeaning]:
    wanted = sorted(frozenset().union(*(rubric.checks() for rubric in rubrics)))
    return {
        told.check: CheckMeaning(
            check=told.check,
            statement=told.statement,
            probe=told.probe.id,
            version=told.probe.version,
            why=told.doc.why,
            how=told.doc.how,
            unknown=told.doc.unknown,
            good=told.doc.good,
            bad=told.doc.bad,
        )
        for told in explanations(rubrics, wanted)
    }


def _method(settings: Settings, archive: Archive, entries: Iterable[Entry], tasks: Sequence[Task]) -> Method:
    manifests = manifest_files(settings)
    return Method(
        program=__version__,
        made=datetime.now(UTC),
        archive=settings.archive.name,
        tasks=[(task.id, task.rubric, task.identity()) for task in tasks],
        images=sorted({entry.run.image for entry in entries}),
        manifests=[(m.stem, m.parent.parent.name, sha256(m.read_bytes()).hexdigest()) for m in manifests],
        probes=[(probe.id, probe.version, probe.needs_lab) for probe in all_probes()],
        statistics=STATISTICS,
        damaged=dict(archive.damaged),
    )
