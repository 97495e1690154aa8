"""`shipworthy run`: the main job, and with --replay a recorded run again."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console

from runner.cli import interruptible
from runner.cli.live import watching
from runner.cli.output import archive_to_read, complete, print_result, result_json
from runner.cli.progress import shown
from runner.cli.settings import settings_from
from runner.core.errors import UserError
from runner.pipeline.executors.local import LocalExecutor
from runner.pipeline.grading.grader import Graded
from runner.pipeline.settings import Settings
from runner.pipeline.trials.benchmark import Plan, Request, make_plan, run_plan
from runner.pipeline.trials.replay import plan_replay, replay_of
from runner.pipeline.workbench import open_workbench, set_up
from runner.report import replay_sheet
from runner.report.as_json import replay_json
from runner.spec.rubrics import rubric_notes

TASK, AGENT = "rails_chat", "bash"
EPILOG = """\
--replay runs the task and agent of a recorded run again, with its recorded replies:
no key, no cost, no call of a model. The replay is archived, probed and graded as a
run of its own. Exit code: 0 if it went to its end as recorded and with the same
totals, 1 if it diverged.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to run, how often, and where it is kept."""
    parser.epilog = EPILOG
    parser.add_argument(
        "--model", help="provider/name, an entry of your own, or name@URL (default: the task's demo)"
    )
    parser.add_argument("--replay", metavar="RUN", help="replay this run: its id, a unique part, or `last`")
    parser.add_argument("--task", help=f"a folder of tasks/ (default: {TASK})")
    parser.add_argument("--agent", help=f"what drives the model (default: {AGENT})")
    parser.add_argument("--epochs", type=int, help="how often to repeat (default: 1)")
    parser.add_argument(
        "--variant", help="ask in the words of this paraphrase of the task; `all`: of every one"
    )
    parser.add_argument("--rubric", help="grade by this instead of the task's own: id@version or a file")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--parallel", type=int, default=2, help="trials side by side (default: %(default)s)")
    parser.add_argument("--max-cost", type=float, metavar="USD", help="the most that one run may cost")
    parser.add_argument("--spend-cap", type=float, metavar="USD", help="the most that all of it may cost")
    parser.add_argument("--again", action="store_true", help="a new attempt even where a trial is done")
    parser.add_argument("--json", action="store_true", help="print JSON, progress on standard error")


def main(args: argparse.Namespace) -> int:
    """0 if every run has an exact score, 1 if something is unknown or ungradable; of a replay, see EPILOG."""
    settings = settings_from(os.environ, args.archive)
    if args.parallel < 1:
        raise UserError(f"--parallel: should be 1 or more, not {args.parallel}")
    return _replay(args, settings) if args.replay is not None else _run_models(args, settings)


def _run_models(args: argparse.Namespace, settings: Settings) -> int:
    epochs = 1 if args.epochs is None else args.epochs
    request = Request(
        args.model,
        args.task or TASK,
        args.agent or AGENT,
        epochs,
        args.rubric,
        args.again,
        args.max_cost,
        args.spend_cap,
        args.variant,
    )
    results = _carried_out(settings, make_plan(request, settings, os.environ), args)
    if args.json:
        print(json.dumps([result_json(r) for r in results], indent=2))
    else:
        for result in results:
            print_result(result, settings, Console())
    return 0 if all(complete(result) for result in results) else 1


def _replay(args: argparse.Namespace, settings: Settings) -> int:
    for name in ("model", "task", "agent", "epochs", "max_cost", "spend_cap", "variant"):
        if getattr(args, name) is not None:
            raise UserError(
                f"--{name.replace('_', '-')} and --replay do not go together: a replay takes it from the run"
            )
    archive = archive_to_read(settings, args.archive)
    original = archive.find(args.replay)
    plan = plan_replay(archive, original, args.rubric, settings)
    for warning in plan.warnings:
        print(f"shipworthy: warning: {warning}", file=sys.stderr)
    (result,) = _carried_out(settings, plan, args)
    replay = replay_of(archive, result.run, original)
    assert replay is not None
    if args.json:
        told = {**replay_json(replay), "warnings": list(plan.warnings)}
        print(json.dumps([result_json(result) | {"replay": told}], indent=2))
    else:
        print_result(result, settings, Console())
        replay_sheet.render(replay, Console())
    return 0 if replay.is_faithful else 1


def _carried_out(settings: Settings, plan: Plan, args: argparse.Namespace) -> list[Graded]:
    for note in rubric_notes(plan.rubric):
        print(f"shipworthy: note: {plan.rubric.name}: {note}", file=sys.stderr)
    with shown(Console(stderr=True)) as progress:
        images = set_up(settings, plan.images(settings), progress)
    return interruptible.run(_run(settings, plan, images, args))


async def _run(
    settings: Settings, plan: Plan, images: dict[str, str], args: argparse.Namespace
) -> list[Graded]:
    with watching(Console(stderr=True)) as listen:
        async with open_workbench(settings, images, args.spend_cap) as bench:
            executor = LocalExecutor(args.parallel)
            return [result async for result in run_plan(bench, plan, executor, listen)]
