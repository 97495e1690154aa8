"""How fast runs are scored again: reading their evidence, rescoring, comparing two rubrics.

    .venv/bin/python -m benchmarks.rescore [--runs 100 1000 10000] [--peer] [--json]

Runs are synthetic (see synthetic.py), of one task. Evidence is read warm, on one core: as bytes, and as the
records that grading works with, checked against their digests. `scoring them all` reads the same evidence,
computes, and has every score on the disk; from 3,000 runs on it uses every core. Reading and scoring take
turns, and the best of each counts. The commands have their start and the listing of runs besides.

`--peer` also measures Inspect AI's `score` with a trivial scorer on a log of 1,000 samples, installed into a
throw-away environment.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.synthetic import ROOT, Plan, make
from runner.archive.archive import Archive
from runner.cli.settings import settings_from
from runner.core.records import Run
from runner.pipeline.grading.evidence import probes_for, source_environment
from runner.pipeline.grading.grader import get_rubric, ungradable
from runner.pipeline.grading.rescoring import Work, rescored_in_short
from runner.sandbox.recipes import MANIFESTS
from runner.spec.rubrics import load_rubric
from runner.storage.local import LocalStore

OLD, NEW = "rails_chat@1", "rails_chat@2"
FEW = 1_000  # runs
SHIPWORTHY = (sys.executable, "-m", "runner.cli.main")
PEER = """
from inspect_ai import Task, eval, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import Score, accuracy, scorer, Target
from inspect_ai.solver import TaskState

@scorer(metrics=[accuracy()])
def trivial():
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value="C")
    return score

@task
def thousand():
    return Task(dataset=[Sample(input=f"q{n}", target="x") for n in range(1000)], scorer=trivial())

if __name__ == "__main__":
    eval(thousand(), model="mockllm/model", log_dir="logs", display="none", score=False)
"""


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def command(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run(
        [*SHIPWORTHY, *arguments], cwd=ROOT, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def evidence_keys(runs: Sequence[Run], archive: Archive) -> list[tuple[str, str, int, str]]:
    """Of what the new rubric asks for."""
    probes = probes_for(load_rubric(NEW, ROOT / "rubrics").checks())
    manifests = source_environment(ROOT / "sandboxes/rails" / MANIFESTS)
    keys = []
    for run in runs:
        assert run.tree is not None
        for probe in probes:
            where = "synthetic0000" if probe.needs_lab else manifests
            keys.append((run.tree, probe.id, probe.version, where))
    return keys


def measured(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="rescore-") as folder:
        root = Path(folder) / "archive"
        make(Plan(root, count, seed=1, scores=False, repositories=0, tasks=("rails_chat",)), jobs=2)
        figures = inside(root)
        reading = figures["reading it as checked records, s"]
        return figures | commands(root, reading)


def inside(root: Path) -> dict[str, float]:
    """Reading and scoring in this process, and in those that it starts."""
    archive = Archive(root, LocalStore(root))
    listing = seconds(archive.runs)
    runs = [run for run in archive.runs() if ungradable(run) is None]
    keys = evidence_keys(runs, archive)
    paths = [root / "evidence" / tree / f"{probe}-{v}-{where}.json" for tree, probe, v, where in keys]
    settings = settings_from(os.environ, root)
    work = Work(settings, (get_rubric(NEW, settings),))

    def read() -> tuple[float, float]:
        plain = seconds(lambda: [path.read_bytes() for path in paths])
        return plain, seconds(lambda: [archive.evidence(*key) for key in keys])

    def score() -> float:
        shutil.rmtree(root / "scores", ignore_errors=True)
        return seconds(lambda: rescored_in_short(work, runs, lambda more: None))

    read()  # warms the cache
    rounds = [(*read(), score()) for _ in range(3 if len(runs) <= FEW else 2)]
    plain, ours, scoring = (min(each) for each in zip(*rounds, strict=True))
    shutil.rmtree(root / "scores")
    return {
        "runs scored": len(runs),
        "listing the runs, s": listing,
        "reading their evidence as bytes, s": plain,
        "reading it as checked records, s": ours,
        "scoring them all under one rubric, s": scoring,
        "  times reading the records": scoring / ours,
    }


def commands(root: Path, reading: float) -> dict[str, float]:
    """What a user waits for."""
    where = ("--archive", str(root))
    first = seconds(command("rescore", "--all", "--rubric", OLD, *where))
    edit = seconds(command("rescore", "--all", "--rubric", NEW, *where))
    nothing = seconds(command("rescore", "--all", "--rubric", NEW, *where))
    return {
        "command: rescore, first rubric, s": first,
        "command: rescore after a rubric edit, s": edit,
        "    times reading the records": edit / reading,
        "command: rescore with nothing to do, s": nothing,
        "command: rubric diff --all, s": seconds(command("rubric", "diff", OLD, NEW, "--all", *where)),
    }


def peer() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="rescore-peer-") as folder:
        home = Path(folder)
        venv.create(home / "venv", with_pip=True)
        binaries = home / "venv/bin"
        subprocess.run([binaries / "pip", "install", "-q", "inspect_ai"], check=True)
        (home / "peer.py").write_text(PEER)
        subprocess.run([binaries / "python", "peer.py"], cwd=home, check=True, capture_output=True)
        (log,) = (home / "logs").iterdir()
        arguments = [binaries / "inspect", "score", str(log), "--scorer", "peer.py@trivial"]
        arguments += [
            "--action",
            "overwrite",
            "--output-file",
            str(home / "scored.eval"),
            "--display",
            "none",
        ]
        took = seconds(lambda: subprocess.run(arguments, cwd=home, check=True, capture_output=True))
    return {"inspect score, 1,000 samples, s": took}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    for count in args.runs:
        figures[f"{count:,} runs"] = show(f"{count:,} runs", measured(count), args.json)
    if args.peer:
        figures["peer"] = show("peer", peer(), args.json)
    if args.json:
        print(json.dumps(figures, indent=2))


def show(title: str, values: dict[str, float], as_json: bool) -> dict[str, float]:
    """As soon as it is known; JSON comes at the end."""
    if not as_json:
        print(title)
        for name, value in values.items():
            print(f"  {name:<42} {value:10.2f}", flush=True)
    return values


if __name__ == "__main__":
    main()
