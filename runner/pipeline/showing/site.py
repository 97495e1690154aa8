"""What the static site is made from: runs, scores, standings, rubrics and versions, read from the archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from runner.pipeline.archives import Archive, open_archive
from runner.pipeline.grading.evidence import all_probes
from runner.pipeline.grading.grader import ungradable
from runner.pipeline.grading.rescoring import Work, rescore
from runner.pipeline.manifest import manifest_files
from runner.pipeline.rubrics.explain import explanations
from runner.pipeline.rubrics.rank_moves import with_places
from runner.pipeline.settings import Settings
from runner.pipeline.showing.duels import duels
from runner.pipeline.showing.placings import STATISTICS, placing
from runner.pipeline.showing.standings import Samples, load_samples, standings, wordings
from runner.report.site.build import Progress, build
from runner.report.site.entries import CheckMeaning, Entry, Material, Method
from runner.scoring.rubric_diff import Mover, diff_of
from runner.spec.rubrics import load_rubric
from runner.spec.tasks import load_task, task_ids

Scores = Mapping[str, Score]
# What is read of a repository for its pages: far more than they show.
BOUNDS = Bounds(files=5_000, file_bytes=1_000_000, total_bytes=48_000_000)


def build_site(
    settings: Settings, out: Path, reference: str | None, progress: Progress, live: bool = False
) -> tuple[Material, int]:
    """Write the archive's site; returns what it was made from and how many files are new or changed.

    `reference` names the rubric by which runs of its tasks are shown; runs of others then have no score.
    """
    material = material_of(settings, reference)
    return material, build(material, out, progress, live)


def material_of(settings: Settings, reference: str | None) -> Material:
    """All that the site shows."""
    archive = open_archive(settings)
    loaded = load_samples(settings, reference)
    runs = archive.runs()
    scores = {run.id: {score.rubric_digest: score for score in archive.scores(run)} for run in runs}
    tasks = [load_task(name, settings.tasks) for name in task_ids(settings.tasks)]
    shown = _shown(settings, runs, scores, loaded.rubrics)
    entries = [_entry(archive, run, shown.get(run.id), loaded) for run in runs]
    rubrics = _rubrics(settings, loaded.rubrics.values())
    rows = standings(loaded)
    return Material(
        entries=entries,
        standings=[placing(row) for row in rows],
        spreads=wordings(loaded),
        duels=duels(loaded.samples, [row.contender for row in rows]),
        rubrics=rubrics,
        checks=_checks(rubrics),
        changes=_changes(scores, runs, rubrics),
        method=_method(settings, archive.damaged | loaded.damaged, entries, tasks),
        read_tree=lambda run: _tree(archive, run),
    )


def _shown(
    settings: Settings, runs: Sequence[Run], scores: Mapping[str, Scores], rubrics: Mapping[str, Rubric]
) -> dict[str, Score]:
    """Each run's score under its task's rubric; one that was never computed is, and not kept."""
    digests = {task: rubric.digest() for task, rubric in rubrics.items()}
    known = [run for run in runs if run.trial.task in digests]
    found = {run.id: s for run in known if (s := scores[run.id].get(digests[run.trial.task]))}
    for digest, rubric in {rubric.digest(): rubric for rubric in rubrics.values()}.items():
        lacking = [run for run in known if digests[run.trial.task] == digest and run.id not in found]
        lacking = [run for run in lacking if ungradable(run) is None]
        if lacking:
            (results,) = rescore(Work(settings, (rubric,), frozenset({digest})), lacking, lambda more: None)
            found |= {result.run.id: result.score for result in results if result.score}
    return found


def _entry(archive: Archive, run: Run, score: Score | None, loaded: Samples) -> Entry:
    foreign = loaded.left_out.get(run.trial.task)
    calibrations = archive.calibrations(run) if score else []
    repaired = archive.improvements(run, score.rubric, score.rubric_digest) if score else []
    return Entry(
        run=run,
        score=score,
        why_not=None if score else ungradable(run) or foreign or "it has not been scored",
        calibration=calibrations[-1] if calibrations else None,
        improvements=tuple({each.phase: each for each in repaired}.values()),
        folder=archive.folder(run),
        artifacts=archive.root / "artifacts" / run.tree if run.tree else None,
    )


def _tree(archive: Archive, run: Run) -> SourceTree | None:
    """The files of a run; a repository that cannot be read is as good as none, `verify` names it."""
    if run.tree is None:
        return None
    try:
        with closing(open_repository(archive.folder(run) / "repo.git")) as repository:
            return repository.read(run.tree, BOUNDS)
    except ShipworthyError:
        return None


def _rubrics(settings: Settings, used: Iterable[Rubric]) -> list[Rubric]:
    """Every released rubric, by name, and those used that were never released."""
    released = [
        load_rubric(f"{path.parent.name}@{path.stem[1:]}", settings.rubrics)
        for path in sorted(settings.rubrics.glob("*/v*.yaml"))
        if path.stem[1:].isdigit()
    ]
    found = {rubric.digest(): rubric for rubric in [*released, *used]}
    return sorted(found.values(), key=lambda rubric: (rubric.id, rubric.version))


def _versions(rubrics: Sequence[Rubric]) -> list[tuple[Rubric, Rubric]]:
    """Each version with the one before it."""
    return [(old, new) for old, new in pairwise(rubrics) if old.id == new.id]


def _changes(
    scores: Mapping[str, Scores], runs: Sequence[Run], rubrics: Sequence[Rubric]
) -> list[RubricDiff]:
    """Each version after the one before it, with who moved: of scores that are there, nothing is graded."""
    contenders = {run.id: (run.trial.model, run.trial.agent) for run in runs}
    changes = []
    for old, new in _versions(rubrics):
        before, after = old.digest(), new.digest()
        mover = Mover(old, new)
        moves = [mover.move((s[before], s[after])) for s in scores.values() if before in s and after in s]
        changes.append(with_places(diff_of(old, new, moves, contenders), moves, runs))
    return changes


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


def _method(
    settings: Settings, damaged: Mapping[str, str], entries: Iterable[Entry], tasks: Sequence[Task]
) -> Method:
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
        damaged=damaged,
    )
