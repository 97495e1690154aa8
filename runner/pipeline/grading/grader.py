"""From evidence to scores: grading runs, and grading them again under another rubric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from runner.archive.archive import Archive
from runner.core.errors import ArchiveError, UserError
from runner.core.records import Blame, Calibration, Improvement, Rubric, Run, RunStatus, Score, Task
from runner.pipeline.archives import open_archive
from runner.pipeline.events import Event, Listener
from runner.pipeline.grading.evidence import (
    DAMAGED,
    Case,
    Laboratory,
    all_checks,
    case_of,
    lacks_lab,
    probes_for,
)
from runner.pipeline.grading.trees import TreeEvidence, as_of, checks_by_tree
from runner.pipeline.settings import Settings
from runner.pipeline.trials.repair import improvements
from runner.pipeline.trials.review import calibration
from runner.scoring.evaluate import Evaluator, joint_digest
from runner.spec.rubrics import load_rubric, validate
from runner.spec.tasks import load_task, validate_goals

Keep = Callable[[Score], object]


@dataclass(frozen=True)
class Graded:
    """A run with its score, what its review was worth and what repairs brought.

    `why_not` says why there is no score; `broken` what of it in the archive is damaged, if anything is.
    """

    run: Run
    score: Score | None
    why_not: str | None = None
    calibration: Calibration | None = None
    improvements: tuple[Improvement, ...] = ()
    broken: str | None = None
    new: bool = field(default=False, compare=False)  # the score was computed just now


def get_task(identity: str, settings: Settings, variant: str | None = None) -> Task:
    """A task whose goals' every check exists. Raises as `load_task` does."""
    task = load_task(identity, settings.tasks, variant)
    validate_goals(task, all_checks(), settings.tasks / identity / "task.yaml")
    return task


def get_rubric(reference: str, settings: Settings) -> Rubric:
    """A rubric whose every check exists. Raises SpecError naming file and field."""
    rubric = load_rubric(reference, settings.rubrics)
    validate(rubric, all_checks(), reference)
    return rubric


def rubric_for(task: str, reference: str | None, settings: Settings) -> Rubric:
    """The rubric a user names for runs of a task, else its own. Raises UserError if it does not fit."""
    rubric = get_rubric(reference or load_task(task, settings.tasks).rubric, settings)
    if why_not := _misfit(task, rubric, settings):
        raise UserError(why_not)
    return rubric


def misfits(runs: Iterable[Run], rubric: Rubric, settings: Settings) -> dict[str, str]:
    """The tasks among these runs that a rubric was not written for, each with the reason.

    Versions of one rubric share its id. Under another one's checks a run would keep points for nothing.
    """
    tasks = sorted({run.trial.task for run in runs})
    found = {task: _misfit(task, rubric, settings) for task in tasks}
    return {task: why_not for task, why_not in found.items() if why_not is not None}


def _misfit(task: str, rubric: Rubric, settings: Settings) -> str | None:
    try:
        own = load_rubric(load_task(task, settings.tasks).rubric, settings.rubrics)
    except UserError as error:
        return str(error)
    fits = own.id == rubric.id
    return None if fits else f"task {task} is graded by versions of rubric {own.id}, not by {rubric.name}"


def ungradable(run: Run) -> str | None:
    """Why a run gets no score: only what the model is answerable for is graded."""
    if run.imported is not None and run.tree is None:
        return "it was imported without a repository"
    if run.status is RunStatus.INTERRUPTED:
        return "it was interrupted"
    if run.failure is not None and run.failure.kind is not Blame.MODEL:
        return f"it failed, and not by the model ({run.failure.kind}: {run.failure.code})"
    return "it left no repository" if run.tree is None else None


