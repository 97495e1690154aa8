"""Grading in containers with progress shown, for commands that mostly need none.

They import this module only when they do: all that it takes to start containers takes long to load.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console

from runner.cli import interruptible
from runner.cli.live import watching
from runner.cli.progress import shown
from runner.core.records import Rubric, Run
from runner.core.selftest import SelfTest, SelfTestResult
from runner.pipeline.events import Listener
from runner.pipeline.executors.local import LocalExecutor
from runner.pipeline.grading.grader import Graded, lacking_sandboxes
from runner.pipeline.grading.in_lab import grade_in_lab, laboratory
from runner.pipeline.rubrics.selftest import Done, run_selftest
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import open_workbench, set_up


def graded_in_lab(settings: Settings, runs: Sequence[Run], rubric: Rubric, parallel: int) -> list[Graded]:
    """Runs that lack evidence, some side by side; the engine and their sandboxes are set up first."""
    console = Console(stderr=True)
    with shown(console) as progress:
        images = set_up(settings, lacking_sandboxes(settings, runs, rubric), progress)

    async def graded(listen: Listener) -> list[Graded]:
        async with open_workbench(settings, images) as bench:
            return await grade_in_lab(bench, runs, rubric, LocalExecutor(parallel), listen)

    with watching(console) as listen:
        return interruptible.run(graded(listen))


def selftest_in_lab(
    settings: Settings,
    rubric: Rubric,
    selftest: SelfTest,
    show: tuple[Callable[[str], None], Done],
    only: list[str],
) -> SelfTestResult:
    """A rubric's self-test with what only containers can decide; `show` gets lines and each outcome."""
    progress, done = show
    images = set_up(settings, {selftest.reference.sandbox}, progress)

    async def tried() -> SelfTestResult:
        async with open_workbench(settings, images) as bench:
            return await run_selftest(rubric, selftest, settings, laboratory(bench), done, only)

    return interruptible.run(tried())
