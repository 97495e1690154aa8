"""`shipworthy inspect`: one run, point by point."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read, print_files, print_result, result_json
from runner.cli.settings import settings_from
from runner.pipeline.grading.artifacts import artifacts_of
from runner.pipeline.grading.checkout import check_out
from runner.pipeline.grading.contradictions import contradictions_of
from runner.pipeline.grading.grader import latest
from runner.pipeline.trials.replay import replay_of
from runner.report import contradictions, replay_sheet
from runner.report.as_json import replay_json
from runner.report.contradictions import contradictions_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which run, and whether to write out its files."""
    parser.add_argument("run", metavar="RUN", help="a run's id, a unique part of one, or `last`")
    parser.add_argument("--checkout", type=Path, metavar="DIR", help="write the produced repository here")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """The newest score sheet and what probes kept; files are written as data, none of them is run."""
    settings = settings_from(os.environ, args.archive)
    archive = archive_to_read(settings, args.archive)
    run = archive.find(args.run)
    result = latest(archive, run)
    if args.checkout is not None:
        for reason in check_out(archive, run, args.checkout):
            print(f"left out {reason}", file=sys.stderr)
    replay = replay_of(archive, run)
    kept = artifacts_of(archive, run)
    differing = contradictions_of(archive, run, result.score, settings)
    if args.json:
        more: dict[str, object] = {"artifacts": [str(path) for path in kept]}
        more["contradictions"] = contradictions_json(differing)
        if replay:
            more["replay"] = replay_json(replay)
        print(json.dumps(result_json(result) | more, indent=2))
    else:
        print_result(result, settings, Console())
        if replay:
            replay_sheet.render(replay, Console())
        contradictions.render(differing, Console())
        print_files(kept, Console())
    return 0
