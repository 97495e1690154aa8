"""Grading in containers, where evidence is missing that only a running app gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runner.core.protocols import Executor
from runner.core.records import Rubric, Run
from runner.pipeline.events import Listener
from runner.pipeline.grading.artifacts import FOLDER
from runner.pipeline.grading.evidence import Laboratory
from runner.pipeline.grading.grader import Graded, Grader
from runner.pipeline.workbench import HELPER_IMAGE, Workbench
from runner.sandbox.build.mirror import load_mirrors
from runner.sandbox.build.workshop import DockerWorkshop


async def grade_in_lab(
    bench: Workbench, runs: Sequence[Run], rubric: Rubric, executor: Executor, listen: Listener
) -> list[Graded]:
    """Score runs again, in containers where evidence is missing; in the order in which they are done."""
    lab = replace(laboratory(bench), reuse=True)
    grader = Grader(bench.archive, rubric, bench.settings, bench.archive.add_score)

    async def grade(run: Run) -> Graded:
        return await grader.grade(run, lab, listen)

    return [result async for result in executor.map(grade, runs)]


def laboratory(bench: Workbench) -> Laboratory:
    """Where the runs of a workbench are probed."""
    return Laboratory(
        backend=bench.backend,
        images=bench.images,
        helper=bench.images[HELPER_IMAGE],
        artifacts=bench.archive.root / FOLDER,
        workshop=DockerWorkshop(bench.backend, bench.images, load_mirrors(bench.settings.mirrors)),
    )
