"""`shipworthy rescore`: archived runs under another rubric; old scores stay."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read, complete, result_json, warn_of_damage
from runner.cli.progress import counted
from runner.cli.settings import settings_from
from runner.core.errors import UserError
from runner.core.records import Rubric, Run
from runner.pipeline.grading import (
    Graded,
    chosen_runs,
    get_rubric,
    lacking_lab,
    misfits,
)
from runner.pipeline.rescoring import Work, rescore
from runner.pipeline.settings import Settings
from runner.report.run_table import render
from runner.report.text import clean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which runs, and by which rubric."""
    parser.add_argument("runs", metavar="RUN", nargs="*", help="ids, or unique parts of them")
    parser.add_argument("--all", action="store_true", help="every run in the archive")
    parser.add_argument("--rubric", required=True, help="id@version, id for the newest, or a file")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Only arithmetic where the evidence is there; else just the probes that are new."""
    settings = settings_from(os.environ, args.archive)
    rubric = get_rubric(args.rubric, settings)
    archive = archive_to_read(settings, args.archive)
    runs = own_runs(settings, chosen_runs(archive, args.runs, args.all), rubric, args.all)
    warn_of_damage(archive)
    results = rescored(settings, runs, rubric)
    if args.json:
        print(json.dumps([result_json(r) for r in results], indent=2))
    else:
        render([(r.run, r.score) for r in results], Console())
        for result in results:
            if result.why_not:
                print(f"{result.run.id}: not graded: {result.why_not}")
    return 0 if all(complete(r) or r.why_not for r in results) else 1


def own_runs(settings: Settings, runs: Sequence[Run], rubric: Rubric, every: bool) -> list[Run]:
    """Those of a task that the rubric was written for; others are left out aloud, or refused if named."""
    foreign = misfits(runs, rubric, settings)
    if foreign and not every:
        raise UserError("\n".join(foreign.values()))
    for task, why in foreign.items():
        number = sum(run.trial.task == task for run in runs)
        print(f"shipworthy: left out: {number} run{'s' * (number > 1)}: {clean(why)}", file=sys.stderr)
    return [run for run in runs if run.trial.task not in foreign]


def rescored(settings: Settings, runs: Sequence[Run], rubric: Rubric) -> list[Graded]:
    """Grade with progress shown; an engine is set up only if evidence is missing, and only for those runs."""
    console = Console(stderr=True)
    in_lab: list[Graded] = []
    if lacking := lacking_lab(settings, runs, rubric):
        # Imported only where it is needed: the engine's client takes longer to load than scoring takes.
        in_lab = import_module("runner.cli.in_lab").graded_in_lab(settings, lacking, rubric)
    done = {result.run.id: result for result in in_lab}
    rest = [run for run in runs if run.id not in done]
    with counted(console, f"scored under {rubric.name}", len(rest)) as count:
        (results,) = rescore(Work(settings, (rubric,)), rest, count)
    done |= {result.run.id: result for result in results}
    return [done[run.id] for run in runs]
