"""`shipworthy task`: the tasks there are, and tasks from and for Harbor."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from runner.cli.settings import settings_from
from runner.pipeline.grading.grader import get_task, rubric_for
from runner.pipeline.harbor.exporting import export_harbor
from runner.pipeline.harbor.importing import import_harbor
from runner.pipeline.harbor.verifier import grade_here
from runner.pipeline.settings import Settings
from runner.report import score_sheet
from runner.report.text import clean
from runner.spec.tasks import task_ids

EPILOG = """\
examples:
  shipworthy task import ~/harbor/hello-world          then: make run TASK=hello_world
  shipworthy task export notes_cli --out harbor        then: harbor run -p harbor/notes_cli -a oracle
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One action each."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.description = (
        "What models are asked to build. Tasks of Harbor become tasks of ours, and ours become tasks of "
        "Harbor, each with its grader."
    )
    actions = parser.add_subparsers(dest="action", metavar="list|import|export|grade", required=True)
    listing = actions.add_parser("list", help="show every task with its image and rubric")
    listing.add_argument("--json", action="store_true", help="print JSON")
    _add_export(actions.add_parser("export", help="write a task as a Harbor task directory"))
    _add_grade(actions.add_parser("grade", help="grade a folder in this very container, for its verifier"))
    _add_import(actions.add_parser("import", help="make a task of a Harbor task directory"))


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Make a task of a Harbor task directory: task.toml, instruction.md, environment/, tests/, solution/. "
        "The Dockerfile becomes a sandbox image. The tests grade what is built: as root, without a network, "
        "never on this host. The solution becomes the scripted model demo/oracle. What could not be kept is "
        "listed."
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="the task directory")
    parser.add_argument("--id", help="what to call it here (default: its name)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write a task with its grader as a Harbor task directory. The grader runs in a container of its own, "
        "which no agent sees. Checks that need several containers, a browser say, are unknown there."
    )
    parser.add_argument("task", metavar="TASK", help="a folder of tasks/")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where its folder is made")
    parser.add_argument("--format", choices=("harbor",), default="harbor", help="default: %(default)s")
    parser.add_argument(
        "--ca-bundle", type=Path, metavar="FILE", help="what its images trust (default: public authorities)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_grade(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Grade a folder where an exported task's verifier is. It runs what is in the folder, and therefore "
        "refuses to work anywhere else."
    )
    parser.add_argument("task", metavar="TASK", help="what the folder was asked for")
    parser.add_argument("folder", metavar="DIR", type=Path, help="the produced files")
    parser.add_argument("--rubric", help="id@version (default: the task's own)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where reward.json goes")


def main(args: argparse.Namespace) -> int:
    """Nothing is built or run: that is for `shipworthy run`."""
    settings = settings_from(os.environ)
    actions = {"list": _list, "import": _import, "export": _export, "grade": _grade}
    return actions[args.action](args, settings)


def _list(args: argparse.Namespace, settings: Settings) -> int:
    tasks = [get_task(name, settings) for name in task_ids(settings.tasks)]
    rows = [
        {"task": t.id, "title": t.title, "image": t.sandbox, "rubric": t.rubric, "phases": len(t.phases)}
        for t in tasks
    ]
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    table = Table(*("task", "image", "rubric", "phases", "title"), box=None)
    for row in rows:
        table.add_row(*(clean(str(row[key])) for key in ("task", "image", "rubric", "phases", "title")))
    Console().print(table)
    return 0


def _import(args: argparse.Namespace, settings: Settings) -> int:
    made = import_harbor(args.folder, settings, args.id)
    folders = [str(folder) for folder in made.folders]
    if args.json:
        print(json.dumps({"task": made.task.id, "folders": folders, "notes": made.notes}, indent=2))
        return 0
    for note in made.notes:
        print(f"shipworthy: note: {clean(note)}", file=sys.stderr)
    print(f"{made.task.id}: imported into {', '.join(folders)}\nrun it: make run TASK={made.task.id}")
    return 0


def _export(args: argparse.Namespace, settings: Settings) -> int:
    made = export_harbor(args.task, settings, args.out, args.ca_bundle)
    if args.json:
        print(json.dumps({"folder": str(made.folder), "notes": made.notes}, indent=2))
        return 0
    for note in made.notes:
        print(f"shipworthy: note: {clean(note)}", file=sys.stderr)
    print(f"{made.folder}: run it with `harbor run -p {made.folder} -a AGENT`")
    return 0


def _grade(args: argparse.Namespace, settings: Settings) -> int:
    task = get_task(args.task, settings)
    rubric = rubric_for(task.id, args.rubric, settings)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as kept:
        apart = replace(settings, archive=Path(kept))
        graded = grade_here(task, rubric, args.folder, apart, dict(os.environ), lambda event: None)
        verdict = asyncio.run(graded)
    verdict.write(args.out)
    score_sheet.render_score(verdict.score, Console())
    return 0
