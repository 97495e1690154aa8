"""What a run costs beside bare Docker: a command step, a trial, many trials at once, and the runner's memory.

    .venv/bin/python -m benchmarks.overhead [--json]

Everything is measured in one go, with the real engine, sandbox, gateway and agent; only the model is
scripted. Times are wall seconds; quote the ratios, single figures depend on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from runner.agents.bash import AGENT
from runner.cli.settings import settings_from
from runner.core.records import Blame, Model, Phase, Prices, Resources, Run, Task
from runner.pipeline.executors.local import LocalExecutor
from runner.pipeline.trials.benchmark import trial_of
from runner.pipeline.trials.trial import TrialJob, run_attempt
from runner.pipeline.workbench import Workbench, open_workbench, set_up

STEPS, TRIALS, WIDE, REPEATS = 50, 20, 8, 10
TASK = Task(
    id="overhead",
    title="Nothing at all",
    sandbox="base",
    rubric="none",
    phases=(Phase(id="build", prompt="Do nothing."),),
    resources=Resources(cpus=1, memory_mb=256, disk_mb=64),
)


def script(folder: Path, steps: int) -> Model:
    """A scripted model that asks for `true` so many times, in other words each: else it would loop."""
    (folder / "files").mkdir(parents=True)
    phase = [*({"run": f"true {n}"} for n in range(steps)), {"say": "done"}]
    (folder / "script.yaml").write_text(yaml.safe_dump({"title": "x", "phases": {"build": phase}}))
    return Model(
        id=f"steps/{steps}",
        provider="demo",
        name="steps",
        wire="openai_chat",
        script=str(folder),
        prices=Prices(input=0, output=0),
    )


def job(model: Model, epoch: int) -> TrialJob:
    """One trial of that model."""
    return TrialJob(trial_of(TASK, model, AGENT, epoch), TASK, model, AGENT, None)


def timed(work: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each call."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return taken


def docker(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], check=True, stdout=subprocess.DEVNULL)


def bare(image: str) -> dict[str, float]:
    """The same work by bare Docker."""
    runs = timed(lambda: docker("run", "--rm", "--network", "none", image, "true"), REPEATS)
    docker("run", "-d", "--name", "overhead-bare", "--network", "none", image, "sleep", "600")
    try:
        execs = timed(lambda: docker("exec", "overhead-bare", "true"), REPEATS * 3)
        started = time.perf_counter()
        with ThreadPoolExecutor(WIDE) as pool:
            list(pool.map(lambda _: docker("exec", "overhead-bare", "true"), range(STEPS * TRIALS)))
        many = time.perf_counter() - started
    finally:
        docker("rm", "-f", "overhead-bare")
    return {"run_s": statistics.median(runs), "exec_s": statistics.median(execs), "many_exec_s": many}


async def ours(image_folder: Path) -> dict[str, Any]:
    """The same work inside runs; bare Docker is measured between, in the same process."""
    archive = image_folder / "archive"
    settings = replace(settings_from(os.environ), archive=archive)
    async with open_workbench(settings, set_up(settings, {"base"}, print)) as bench:
        short, long = script(image_folder / "short", 0), script(image_folder / "long", STEPS)
        await one(bench, job(short, 1))  # warm
        fixed = []
        for epoch in range(2, 2 + REPEATS):
            started = time.perf_counter()
            await one(bench, job(short, epoch))
            fixed.append(time.perf_counter() - started)
        run = await one(bench, job(long, 1))
        steps, turns = step_times(bench.archive.folder(run) / "transcript.jsonl")
        started = time.perf_counter()
        jobs = [job(long, epoch) for epoch in range(2, 2 + TRIALS)]
        await collect(bench, jobs)
        many = time.perf_counter() - started
        return {
            "image": bench.images["base"],
            "trial_s": statistics.median(fixed),
            "step_s": statistics.median(steps),
            "turn_s": statistics.median(turns),
            "many_s": many,
        }


async def collect(bench: Workbench, jobs: Iterable[TrialJob]) -> None:
    async for run in LocalExecutor(WIDE).map(lambda job: one(bench, job), jobs):
        assert run.usage.requests == STEPS + 1


async def one(bench: Workbench, job: TrialJob) -> Run:
    run = await run_attempt(bench, job, lambda event: None)
    assert run.failure is None or run.failure.kind is Blame.MODEL, run.failure  # it leaves nothing behind
    return run


def step_times(transcript: Path) -> tuple[list[float], list[float]]:
    """Seconds of each command, from the reply that asks for it to the request that answers; of each turn."""
    exchanges = [json.loads(line) for line in transcript.read_text().splitlines()]
    starts = [datetime.fromisoformat(e["at"]).timestamp() for e in exchanges]
    ends = [start + e["wall_s"] for start, e in zip(starts, exchanges, strict=True)]
    steps = [after - end for end, after in zip(ends, starts[1:], strict=False)]
    turns = [after - start for start, after in itertools.pairwise(starts)]
    return steps, turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        mine = asyncio.run(ours(Path(folder)))
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    theirs = bare(mine.pop("image"))
    figures = {
        "a command step inside a run, p50 (aim <= 0.002 s)": mine["step_s"],
        "a whole turn with its model call, p50": mine["turn_s"],
        "bare docker exec, p50": theirs["exec_s"],
        "step / docker exec": mine["step_s"] / theirs["exec_s"],
        "a trial without steps, p50": mine["trial_s"],
        "bare docker run --rm, p50": theirs["run_s"],
        "a trial's fixed cost over docker run (aim <= 0.5 s)": mine["trial_s"] - theirs["run_s"],
        f"{TRIALS} trials of {STEPS} steps, {WIDE} wide": mine["many_s"],
        f"{TRIALS * STEPS} bare docker exec, {WIDE} wide": theirs["many_exec_s"],
        "trials / docker exec (aim <= 0.4)": mine["many_s"] / theirs["many_exec_s"],
        "peak memory of the runner, MB (aim <= 80)": memory_mb,
    }
    if as_json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:<55} {value:10.4f}")


if __name__ == "__main__":
    main()
