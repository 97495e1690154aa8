"""`shipworthy export`: runs and scores in the formats of other tools."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read, warn_of_damage
from runner.cli.progress import counted
from runner.cli.settings import settings_from
from runner.core.errors import UserError
from runner.core.registry import load, names
from runner.pipeline.export import chosen, entries, write_file, write_folder
from runner.report import exports
from runner.report.exports.kit.entry import Format

EPILOG = """\
formats:
  csv, jsonl, parquet   a table: one row a run with its latest score, dimensions as columns;
                        what is unknown is empty, never 0 (parquet needs pyarrow: the extra `parquet`)
  junit                 JUnit XML: a suite for each run, a case for each dimension
  inspect               EvalLog JSON of inspect_ai, a file for each task, model and agent
  atif                  agent trajectories (ATIF), a file for each run that has a transcript

examples:
  shipworthy export csv > runs.csv
  shipworthy export junit --out junit.xml last
  shipworthy export inspect --out logs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The format, which runs, and where to."""
    parser.epilog, parser.formatter_class = EPILOG, argparse.RawDescriptionHelpFormatter
    parser.add_argument("format", metavar="FORMAT", choices=names(exports), help=", ".join(names(exports)))
    parser.add_argument("runs", metavar="RUN", nargs="*", help="ids, unique parts, or `last` (default: all)")
    parser.add_argument("--out", type=Path, help="a file, or of inspect and atif a folder (default: print)")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")


def main(args: argparse.Namespace) -> int:
    """Runs that cannot be read are named and left out."""
    wanted: Format = load(exports, args.format, "format").FORMAT
    if args.out is None and (wanted.many or (wanted.binary and sys.stdout.isatty())):
        raise UserError(f"--out: say where {args.format} goes, as in --out {args.format}")
    archive = archive_to_read(settings_from(os.environ, args.archive), args.archive)
    runs = chosen(archive, args.runs)
    with counted(Console(stderr=True), "reading", len(runs)) as add:
        found = entries(archive, runs, add)
    warn_of_damage(archive)
    documents = wanted.documents(found)
    if wanted.many:
        written = write_folder(documents, args.out)
        print(
            f"{args.out}: {_counted(len(written), 'file')} of {_counted(len(found), 'run')}", file=sys.stderr
        )
        return 0
    for _, content in documents:
        if args.out is None:
            sys.stdout.buffer.write(content)
        else:
            print(f"{write_file(content, args.out)}: {_counted(len(found), 'run')}", file=sys.stderr)
    return 0


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
