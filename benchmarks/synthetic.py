"""A synthetic archive: sealed runs that no model ever made, to measure and to try things at scale.

    .venv/bin/python -m benchmarks.synthetic DIR [--runs 1000] [--seed 1] [--no-scores] [--jobs 2]

Models, costs, times, failures and findings are invented, and every model is called `synthetic/...`. The same
seed gives the same runs, evidence and scores. They are written through the archive's own interface, only
without waiting for the disk, so `shipworthy verify` accepts them. A few runs have a small real repository
(`--repositories`), and those have a transcript too; the trees of all others exist only by name, so no
probe can look at them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from random import Random

from runner.archive.archive import Archive, Attempt
from runner.archive.repository import Repository
from runner.core.protocols import Probe
from runner.core.records import (
    Blame,
    Evidence,
    Failure,
    Finding,
    Location,
    Outcome,
    PhaseResult,
    Rubric,
    Run,
    RunStatus,
    Task,
    Trial,
    Usage,
)
from runner.pipeline.grading.evidence import probes_for, source_environment
from runner.sandbox.recipes import MANIFESTS
from runner.scoring.evaluate import evaluate
from runner.spec.rubrics import load_rubric
from runner.spec.tasks import load_task
from runner.storage.local import LocalStore

ROOT = Path(__file__).parents[1]
TASKS = ("rails_chat", "notes_cli")
BEGIN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LAB_ENVIRONMENT = "synthetic0000"


@dataclass(frozen=True)
class Profile:
    """An invented model: how often its work holds, how it differs by area, what it costs."""

    id: str
    skill: float
    usd_per_million: float
    tokens: int
    seconds: float
    infra: float = 0.02


PROFILES = (
    Profile("synthetic/heron-large", 0.95, 15.0, 900_000, 1500),
    Profile("synthetic/heron-small", 0.86, 1.2, 700_000, 700),
    Profile("synthetic/osprey-pro", 0.94, 6.0, 1_200_000, 1300),
    Profile("synthetic/osprey-mini", 0.80, 0.4, 600_000, 420, infra=0.05),
    Profile("synthetic/plover-max", 0.91, 3.0, 1_500_000, 1900),
    Profile("synthetic/plover-7b", 0.62, 0.1, 400_000, 900, infra=0.08),
    Profile("synthetic/curlew", 0.88, 2.2, 800_000, 1000),
    Profile("synthetic/wren", 0.72, 0.0, 500_000, 1100),
)
AGENTS = (("bash", 1.0), ("mini-swe-agent", 0.99), ("aider", 0.97))
FAILURES = {
    Blame.MODEL: (("loop", "the same reply ten times in a row"), ("gave_up", "it ended with nothing done")),
    Blame.INFRA: (("rate_limit", "three requests in a row were refused"), ("sandbox", "the container ended")),
    Blame.HARNESS: (("internal", "an error of the runner"),),
}
_GIT = {
    **{"PATH": os.defpath, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull},
    **{"GIT_AUTHOR_DATE": "2026-01-05T08:00:00Z", "GIT_COMMITTER_DATE": "2026-01-05T08:00:00Z"},
}
FILES = {
    "README.md": "# A synthetic app\n\nMade by benchmarks/synthetic.py; no model wrote it.\n",
    "app/models/chat.rb": "class Chat\n  def ask(text)\n    client.ask(text)\n  end\nend\n",
    "app/views/chats/show.html.erb": "<h1>Chat</h1>\n<script>alert('escaped?')</script>\n",
    "notes/__main__.py": "import argparse\n\nargparse.ArgumentParser().parse_args()\n",
}


@dataclass(frozen=True)
class Plan:
    """What is to be made; `repositories` is how many runs get a real one. Runs take the tasks in turn."""

    archive: Path
    runs: int
    seed: int
    scores: bool = True
    repositories: int = 8
    tasks: tuple[str, ...] = TASKS


@cache
def task_of(name: str) -> tuple[Task, Rubric, tuple[Probe, ...]]:
    task = load_task(name, ROOT / "tasks")
    rubric = load_rubric(task.rubric, ROOT / "rubrics")
    older = [load_rubric(f"{rubric.id}@{v}", ROOT / "rubrics") for v in range(1, rubric.version)]
    checks = rubric.checks().union(*(each.checks() for each in older))
    return task, rubric, probes_for(checks)


def make(plan: Plan, jobs: int = 1) -> int:
    """Fill the archive; returns how many runs there are."""
    size = max(1, -(-plan.runs // (jobs * 4)))
    chunks = [range(n, min(n + size, plan.runs)) for n in range(0, plan.runs, size)]
    work = partial(_make_some, plan)
    if jobs == 1:
        return sum(map(work, chunks))
    with ProcessPoolExecutor(jobs) as pool:
        return sum(pool.map(work, chunks))


def _make_some(plan: Plan, numbers: Sequence[int]) -> int:
    archive = Archive(plan.archive, LocalStore(plan.archive, durable=False), clock=lambda: BEGIN)
    for number in numbers:
        _make_run(archive, plan, number)
    return len(numbers)


def _make_run(archive: Archive, plan: Plan, number: int) -> None:
    """One run, from its number and the seed alone."""
    random = Random(f"{plan.seed}/{number}")
    profile = PROFILES[number % len(PROFILES)]
    agent, help_of_agent = AGENTS[number // len(PROFILES) % len(AGENTS)]
    task, rubric, probes = task_of(plan.tasks[number // (len(PROFILES) * len(AGENTS)) % len(plan.tasks)])
    epoch = 1 + number // (len(PROFILES) * len(AGENTS) * len(plan.tasks))
    trial = Trial(
        task=task.id,
        task_digest=task.identity(),
        model=profile.id,
        model_digest=hashlib.sha256(profile.id.encode()).hexdigest(),
        agent=agent,
        agent_version="synthetic",
        epoch=epoch,
    )
    attempt = archive.new_attempt(trial)
    started = BEGIN + timedelta(minutes=7 * number)
    real = number < plan.repositories
    left = _leave_tree(attempt, f"{plan.seed}/{number}", started, real)
    failure = _failure(profile, random)
    run = _run(attempt, trial, task, _phases(task, profile, random, started, left), failure)
    if real:
        _write_transcript(attempt, run)
    sealed = archive.seal(attempt, run)
    if sealed.tree is None:
        return
    found = [_evidence(task, probe, sealed.tree, profile.skill * help_of_agent, random) for probe in probes]
    kept = [archive.add_evidence(each) for each in found]
    if plan.scores and (failure is None or failure.kind is Blame.MODEL):
        wanted = {probe.id for probe in probes_for(rubric.checks())}
        archive.add_score(evaluate(rubric, sealed.id, [e for e in kept if e.probe in wanted]))


def _failure(profile: Profile, random: Random) -> Failure | None:
    chance = random.random()
    bounds = ((Blame.INFRA, profile.infra), (Blame.HARNESS, 0.005), (Blame.MODEL, (1 - profile.skill) * 0.3))
    for blame, share in bounds:
        if chance < share:
            code, message = random.choice(FAILURES[blame])
            return Failure(kind=blame, code=code, message=f"synthetic: {message}")
        chance -= share
    return None


def _phases(
    task: Task, profile: Profile, random: Random, started: datetime, left: tuple[str, str]
) -> tuple[PhaseResult, ...]:
    phases, at = [], started
    for number, phase in enumerate(task.phases):
        part = random.lognormvariate(0, 0.35) / (1 + 2 * number)
        read = int(profile.tokens * part)
        usage = Usage(
            requests=max(1, int(60 * part)),
            input_tokens=read,
            cached_input_tokens=int(read * 0.7),
            output_tokens=int(read * 0.04),
            cost_usd=None if profile.id.endswith("wren") else round(read * profile.usd_per_million / 3e6, 6),
        )
        wall_s = round(profile.seconds * part, 3)
        phases.append(
            PhaseResult(
                id=phase.id,
                kind=phase.kind,
                started=at,
                wall_s=wall_s,
                usage=usage,
                exit_code=0,
                stopped_by="done",
                commit=left[0],
                tree=left[1],
            )
        )
        at += timedelta(seconds=wall_s)
    return tuple(phases)


def _run(
    attempt: Attempt, trial: Trial, task: Task, phases: tuple[PhaseResult, ...], failure: Failure | None
) -> Run:
    empty = failure is not None and failure.code == "gave_up"
    if empty:
        phases = tuple(phase.model_copy(update={"commit": None, "tree": None}) for phase in phases)
    return Run(
        trial=trial,
        attempt=attempt.number,
        status=RunStatus.FAILED if failure else RunStatus.COMPLETED,
        started=phases[0].started,
        finished=phases[-1].started + timedelta(seconds=phases[-1].wall_s),
        phases=phases,
        usage=sum((phase.usage for phase in phases), Usage()),
        image=f"synthetic/{task.sandbox}",
        tree=phases[-1].tree,
        failure=failure,
    )


def _evidence(task: Task, probe: Probe, tree: str, skill: float, random: Random) -> Evidence:
    where = LAB_ENVIRONMENT
    if not probe.needs_lab:
        where = source_environment(ROOT / "sandboxes" / task.sandbox / MANIFESTS)
    # Some areas suit a run and some do not, so that its findings hang together.
    skill = min(0.995, max(0.05, random.gauss(skill, 0.08)))
    findings = tuple(_finding(check, statement, skill, random) for check, statement in probe.checks.items())
    return Evidence(tree=tree, probe=probe.id, version=probe.version, environment=where, findings=findings)


def _finding(check: str, statement: str, skill: float, random: Random) -> Finding:
    chance = random.random()
    if chance < 0.006:
        return Finding(
            check=check, outcome=Outcome.UNKNOWN, message="synthetic: the registry was unreachable"
        )
    if chance < 0.04:
        return Finding(check=check, outcome=Outcome.NOT_APPLICABLE, message="synthetic: nothing to look at")
    if random.random() < skill:
        return Finding(check=check, outcome=Outcome.PASS, message=f"synthetic: {statement}")
    path, content = random.choice(list(FILES.items()))
    lines = content.splitlines()
    line = random.randrange(len(lines))
    return Finding(
        check=check,
        outcome=Outcome.FAIL,
        message=f"synthetic: not so: {statement}",
        locations=(Location(path=path, line=line + 1, text=lines[line]),),
        values={"seen": random.randrange(5)},
    )


def _leave_tree(attempt: Attempt, name: str, at: datetime, real: bool) -> tuple[str, str]:
    """Commit and tree; those that are not real exist only by name."""
    if not real:
        return hashlib.sha1(f"commit {name}".encode()).hexdigest(), hashlib.sha1(name.encode()).hexdigest()
    repository = Repository(attempt.repository)
    try:
        with tempfile.TemporaryDirectory(prefix="synthetic-") as scratch:
            left = repository.add_snapshot("build", bundle(Path(scratch), name), at)
        repository.pack()
        return left
    finally:
        repository.close()


def bundle(folder: Path, name: str) -> Path:
    """A Git bundle of FILES, as a sandbox hands it out, with a file that makes it differ from others."""
    work = folder / "work"
    for path, content in [*FILES.items(), ("NAME", name)]:
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(content)
    commit = (
        "-c",
        "user.name=synthetic",
        "-c",
        "user.email=synthetic@shipworthy.invalid",
        "commit",
        "-qm",
        "x",
    )
    for command in (
        ("init", "-q"),
        ("add", "-A"),
        commit,
        ("branch", "-f", "snapshot"),
        ("bundle", "create", "-q", "../snapshot.bundle", "refs/heads/snapshot"),
    ):
        subprocess.run(["git", *command], cwd=work, env=_GIT, check=True, capture_output=True)
    return folder / "snapshot.bundle"


def _write_transcript(attempt: Attempt, run: Run) -> None:
    """A few turns, in the form the gateway writes."""
    lines, events = [], []
    for phase in run.phases:
        for number in range(1, 4):
            call = json.dumps({"command": f"cat app/models/chat.rb  # turn {number}"})
            told = [{"role": "user", "content": f"synthetic prompt of {phase.id}"}] * number
            line = {
                "n": len(lines) + 1,
                "phase": phase.id,
                "at": (phase.started + timedelta(seconds=number)).isoformat(),
                "wall_s": round(0.9 + number / 7, 3),
                "ttfb_s": 0.4,
                "status": 200,
                "model": run.trial.model,
                "stream": False,
                "messages": number,
                "usage": {k: v for k, v in phase.usage.model_dump().items() if k != "cost_usd"},
                "fault": None,
                "error": None,
                "command": json.loads(call)["command"],
                "attempt": 1,
                "capped_to": None,
                "cost_usd": phase.usage.cost_usd,
                "reply": {
                    "text": f"Synthetic turn {number} of {phase.id}.",
                    "reasoning": "",
                    "tool_calls": [{"id": f"call_{number}", "name": "bash", "arguments": call}],
                    "tokens": {"input": 10, "cached_input": 0, "output": 5, "cache_write": 0, "reasoning": 0},
                    "complete": True,
                    "error": None,
                },
                "request": {"model": run.trial.model, "messages": told},
            }
            lines.append(json.dumps(line, separators=(",", ":")))
            at = {"at": line["at"], "kind": "turn", "phase": phase.id, "turn": number, "status": 200}
            events.append(json.dumps(at))
    attempt.transcript.write_text("\n".join(lines) + "\n")
    attempt.events.write_text("\n".join(events) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("archive", type=Path, help="a new or empty folder")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--repositories", type=int, default=8, help="runs with a real repository and transcript"
    )
    parser.add_argument("--no-scores", action="store_true", help="leave grading to `shipworthy rescore`")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    if args.archive.exists() and any(args.archive.iterdir()):
        parser.error(f"{args.archive} is not empty: synthetic runs are never mixed with others")
    started = time.perf_counter()
    plan = Plan(args.archive, args.runs, args.seed, not args.no_scores, args.repositories)
    print(f"{make(plan, args.jobs)} synthetic runs in {time.perf_counter() - started:.1f} s: {args.archive}")


if __name__ == "__main__":
    main()
