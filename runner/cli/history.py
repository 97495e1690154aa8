"""`shipworthy history`: every score a run ever got, and why the next one differed."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from runner.cli.output import archive_to_read, warn_of_damage
from runner.cli.settings import settings_from
from runner.pipeline.rubrics.history import score_history
from runner.report.score_history import as_json, as_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which run."""
    parser.description = (
        "Every score that a run ever got: when, under which rubric, from which evidence; and for each what "
        "changed since the one before, and which deductions did it. Scores are never replaced."
    )
    parser.add_argument("run", metavar="RUN", help="a run's id, a unique part of one, or `last`")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Oldest first; 1 if something in the archive could not be read."""
    settings = settings_from(os.environ, args.archive)
    archive = archive_to_read(settings, args.archive)
    run = archive.find(args.run)
    steps = score_history(archive, run, settings)
    warn_of_damage(archive)
    print(json.dumps(as_json(run.id, steps), indent=2) if args.json else as_text(run.id, steps))
    return 1 if archive.damaged else 0
