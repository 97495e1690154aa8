"""`shipworthy report`: the archive as a site that people look at."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read
from runner.cli.progress import shown
from runner.cli.settings import settings_from
from runner.pipeline.showing.site import build_site
from runner.report.text import clean

EPILOG = """\
examples:
  shipworthy report                                then open site/index.html in a browser
  shipworthy report --rubric rails_chat@1          as it would look under an older rubric
  shipworthy report --out /srv/www/shipworthy      any web server can serve it; no page asks a network

Only pages whose runs are new or were graded again are written.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, and by which rubric."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("--out", type=Path, default=Path("site"), metavar="DIR", help="default: ./site")
    parser.add_argument("--rubric", help="id@version or a file (default: each task's own)")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Write what is new of it; the archive is only read. 1 if something in it is damaged."""
    settings = settings_from(os.environ, args.archive)
    archive_to_read(settings, args.archive)
    out = args.out.expanduser().absolute()
    with shown(Console(stderr=True)) as progress:
        material, written = build_site(settings, out, args.rubric, progress)
    index = out / "index.html"
    if args.json:
        print(json.dumps({"index": str(index), "runs": len(material.entries), "written": written}, indent=2))
    else:
        changed = f"{written:,} file{'s' * (written != 1)} new or changed"
        print(f"{len(material.entries):,} runs, {changed}: {index}")
    for reason in material.method.damaged.values():
        print(f"shipworthy: damaged: {clean(reason)}", file=sys.stderr)
    return 1 if material.method.damaged else 0
