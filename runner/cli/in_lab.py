"""Grading in containers with progress shown, for the commands that score archived runs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from runner.cli import interruptible
from runner.cli.live import watching
from runner.cli.progress import shown
from runner.core.records import Rubric, Run
from runner.pipeline.grading import Graded, lacking_sandboxes
from runner.pipeline.lab_grading import grade_in_lab
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import set_up


def graded_in_lab(settings: Settings, runs: Sequence[Run], rubric: Rubric) -> list[Graded]:
    """Runs that lack evidence; the engine and their sandboxes are set up first."""
    console = Console(stderr=True)
    with shown(console) as progress:
        images = set_up(settings, lacking_sandboxes(settings, runs, rubric), progress)
    with watching(console) as listen:
        return interruptible.run(grade_in_lab(settings, runs, rubric, images, listen))
