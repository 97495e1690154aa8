"""`shipworthy list`: the runs in the archive."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read, result_json, warn_of_damage
from runner.cli.settings import settings_from
from runner.pipeline.grading.grader import latest
from runner.report.run_table import render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which archive, and how it is printed."""
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Every attempt, oldest first, with its newest score; 1 if some could not be read."""
    archive = archive_to_read(settings_from(os.environ, args.archive), args.archive)
    results = [latest(archive, run) for run in archive.runs()]
    warn_of_damage(archive)
    if args.json:
        print(json.dumps([result_json(result) for result in results], indent=2))
    else:
        render([(result.run, result.score) for result in results], Console())
    return 1 if archive.damaged else 0