class Grader:
    """One rubric for many runs. `keep` takes each new score; if it is None, nothing is left behind."""

    def __init__(self, archive: Archive, rubric: Rubric, settings: Settings, keep: Keep | None) -> None:
        self.archive = archive
        self.rubric = rubric
        self._checks = rubric.checks()
        self._evaluator = Evaluator(rubric)
        self._settings = settings
        self._keep = keep
        self._tasks: dict[str, Task] = {}

    async def grade(self, run: Run, laboratory: Laboratory | None, listen: Listener) -> Graded:
        """Score one run, and what its review and repair phases were worth; nothing is computed twice.

        What of it is damaged ends no other run's grading: it is told as `broken`.
        """
        why_not = ungradable(run)
        if why_not is not None:
            return Graded(run, None, why_not)
        score: Score | None = None
        try:
            score, evidence = await self._scored(run, laboratory, listen)
            lost = [e.findings[0].message for e in evidence.read() if e.environment == DAMAGED]
            graded = Graded(run, score) if self._keep is None else await self._phases(score, evidence)
            return replace(graded, broken=lost[0] if lost else None, new=bool(evidence.read()))
        except ArchiveError as error:
            return Graded(run, score, None if score else f"{error}", broken=str(error))

    async def _scored(
        self, run: Run, laboratory: Laboratory | None, listen: Listener
    ) -> tuple[Score, TreeEvidence]:
        assert run.tree is not None
        case = case_of(run, self._task(run.trial.task), self._settings.images.sandboxes)
        evidence = TreeEvidence(self.archive, case, laboratory, listen)
        if self._known(run.id) and (digest := evidence.kept_digest(run.tree, self._checks)):
            kept = self.archive.ledger.find(run.id, self.rubric.name, self._evaluator.digest, digest)
            if kept is not None:
                return kept, evidence
        found = await evidence.digested(run.tree, self._checks)
        digest = joint_digest(each for _, each in found)
        score = self._evaluator.score(run.id, [each for each, _ in found], digest)
        whole = all(each.environment != DAMAGED for each, _ in found)
        if (
            self._keep is not None and whole
        ):  # what is only unknown by damage must not become the newest score
            self._keep(score)
        return score, evidence

    def _known(self, run: str) -> bool:
        return self.archive.ledger.any_of(run, self.rubric.name, self._evaluator.digest)

    async def _phases(self, score: Score, evidence: TreeEvidence) -> Graded:
        """What its review and repair phases were worth, kept too."""
        run = evidence.case.run
        reviewed, repaired = await calibration(evidence), await improvements(evidence, self.rubric)
        if reviewed is not None:
            self.archive.add_calibration(reviewed)
        for each in repaired:
            self.archive.add_improvement(each)
        evidence.listen(Event("scored", run.id, {"tier": score.tier, "low": score.low, "high": score.high}))
        return Graded(run, score, None, reviewed, repaired)

    def _task(self, identity: str) -> Task:
        if identity not in self._tasks:
            self._tasks[identity] = get_task(identity, self._settings)
        return self._tasks[identity]


async def grade(
    archive: Archive,
    run: Run,
    rubric: Rubric,
    settings: Settings,
    laboratory: Laboratory | None,
    listen: Listener,
) -> Graded:
    """Score one run and keep the score, and what its review and repair phases were worth."""
    return await Grader(archive, rubric, settings, archive.add_score).grade(run, laboratory, listen)


def chosen_runs(archive: Archive, references: Sequence[str], every: bool) -> list[Run]:
    """The runs a command names, or all of them."""
    if every == bool(references):
        raise UserError("name the runs, or give --all")
    return archive.runs() if every else [archive.find(reference) for reference in references]


def latest_score(archive: Archive, run: Run, rubric: Rubric | None = None) -> Score | None:
    """A run's newest score (under one rubric)."""
    scores = archive.scores(run, rubric)
    return scores[-1] if scores else None


def latest(archive: Archive, run: Run) -> Graded:
    """A run with its newest score, and what was found with that."""
    score = latest_score(archive, run)
    if score is None:
        return Graded(run, None, ungradable(run) or "it has not been scored; run: shipworthy score")
    calibrations = archive.calibrations(run)
    repaired = {each.phase: each for each in archive.improvements(run, score.rubric, score.rubric_digest)}
    return Graded(run, score, None, calibrations[-1] if calibrations else None, tuple(repaired.values()))


def lacking_lab(settings: Settings, runs: Sequence[Run], rubric: Rubric) -> list[Run]:
    """The runs for which containers must be started because evidence for a rubric is missing."""
    archive = open_archive(settings)
    gradable = [run for run in runs if ungradable(run) is None]
    tasks = {name: load_task(name, settings.tasks) for name in {run.trial.task for run in gradable}}
    cases = [case_of(run, tasks[run.trial.task], settings.images.sandboxes) for run in gradable]
    rubric_checks = rubric.checks()

    def lacks(case: Case) -> bool:
        return any(
            lacks_lab(archive, as_of(case, tree), probes_for(checks))
            for tree, checks in checks_by_tree(case, rubric_checks).items()
        )

    return [case.run for case in cases if lacks(case)]


def lacking_sandboxes(settings: Settings, runs: Sequence[Run], rubric: Rubric) -> set[str]:
    """The sandboxes that must be started because evidence for a rubric is missing; mostly none."""
    tasks = {run.trial.task for run in lacking_lab(settings, runs, rubric)}
    return {sandbox for name in tasks for sandbox in load_task(name, settings.tasks).sandboxes}
