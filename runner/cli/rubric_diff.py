"""`shipworthy rubric diff` and `rubric try`: what an edit changes, and who moves."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read, warn_of_damage
from runner.cli.progress import counted
from runner.cli.rescore import own_runs
from runner.cli.settings import settings_from
from runner.core.errors import UserError
from runner.core.records import Run
from runner.core.rubric_diff import RubricDiff
from runner.pipeline.grading.grader import chosen_runs, get_rubric
from runner.pipeline.rubrics.history import compare_rubrics, released_base
from runner.pipeline.settings import Settings
from runner.report.rubric_diff import as_html, as_markdown, as_text
from runner.report.rubric_diff_json import as_json
from runner.report.text import clean

FORMATS: dict[str, Callable[[RubricDiff], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "json": lambda diff: json.dumps(as_json(diff), indent=2, ensure_ascii=False) + "\n",
    "html": as_html,
}


def add_diff_arguments(parser: argparse.ArgumentParser) -> None:
    """Two rubrics, and which runs."""
    parser.description = (
        "What changed between two rubrics, in words; then which runs moved, and the deductions that moved "
        "them, biggest first. No container is started: what was not probed yet is undecided."
    )
    parser.add_argument("old", metavar="OLD", help="id@version or a file")
    parser.add_argument("new", metavar="NEW", help="id@version or a file")
    _add_common(parser)


def add_try_arguments(parser: argparse.ArgumentParser) -> None:
    """An edited file, and which runs."""
    parser.description = (
        "The same for an edit that is not released: against the version it is based on, over every run in "
        "the archive unless some are named. No score is left behind."
    )
    parser.add_argument("file", metavar="FILE", help="an edited rubric")
    parser.add_argument(
        "--against", metavar="RUBRIC", help="default: its own version, or the newest before it"
    )
    _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="*", help="ids, or unique parts of them")
    parser.add_argument("--all", action="store_true", help="every run in the archive")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--json", action="store_true", help="the same as --format json")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")


def diff_main(args: argparse.Namespace) -> int:
    """Without runs, only the rubrics are compared."""
    settings = settings_from(os.environ, args.archive)
    rubrics = get_rubric(args.old, settings), get_rubric(args.new, settings)
    if rubrics[0].id != rubrics[1].id:
        raise UserError(f"{rubrics[0].name} and {rubrics[1].name} are rubrics of different tasks")
    runs = _runs(settings, args, every=args.all) if args.all or args.runs else []
    with counted(Console(stderr=True), "scored under both", len(runs)) as count:
        diff, broken = compare_rubrics(settings, rubrics, runs, count)
    return _print(diff, broken, args)


def try_main(args: argparse.Namespace) -> int:
    """Over every run, unless some are named."""
    settings = settings_from(os.environ, args.archive)
    edited = get_rubric(args.file, settings)
    rubrics = released_base(edited, args.against, settings), edited
    runs = _runs(settings, args, every=args.all or not args.runs)
    with counted(Console(stderr=True), "tried on", len(runs)) as count:
        diff, broken = compare_rubrics(settings, rubrics, runs, count, tried=True)
    return _print(diff, broken, args)


def _runs(settings: Settings, args: argparse.Namespace, every: bool) -> list[Run]:
    archive = archive_to_read(settings, args.archive)
    rubric = get_rubric(args.new if "new" in args else args.file, settings)
    runs = own_runs(settings, chosen_runs(archive, args.runs, every), rubric, every)
    warn_of_damage(archive)
    return runs


def _print(diff: RubricDiff, broken: Mapping[str, str], args: argparse.Namespace) -> int:
    sys.stdout.write(FORMATS["json" if args.json else args.format](diff))
    for run, reason in broken.items():
        print(f"shipworthy: damaged: {run}: {clean(reason)}", file=sys.stderr)
    return 1 if broken else 0
