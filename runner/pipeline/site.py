"""What the static site is made from: runs, scores, standings, rubrics and versions, read from the archive."""

from __future__ import annotations

from collections import Counter
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
from runner.pipeline.evidence import all_probes
from runner.pipeline.explain import explanations
from runner.pipeline.grading import get_rubric, ungradable
from runner.pipeline.manifest import manifest_files
from runner.pipeline.placings import STATISTICS, placings
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import Archive, open_archive
from runner.report.site.build import Progress, build
from runner.report.site.entries import CheckMeaning, Entry, Material, Method
from runner.scoring.rubric_diff import rubric_diff
from runner.spec.rubrics import load_rubric
from runner.spec.tasks import load_task, task_ids

Scores = Mapping[str, Score]
# What is read of a repository for its pages: far more than they show.
BOUNDS = Bounds(files=5_000, file_bytes=1_000_000, total_bytes=48_000_000)


def build_site(
    settings: Settings, out: Path, reference: str | None, progress: Progress, live: bool = False
) -> tuple[Material, int]:
    """Write the archive's site; returns what it was made from and how many files are new or changed.

    `reference` names the rubric by which runs of its tasks are shown, else see `_shown_rubrics`.
    """
    rubric = get_rubric(reference, settings) if reference else None
    material = material_of(settings, rubric)
    return material, build(material, out, progress, live)


def material_of(settings: Settings, rubric: Rubric | None) -> Material:
    """All that the site shows."""
    archive = open_archive(settings)
    runs = archive.runs()
    scores = {run.id: {score.rubric_digest: score for score in archive.scores(run)} for run in runs}
    shown = _shown_rubrics(scores.values(), rubric)
    entries = [_entry(archive, run, scores[run.id], shown) for run in runs]
    rubrics = _rubrics(settings, rubric)
    tasks = [load_task(name, settings.tasks) for name in task_ids(settings.tasks)]
    return Material(
        entries=entries,
        standings=placings(((e.run, e.score) for e in entries), _tiers(rubrics)),
        rubrics=rubrics,
        checks=_checks(rubrics),
        changes=_changes(scores, runs, rubrics),
        method=_method(settings, archive, entries, tasks),
        read_tree=lambda run: _tree(archive, run),
    )


def _shown_rubrics(scores: Iterable[Scores], chosen: Rubric | None) -> dict[str, str]:
    """By rubric id, the digest of the version that most runs have a score under, the newest of these."""
    numbers = Counter((score.rubric, digest) for found in scores for digest, score in found.items())
    best: dict[str, tuple[int, int, str]] = {}
    for (name, digest), number in numbers.items():
        id, _, version = name.partition("@")
        best[id] = max(best.get(id, (0, 0, "")), (number, int(version), digest))
    shown = {id: digest for id, (_, _, digest) in best.items()}
    return shown | ({chosen.id: chosen.digest()} if chosen else {})


def _entry(archive: Archive, run: Run, scores: Scores, shown: Mapping[str, str]) -> Entry:
    """`scores` are the run's newest ones by their rubric's digest."""
    score = next((score for digest, score in scores.items() if digest in shown.values()), None)
    lacking = "it has not been scored under the rubric shown; run: shipworthy rescore --all --rubric ..."
    calibrations = archive.calibrations(run) if score else []
    repaired = archive.improvements(run, score.rubric, score.rubric_digest) if score else []
    return Entry(
        run=run,
        score=score,
        why_not=None if score else ungradable(run) or lacking,
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


def _changes(
    scores: Mapping[str, Scores], runs: Iterable[Run], rubrics: Sequence[Rubric]
) -> list[RubricDiff]:
    """Each version after the one before it, with who moved: of scores that are there, nothing is graded."""
    contenders = {run.id: (run.trial.model, run.trial.agent) for run in runs}
    changes = []
    for old, new in _versions(rubrics):
        before, after = old.digest(), new.digest()
        pairs = [(s[before], s[after]) for s in scores.values() if before in s and after in s]
        changes.append(rubric_diff(old, new, pairs, contenders))
    return changes


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
