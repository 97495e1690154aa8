"""`shipworthy import`: work that was done elsewhere becomes sealed runs, to be graded like any other."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from runner.cli import interruptible
from runner.cli.progress import shown
from runner.cli.settings import settings_from
from runner.core.errors import UserError
from runner.core.records import Run
from runner.core.tree import SourceTree
from runner.pipeline.archives import open_archive
from runner.pipeline.grading.grader import get_task
from runner.pipeline.importing import Origin, import_folder, import_result, readable
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import HELPER_IMAGE, open_workbench, set_up
from runner.report.as_json import run_json
from runner.report.text import clean
from runner.spec.claimed_results import NAME, read_result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What, and whose work it is."""
    parser.description = (
        "Make sealed runs of work that was done elsewhere. A folder, or a clone of a Git repository, becomes "
        "a run whose tree can be graded; its files are read as data, and Git looks at them only inside a "
        "sealed sandbox. A file of the public benchmark named result.json becomes a run without a "
        "repository: its times, tokens and cost are kept as claims. Imported runs are marked, and cannot be "
        "replayed."
    )
    parser.add_argument("sources", metavar="DIR|result.json", nargs="+", type=Path, help="what to import")
    parser.add_argument("--model", help="whose work it is; result.json names its own")
    parser.add_argument("--task", default="rails_chat", help="what it was asked for (default: rails_chat)")
    parser.add_argument("--agent", help="the agent the model worked with, if known")
    parser.add_argument("--epoch", type=int, default=1, help="which repetition (default: 1)")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Everything is looked at before anything is written."""
    settings = settings_from(os.environ, args.archive)
    task = get_task(args.task, settings)
    if args.epoch < 1:
        raise UserError(f"--epoch: {args.epoch} is no repetition; they count from 1")
    sources = [source.absolute() for source in args.sources]
    files = [source for source in sources if source.is_file()]
    folders = [source for source in sources if source not in files]
    if folders and not args.model:
        raise UserError("--model: say whose work it is, as in --model openrouter/qwen/qwen3-coder")
    if strange := [f for f in files if not f.name.endswith(NAME)]:
        raise UserError(f"{strange[0]}: is neither a folder nor a {NAME}")
    claims = [(source, read_result(source)) for source in files]
    trees = [(source, readable(source)) for source in folders]
    archive = open_archive(settings)
    runs = []
    for source, claimed in claims:
        model, agent = args.model or claimed.model, args.agent or claimed.agent or "unknown"
        runs.append(import_result(archive, Origin(task, model, agent, args.epoch), source, claimed))
    if trees:
        runs += _imported(settings, Origin(task, args.model, args.agent or "unknown", args.epoch), trees)
    _print(runs, args.json)
    return 0


def _imported(settings: Settings, origin: Origin, trees: Sequence[tuple[Path, SourceTree]]) -> list[Run]:
    with shown(Console(stderr=True)) as progress:
        images = set_up(settings, {HELPER_IMAGE}, progress)
        return interruptible.run(_in_sandboxes(settings, origin, trees, images))


async def _in_sandboxes(
    settings: Settings, origin: Origin, trees: Sequence[tuple[Path, SourceTree]], images: dict[str, str]
) -> list[Run]:
    runs = []
    async with open_workbench(settings, images) as bench:
        for source, tree in trees:
            where = (bench.backend, images[HELPER_IMAGE])
            run, left_out = await import_folder(bench.archive, origin, source, tree, where)
            runs.append(run)
            for reason in left_out:
                print(f"shipworthy: left out {clean(reason)}", file=sys.stderr)
    return runs


def _print(runs: Sequence[Run], as_json: bool) -> None:
    if as_json:
        print(json.dumps([run_json(run, None) for run in runs], indent=2))
        return
    for run in runs:
        then = f"grade it: shipworthy score {run.id}" if run.tree else "it has no repository to grade"
        print(f"{run.id}: imported; {then}")
