"""What the lab costs: seconds of each scenario, the share of starting its containers, and many at once.

    .venv/bin/python -m benchmarks.lab [--json] [--app FOLDER] [--at-once 10]

The app (the reference of the rails_chat rubric's self-test) is driven for real.
Baseline: two bare `docker run` of the same images, as many containers as a scenario needs, measured in the
same go. With `--at-once N` the whole of it runs N times in parallel, as many gradings would: every finding
must be that of a single run, and nothing may be left.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from docker import APIClient

from benchmarks.probes import read
from runner.cli.settings import settings_from
from runner.core.protocols import Probe, Subject
from runner.core.records import Finding
from runner.core.tree import SourceFile, SourceTree
from runner.probes.boot import BootProbe
from runner.probes.chat_turn import ChatTurnProbe
from runner.probes.endurance import EnduranceProbe
from runner.probes.failed_turn import FailedTurnProbe
from runner.probes.suite import SuiteProbe
from runner.probes.suite_strength import SuiteStrengthProbe
from runner.probes.visit import VisitProbe
from runner.sandbox.docker import DockerBackend
from runner.sandbox.lease import OWNER, Lease
from runner.sandbox.recipes import image_tag

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "rubrics/rails_chat/selftest"
REPEATS = 3
SCENARIOS: tuple[Probe, ...] = (
    *(BootProbe(), ChatTurnProbe(), VisitProbe(), FailedTurnProbe(), EnduranceProbe()),
    *(SuiteProbe(), SuiteStrengthProbe()),
)


@dataclass(frozen=True)
class Bench:
    """One engine, one app, and the images of a lab."""

    engine: APIClient
    backend: DockerBackend
    lease: Lease
    tree: SourceTree
    images: tuple[str, str]

    def subject(self) -> Subject:
        """The app as a probe gets it."""
        return Subject(
            tree=self.tree,
            run="benchmark",
            manifests=ROOT / "sandboxes/rails/manifests",
            backend=self.backend,
            image=self.images[0],
            helper_image=self.images[1],
        )

    def left_over(self) -> int:
        """Containers of this benchmark that still exist."""
        mine = {"label": f"{OWNER}={self.lease.labels[OWNER]}"}
        return len(self.engine.containers(all=True, filters=mine))


def reference_app(image: str) -> SourceTree:
    """The good application, as reference.yaml puts it together."""
    told = yaml.safe_load((REFERENCE / "reference.yaml").read_text("utf-8"))
    files = {**read(REFERENCE / told["base"]).files, **read(REFERENCE / "app").files}
    for path, origin in told["from_image"].items():
        argv = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "cat", image, origin]
        content = subprocess.run(argv, check=True, capture_output=True).stdout
        files[path] = SourceFile(path, 0o100644, content)
    return SourceTree(digest="reference", files=files)


def bare_start(images: Sequence[str]) -> float:
    """Seconds of `docker run --rm` of `true` in each image: what a lab's containers cost at least."""
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        for image in images:
            argv = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "true", image]
            subprocess.run(argv, check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


async def run(bench: Bench, probe: Probe) -> tuple[float, list[Finding]]:
    """One scenario: its seconds and findings."""
    started = time.perf_counter()
    findings = list(await probe.run(bench.subject()))
    return time.perf_counter() - started, findings


async def one_by_one(bench: Bench) -> dict[str, float]:
    """Each scenario alone."""
    bare = bare_start(bench.images)
    figures = {"bare docker run of both images: seconds": bare}
    total = 0.0
    for probe in SCENARIOS:
        wall_s, findings = await run(bench, probe)
        tries = 2 if any(finding.outcome == "fail" for finding in findings) else 1
        total += wall_s
        figures[f"{probe.id}: seconds"] = wall_s
        figures[f"{probe.id}: share of bare container start, percent"] = 100 * tries * bare / wall_s
    figures["all scenarios: seconds"] = total
    figures["containers left"] = bench.left_over()
    return figures


async def grading(bench: Bench) -> tuple[float, dict[str, str]]:
    """All scenarios side by side, as a grading runs them: seconds, and outcomes by check."""
    started, subject = time.perf_counter(), bench.subject()
    found = await asyncio.gather(*(probe.run(subject) for probe in SCENARIOS))
    outcomes = {finding.check: str(finding.outcome) for findings in found for finding in findings}
    return time.perf_counter() - started, outcomes


async def at_once(bench: Bench, count: int) -> dict[str, float]:
    """A grading so many times in parallel, against once."""
    alone_s, alone = await grading(bench)
    started = time.perf_counter()
    many = await asyncio.gather(*(grading(bench) for _ in range(count)))
    wall_s = time.perf_counter() - started
    others = [
        (check, was, alone[check]) for _, found in many for check, was in found.items() if was != alone[check]
    ]
    for check, was, wanted in others:
        print(f"{check}: {was} instead of {wanted}", file=sys.stderr)
    return {
        "a grading alone: seconds": alone_s,
        f"{count} at once: seconds": wall_s,
        f"{count} at once: times one alone": wall_s / alone_s,
        f"{count} at once: the slowest, times one alone": max(took for took, _ in many) / alone_s,
        f"{count} at once: findings": sum(len(found) for _, found in many),
        f"{count} at once: other outcomes than alone": len(others),
        f"{count} at once: containers left": bench.left_over(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--app", type=Path, help="a folder with an app (default: the reference)")
    parser.add_argument(
        "--at-once", type=int, default=0, metavar="N", help="run N gradings in parallel instead"
    )
    told = parser.parse_args()
    settings = settings_from(os.environ)
    images = (image_tag("rails", settings.images), image_tag("lab", settings.images))
    engine = APIClient(base_url=settings.engine_url, version="auto")
    with tempfile.TemporaryDirectory(prefix="sw-", dir="/tmp") as root, Lease(Path(root)) as lease:
        backend = DockerBackend(engine, settings.engine_url, lease)
        tree = read(told.app) if told.app else reference_app(images[0])
        bench = Bench(engine, backend, lease, tree, images)
        figures = asyncio.run(at_once(bench, told.at_once) if told.at_once else one_by_one(bench))
        backend.close()
    engine.close()
    if told.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:<58} {value:9.2f}")


if __name__ == "__main__":
    main()
