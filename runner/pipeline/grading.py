"""From evidence to scores: grading runs, and grading them again under another rubric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from runner.archive.archive import Archive
from runner.core.errors import UserError
from runner.core.records import Blame, Rubric, Run, RunStatus, Score
from runner.pipeline.events import Event, Listener
from runner.pipeline.evidence import Laboratory, all_checks, collect, missing_probes, probes_for
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import HELPER_IMAGE, Workbench, open_archive, open_workbench
from runner.scoring.evaluate import evaluate
from runner.spec.rubrics import load_rubric, validate
from runner.spec.tasks import load_task


@dataclass(frozen=True)
class Graded:
    """A run with its score; `why_not` says why there is none."""

    run: Run
    score: Score | None
    why_not: str | None = None


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
    if run.status is RunStatus.INTERRUPTED:
        return "it was interrupted"
    if run.failure is not None and run.failure.kind is not Blame.MODEL:
        return f"it failed, and not by the model ({run.failure.kind}: {run.failure.code})"
    return "it left no repository" if run.tree is None else None


async def grade(
    archive: Archive,
    run: Run,
    rubric: Rubric,
    settings: Settings,
    laboratory: Laboratory | None,
    listen: Listener,
) -> Graded:
    """Score one run and keep the score."""
    why_not = ungradable(run)
    if why_not is not None:
        return Graded(run, None, why_not)
    task = load_task(run.trial.task, settings.tasks)
    evidence = await collect(archive, run, task, probes_for(rubric.checks()), laboratory, listen)
    score = evaluate(rubric, run.id, evidence)
    archive.add_score(score)
    listen(Event("scored", run.id, {"tier": score.tier, "low": score.low, "high": score.high}))
    return Graded(run, score)


def chosen_runs(archive: Archive, references: Sequence[str], every: bool) -> list[Run]:
    """The runs a command names, or all of them."""
    if every == bool(references):
        raise UserError("name the runs, or give --all")
    return archive.runs() if every else [archive.find(reference) for reference in references]


def latest_score(archive: Archive, run: Run, rubric: Rubric | None = None) -> Score | None:
    """A run's newest score (under one rubric)."""
    scores = archive.scores(run, rubric)
    return scores[-1] if scores else None


def lacking_sandboxes(settings: Settings, runs: Sequence[Run], rubric: Rubric) -> set[str]:
    """The sandboxes that must be started because evidence for a rubric is missing; mostly none."""
    archive = open_archive(settings)
    lacking = {run.trial.task for run in runs if _needs_lab(archive, run, rubric)}
    return {load_task(task, settings.tasks).sandbox for task in lacking}


async def grade_all(
    settings: Settings, runs: Sequence[Run], rubric: Rubric, images: dict[str, str], listen: Listener
) -> list[Graded]:
    """Score runs again; containers are started only if there are `images` for them."""
    archive = open_archive(settings)
    async with AsyncExitStack() as stack:
        lab = None
        if images:
            lab = laboratory(await stack.enter_async_context(open_workbench(settings, images)))
        return [await grade(archive, run, rubric, settings, lab, listen) for run in runs]


def _needs_lab(archive: Archive, run: Run, rubric: Rubric) -> bool:
    if ungradable(run) is not None:
        return False
    chosen = probes_for(rubric.checks())
    return any(probe.needs_lab for probe in missing_probes(archive, run, chosen, None))


def laboratory(bench: Workbench) -> Laboratory:
    """Where the runs of a workbench are probed."""
    return Laboratory(
        backend=bench.backend,
        images=bench.images,
        helper=bench.images[HELPER_IMAGE],
        artifacts=bench.archive.root / "artifacts",
    )
