"""`shipworthy standings`: models with their agents, best first, with what chance and unknowns leave open."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read
from runner.cli.progress import counted
from runner.cli.settings import settings_from
from runner.pipeline.settings import Settings
from runner.pipeline.showing.placings import placing, profile
from runner.pipeline.showing.standings import Row, Samples, load_samples, standings, wordings
from runner.report.profile_tables import render_dimensions, render_work
from runner.report.standings_table import render
from runner.report.text import clean
from runner.report.variant_sheet import render as render_variants
from runner.spec.tasks import load_task


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which archive, tasks and rubric."""
    parser.description = (
        "Models with their agents, best first: mean with interval, odds of each tier, coverage, cost. "
        "Models that chance does not tell apart share their ranks. Nothing is scored anew."
    )
    parser.add_argument("--task", action="append", default=[], help="only this task (may be repeated)")
    parser.add_argument("--agent", help="only runs with this agent")
    parser.add_argument(
        "--by",
        choices=("score", "work", "dimension"),
        default="score",
        help="work: cost per shipped app, pass@k, latencies, tool calls, tokens; dimension: each one's mean",
    )
    parser.add_argument("--details", action="store_true", help="also all else that is known of each")
    add_common(parser)


def add_common(parser: argparse.ArgumentParser) -> None:
    """What every command on samples takes."""
    parser.add_argument(
        "--rubric", help="id@version, id for the newest, or a file (default: each task's own)"
    )
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Every scope: all tasks together, then each. 1 if runs had to be left out that should count."""
    loaded = read_samples(settings_from(os.environ, args.archive), args, args.task, traffic=True)
    if args.agent:
        loaded = replace(loaded, samples=tuple(s for s in loaded.samples if s.agent == args.agent))
    rows = standings(loaded)
    if args.json:
        rubrics = {task: rubric.name for task, rubric in sorted(loaded.rubrics.items())}
        found = [row.model_dump(mode="json") for row in rows]
        variants = [each.model_dump(mode="json") for each in wordings(loaded)]
        told = {"rubrics": rubrics, "tiers": loaded.tiers, "standings": found, "variants": variants}
        print(json.dumps(told, indent=2))
    else:
        _show(rows, loaded, args, Console())
    return 1 if lacks_runs(loaded, args) else 0


def _show(rows: Sequence[Row], loaded: Samples, args: argparse.Namespace, console: Console) -> None:
    if args.by == "score" or not rows:
        render([placing(row) for row in rows], console, args.details)
        render_variants(wordings(loaded), console)
        return
    show = render_work if args.by == "work" else render_dimensions
    for scope, members in groupby(rows, key=lambda row: row.scope):
        console.print(scope or "all tasks", style="bold", markup=False)
        show([profile(row, loaded.tiers[0]) for row in members], console)
        console.print()


def lacks_runs(loaded: Samples, args: argparse.Namespace) -> bool:
    """Whether something is left out that is damaged, or of a task that is gone; not what --rubric leaves."""
    return bool(loaded.damaged or (loaded.left_out and not args.rubric))


def read_samples(
    settings: Settings, args: argparse.Namespace, tasks: Sequence[str], traffic: bool = False
) -> Samples:
    """All samples (of some tasks), with progress shown; a task that is named must exist."""
    for task in tasks:
        load_task(task, settings.tasks)
    archive_to_read(settings, args.archive)
    with counted(Console(stderr=True), "read") as count:
        loaded = load_samples(settings, args.rubric, count, traffic)
    for reason in loaded.left_out.values():
        print(f"shipworthy: left out: {clean(reason)}", file=sys.stderr)
    for reason in loaded.damaged.values():
        print(f"shipworthy: damaged: {clean(reason)}", file=sys.stderr)
    return replace(loaded, samples=tuple(s for s in loaded.samples if not tasks or s.task in tasks))
