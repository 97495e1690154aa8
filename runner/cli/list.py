"""`shipworthy list`: the runs in the archive."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read, warn_of_damage
from runner.cli.settings import settings_from
from runner.pipeline.grading import latest_score
from runner.report.as_json import run_json
from runner.report.run_table import render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which archive, and how it is printed."""
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Every attempt, oldest first, with its newest score."""
    archive = archive_to_read(settings_from(os.environ, args.archive), args.archive)
    rows = [(run, latest_score(archive, run)) for run in archive.runs()]
    warn_of_damage(archive)
    if args.json:
        print(json.dumps([run_json(run, score) for run, score in rows], indent=2))
    else:
        render(rows, Console())
    return 0
