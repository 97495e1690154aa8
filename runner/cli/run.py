"""`shipworthy run`: the main job."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from rich.console import Console

from runner.cli import interruptible
from runner.cli.live import watching
from runner.cli.output import complete, print_result, result_json
from runner.cli.progress import shown
from runner.cli.settings import settings_from
from runner.core.errors import UserError
from runner.pipeline.benchmark import Plan, Request, make_plan, run_plan
from runner.pipeline.executors.local import LocalExecutor
from runner.pipeline.grading import Graded
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import open_workbench, set_up


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to run, how often, and where it is kept."""
    parser.add_argument("--model", required=True, help="provider/name, an entry of your own, or name@URL")
    parser.add_argument("--task", default="rails_chat", help="a folder of tasks/ (default: %(default)s)")
    parser.add_argument("--agent", default="bash", help="what drives the model (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=1, help="how often to repeat (default: %(default)s)")
    parser.add_argument("--rubric", help="grade by this instead of the task's own: id@version or a file")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--parallel", type=int, default=2, help="trials side by side (default: %(default)s)")
    parser.add_argument("--max-cost", type=float, metavar="USD", help="the most that one run may cost")
    parser.add_argument("--spend-cap", type=float, metavar="USD", help="the most that all of it may cost")
    parser.add_argument("--again", action="store_true", help="a new attempt even where a trial is done")
    parser.add_argument("--json", action="store_true", help="print JSON, progress on standard error")


def main(args: argparse.Namespace) -> int:
    """0 if every run has an exact score, 1 if something is unknown or was not gradable."""
    settings = settings_from(os.environ, args.archive)
    request = Request(
        args.model,
        args.task,
        args.agent,
        args.epochs,
        args.rubric,
        args.again,
        args.max_cost,
        args.spend_cap,
    )
    plan = make_plan(request, settings, os.environ)
    if args.parallel < 1:
        raise UserError(f"--parallel: should be 1 or more, not {args.parallel}")
    with shown(Console(stderr=True)) as progress:
        images = set_up(settings, plan.images(settings), progress)
    results = interruptible.run(_run(settings, plan, images, args))
    if args.json:
        print(json.dumps([result_json(r) for r in results], indent=2))
    else:
        for result in results:
            print_result(result, settings, Console())
    return 0 if all(complete(result) for result in results) else 1


async def _run(
    settings: Settings, plan: Plan, images: dict[str, str], args: argparse.Namespace
) -> list[Graded]:
    with watching(Console(stderr=True)) as listen:
        async with open_workbench(settings, images, args.spend_cap) as bench:
            executor = LocalExecutor(args.parallel)
            return [result async for result in run_plan(bench, plan, executor, listen)]
