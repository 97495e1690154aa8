"""Grading in containers, where evidence is missing that only a running app gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runner.core.records import Rubric, Run
from runner.pipeline.artifacts import FOLDER
from runner.pipeline.events import Listener
from runner.pipeline.evidence import Laboratory
from runner.pipeline.grading import Graded, Grader
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import HELPER_IMAGE, Workbench, open_workbench
from runner.sandbox.build.mirror import load_mirrors
from runner.sandbox.build.workshop import DockerWorkshop


async def grade_in_lab(
    settings: Settings, runs: Sequence[Run], rubric: Rubric, images: dict[str, str], listen: Listener
) -> list[Graded]:
    """Score runs again, in containers where evidence is missing."""
    async with open_workbench(settings, images) as bench:
        lab = replace(laboratory(bench), reuse=True)
        archive = bench.archive
        grader = Grader(archive, rubric, settings, archive.add_score)
        return [await grader.grade(run, lab, listen) for run in runs]


def laboratory(bench: Workbench) -> Laboratory:
    """Where the runs of a workbench are probed."""
    return Laboratory(
        backend=bench.backend,
        images=bench.images,
        helper=bench.images[HELPER_IMAGE],
        artifacts=bench.archive.root / FOLDER,
        workshop=DockerWorkshop(bench.backend, bench.images, load_mirrors(bench.settings.mirrors)),
    )
