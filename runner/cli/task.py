"""`shipworthy task`: the tasks there are, and tasks from and for Harbor."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from runner.cli.settings import settings_from
from runner.pipeline.grading import get_task
from runner.pipeline.harbor.importing import import_harbor
from runner.pipeline.settings import Settings
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
    actions = parser.add_subparsers(dest="action", metavar="list|import|export", required=True)
    listing = actions.add_parser("list", help="show every task with its image and rubric")
    listing.add_argument("--json", action="store_true", help="print JSON")
    _add_import(actions.add_parser("import", help="make a task of a Harbor task directory"))


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Make a task of a Harbor task directory (task.toml, instruction.md, environment/, tests/, solution/). "
        "Its Dockerfile becomes a sandbox image, its tests grade what is built: as root, without a network, "
        "never on this host. Its solution becomes the scripted model demo/oracle. What could not be kept is "
        "listed."
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="the task directory")
    parser.add_argument("--id", help="what to call it here (default: its name)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Nothing is built or run: that is for `shipworthy run`."""
    settings = settings_from(os.environ)
    actions = {"list": _list, "import": _import}
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
