"""`shipworthy export`: runs and scores in the formats of other tools."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read, warn_of_damage
from runner.cli.progress import counted
from runner.cli.settings import settings_from
from runner.core.errors import UserError
from runner.core.registry import load, names
from runner.pipeline.showing.export import chosen, entries, write_file, write_folder
from runner.report import exports
from runner.report.exports.kit.entry import Entry, Format

EPILOG = """\
formats:
  csv, jsonl, parquet   a table: one row a run with its latest score, dimensions as columns;
                        what is unknown is empty, never 0 (parquet needs pyarrow: the extra `parquet`)
  junit                 JUnit XML: a suite for each run, a case for each check, with reason and file:line
  inspect               EvalLog JSON of inspect_ai, a file for each task, model and agent
  atif                  agent trajectories (ATIF), a file for each run that has a transcript

examples:
  shipworthy export csv > runs.csv
  shipworthy export junit --out junit.xml last
  shipworthy export inspect --out logs --json          what was written, for other programs

A task, with its grader, is exported by `shipworthy task export`.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The format, which runs, and where to."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("format", metavar="FORMAT", choices=names(exports), help=", ".join(names(exports)))
    parser.add_argument("runs", metavar="RUN", nargs="*", help="ids, unique parts, or `last` (default: all)")
    parser.add_argument("--out", type=Path, help="a file, or of inspect and atif a folder (default: print)")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="with --out, print what was written as JSON")


def main(args: argparse.Namespace) -> int:
    """Runs that cannot be read are named and left out."""
    wanted: Format = load(exports, args.format, "format").FORMAT
    if args.out is None and (wanted.many or (wanted.binary and sys.stdout.isatty())):
        raise UserError(f"--out: say where {args.format} goes, as in --out {args.format}")
    if args.json and args.out is None:
        raise UserError("--json: tells what was written, so it needs --out")
    settings = settings_from(os.environ, args.archive)
    archive = archive_to_read(settings, args.archive)
    runs = chosen(archive, args.runs)
    with counted(Console(stderr=True), "reading", len(runs)) as add:
        found = entries(archive, runs, settings, wanted.by_check, add)
    warn_of_damage(archive)
    documents = wanted.documents(found)
    if args.out is None:
        for _, content in documents:
            sys.stdout.buffer.write(content)
        return 0
    if wanted.many:
        written = write_folder(documents, args.out)
    else:
        written = [write_file(content, args.out) for _, content in documents]
    _tell(args, found, written, archive.damaged)
    return 0


def _tell(
    args: argparse.Namespace, found: Sequence[Entry], written: Sequence[Path], damaged: Mapping[str, str]
) -> None:
    if args.json:
        unscored = {entry.run.id: entry.why_not for entry in found if entry.score is None}
        told = {"format": args.format, "runs": len(found), "scored": len(found) - len(unscored)}
        files = [str(path) for path in written]
        print(json.dumps({**told, "unscored": unscored, "left_out": dict(damaged), "files": files}, indent=2))
        return
    print(f"{args.out}: {_counted(len(written), 'file')} of {_counted(len(found), 'run')}", file=sys.stderr)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
