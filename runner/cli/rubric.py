"""`shipworthy rubric`: what points are lost for."""

from __future__ import annotations

import argparse
import json
import os

from rich.console import Console

from runner.cli.settings import settings_from
from runner.pipeline.grading import get_rubric
from runner.report.rubric_sheet import render, rubric_json
from runner.spec.rubrics import rubric_notes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One action each: `show`."""
    parser.description = "Rubrics: versioned data that says which findings cost how many points."
    actions = parser.add_subparsers(dest="action", metavar="show", required=True)
    show = actions.add_parser("show", help="print a rubric: dimensions, deductions, groups, ceilings, notes")
    show.add_argument("name", metavar="NAME", help="id@version, an id (its newest version) or a file")
    show.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Show it; a rubric that names an unknown check is refused, as when grading."""
    rubric = get_rubric(args.name, settings_from(os.environ))
    notes = rubric_notes(rubric)
    if args.json:
        print(json.dumps(rubric_json(rubric, notes), indent=2, ensure_ascii=False))
    else:
        render(rubric, notes, Console())
    return 0
