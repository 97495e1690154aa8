"""`shipworthy rubric`: what points are lost for, and whether rightly so."""

from __future__ import annotations

import argparse
import json
import os

from rich.console import Console

from runner.cli import rubric_diff, selftest
from runner.cli.settings import settings_from
from runner.pipeline.grading.grader import get_rubric
from runner.report.rubric_sheet import render, rubric_json
from runner.spec.rubrics import rubric_notes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One action each."""
    parser.description = "Rubrics: versioned data that says which findings cost how many points."
    actions = parser.add_subparsers(dest="action", metavar="show|diff|try|selftest", required=True)
    show = actions.add_parser("show", help="print a rubric: dimensions, deductions, groups, ceilings, notes")
    show.add_argument("name", metavar="NAME", help="id@version, an id (its newest version) or a file")
    show.add_argument("--json", action="store_true", help="print JSON")
    comparing = actions.add_parser("diff", help="what changed between two rubrics, and which runs moved why")
    rubric_diff.add_diff_arguments(comparing)
    edited = actions.add_parser("try", help="the same for an edit before it is released")
    rubric_diff.add_try_arguments(edited)
    trying = actions.add_parser("selftest", help="try a rubric on a good application, changed in many ways")
    selftest.add_arguments(trying)


def main(args: argparse.Namespace) -> int:
    """Show or try it; a rubric that names an unknown check is refused, as when grading."""
    others = {"selftest": selftest.main, "diff": rubric_diff.diff_main, "try": rubric_diff.try_main}
    if args.action in others:
        return others[args.action](args)
    rubric = get_rubric(args.name, settings_from(os.environ))
    notes = rubric_notes(rubric)
    if args.json:
        print(json.dumps(rubric_json(rubric, notes), indent=2, ensure_ascii=False))
    else:
        render(rubric, notes, Console())
    return 0
