"""`shipworthy score`: grade one archived run."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read, complete, print_result, result_json
from runner.cli.rescore import rescored
from runner.cli.settings import settings_from
from runner.pipeline.grading.grader import rubric_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, and by which rubric."""
    parser.add_argument("run", metavar="RUN", help="a run's id, a unique part of one, or `last`")
    parser.add_argument("--rubric", help="id@version or a file (default: the task's own)")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Probes what has not been probed, then scores."""
    settings = settings_from(os.environ, args.archive)
    run = archive_to_read(settings, args.archive).find(args.run)
    rubric = rubric_for(run.trial.task, args.rubric, settings)
    (result,) = rescored(settings, [run], rubric)
    if args.json:
        print(json.dumps(result_json(result), indent=2))
    else:
        print_result(result, settings, Console())
    return 0 if complete(result) else 1
