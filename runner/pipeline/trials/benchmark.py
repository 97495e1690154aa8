"""`make run`: plan the trials, run what is not done yet, grade, and say what came of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from runner import agents
from runner.archive.archive import Archive
from runner.core.errors import UserError
from runner.core.protocols import Agent, Executor
from runner.core.records import Blame, Limits, Model, PhaseKind, Rubric, Run, RunStatus, Task, Trial
from runner.core.registry import load
from runner.gateway.metering.pricing import is_priced
from runner.pipeline.events import Event, Listener
from runner.pipeline.grading.grader import Graded, get_rubric, get_task, grade, rubric_for
from runner.pipeline.grading.in_lab import laboratory
from runner.pipeline.settings import Settings
from runner.pipeline.trials.trial import SPEND_CAP, TrialJob, run_attempt, seal_abandoned
from runner.pipeline.workbench import Workbench
from runner.sandbox.recipes import with_agent
from runner.spec.models import find_key, load_catalogue, resolve_model
from runner.spec.tasks import chosen_variants

MOST_ATTEMPTS = 3
# Trying again does not help against these: stop at once.
FINAL_CODES = {"bad_key", "no_credit", "quota", "model_not_found", "request_refused", SPEND_CAP}


@dataclass(frozen=True)
class Request:
    """What the user asked for, in names. `rubric` None means the task's own, `model` None its demo.

    `max_cost_usd` bounds each run beside the task's own limits, `spend_cap_usd` all that are started.
    `variant` names a paraphrase of the task's prompts, or `all` of them beside its own.
    """

    model: str | None
    task: str
    agent: str
    epochs: int = 1
    rubric: str | None = None
    again: bool = False
    max_cost_usd: float | None = None
    spend_cap_usd: float | None = None
    variant: str | None = None


@dataclass(frozen=True)
class Plan:
    """The request with every name resolved; nothing has been started yet."""

    jobs: tuple[TrialJob, ...]
    rubric: Rubric
    again: bool
    warnings: tuple[str, ...] = ()

    def images(self, settings: Settings) -> set[str]:
        """The names of the images that its trials and their grading run in."""
        agents_in = {with_agent(job.task.sandbox, job.agent.id, settings.images) for job in self.jobs}
        return agents_in | {name for job in self.jobs for name in job.task.sandboxes}


def make_plan(request: Request, settings: Settings, environ: Mapping[str, str]) -> Plan:
    """Resolve every name and find the key. Raises UserError before anything starts."""
    if request.epochs < 1:
        raise UserError(f"epochs: should be 1 or more, not {request.epochs}")
    task = get_task(request.task, settings)
    rubric = rubric_for(task.id, request.rubric, settings)
    if any(phase.kind is PhaseKind.REPAIR for phase in task.phases):
        get_rubric(task.rubric, settings)  # repair phases ask by the task's own, whatever grades
    agent: Agent = load(agents, request.agent, "agent").AGENT
    catalogue = load_catalogue(settings.shipped_models, settings.models)
    named = request.model or task.demo
    if named is None:
        raise UserError(f"which model? task {task.id} has no demo of its own; give --model provider/name")
    model = resolve_model(named, catalogue, settings.tasks / task.id, agent.wires)
    key = find_key(model, environ)
    jobs = tuple(
        TrialJob(trial_of(worded, model, agent, epoch, variant), worded, model, agent, key)
        for variant in chosen_variants(task.id, settings.tasks, request.variant)
        for worded in [_bounded(get_task(task.id, settings, variant), model, request)]
        for epoch in range(1, request.epochs + 1)
    )
    return Plan(jobs, rubric, request.again)


def _bounded(task: Task, model: Model, request: Request) -> Task:
    """The task with the user's own limit: another limit makes another trial, so its runs are kept apart."""
    for option, value in (("--max-cost", request.max_cost_usd), ("--spend-cap", request.spend_cap_usd)):
        if value is not None and not 0 < value < float("inf"):
            raise UserError(f"{option}: should be an amount of USD above 0, not {value:g}")
        if value is not None and not is_priced(model):
            told = f"the price of {model.id} is unknown, so {option} cannot be held"
            raise UserError(f"{told}; give its `prices` in your models.yaml, or leave {option} out")
    if request.max_cost_usd is None:
        return task
    limits = task.limits or Limits()
    least = min(request.max_cost_usd, limits.cost_usd if limits.cost_usd is not None else float("inf"))
    return task.model_copy(update={"limits": limits.model_copy(update={"cost_usd": least})})


def trial_of(task: Task, model: Model, agent: Agent, epoch: int, variant: str | None = None) -> Trial:
    """The trial's identity: equal inputs give an equal one, so that a run can be resumed."""
    return Trial(
        task=task.id,
        task_digest=task.identity(),
        model=model.id,
        model_digest=model.identity(),
        agent=agent.id,
        agent_version=agent.version,
        epoch=epoch,
        variant=variant,
    )


def finished(archive: Archive, trial: Trial) -> Run | None:
    """The attempt that settles a trial, if there is one: a failure of infrastructure settles nothing."""
    for run in reversed(archive.runs(trial)):
        if run.status is RunStatus.COMPLETED or (run.failure and run.failure.kind is Blame.MODEL):
            return run
    return None


async def run_plan(
    bench: Workbench, plan: Plan, executor: Executor, listen: Listener
) -> AsyncIterator[Graded]:
    """Each trial's result as it is done. Finished trials are not run again, only graded if need be."""

    async def work(job: TrialJob) -> Graded:
        run = await settle(bench, job, plan.again, listen)
        return await grade(bench.archive, run, plan.rubric, bench.settings, laboratory(bench), listen)

    async for result in executor.map(work, plan.jobs):
        yield result


async def settle(bench: Workbench, job: TrialJob, again: bool, listen: Listener) -> Run:
    """Run attempts until one settles the trial or trying on is of no use; returns the last one.

    Two runners never work on one trial: the second waits, and then finds it done.
    """
    while (claim := bench.archive.claim(job.trial)) is None:
        listen(Event("waiting", job.trial.id))
        await asyncio.sleep(1)
    try:
        return await _settle(bench, job, again, listen)
    finally:
        os.close(claim)


async def _settle(bench: Workbench, job: TrialJob, again: bool, listen: Listener) -> Run:
    seal_abandoned(bench, job)
    done = None if again else finished(bench.archive, job.trial)
    if done is not None:
        listen(Event("resumed", done.id))
        return done
    most = 1 if job.replay else MOST_ATTEMPTS  # a recorded fault comes back however often it is tried
    for number in range(1, most + 1):
        run = await run_attempt(bench, job, listen)
        failure = run.failure
        if failure is None or failure.kind is not Blame.INFRA or failure.code in FINAL_CODES:
            break
        if number < most:
            listen(Event("retry", run.id, {"reason": failure.message}))
            await asyncio.sleep(2**number)
    return run
