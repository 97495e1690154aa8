"""`shipworthy view`: the site in this machine's browser, made anew as runs finish."""

from __future__ import annotations

import argparse
import asyncio
import os
from contextlib import suppress
from pathlib import Path

from runner.cli.output import archive_to_read
from runner.cli.settings import settings_from
from runner.core.errors import UserError
from runner.pipeline.showing.view import View, live_folder

MOST_PORT = 65_535
EPILOG = """\
examples:
  shipworthy view                       then open the address it prints; Ctrl-C ends it
  shipworthy view --port 8000 --archive /data/archive

Only this machine's own browser is answered, under 127.0.0.1 or localhost. Archives hold what models wrote and
what providers answered: to look at a remote one, open a tunnel, as in ssh -L 8765:127.0.0.1:8765 HOST
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which port, archive and rubric."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "--port", type=int, default=8765, help="of 127.0.0.1; 0 takes a free one (default: 8765)"
    )
    parser.add_argument("--rubric", help="id@version or a file (default: each task's own)")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")


def main(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C, which is how it ends well."""
    settings = settings_from(os.environ, args.archive)
    if not 0 <= args.port <= MOST_PORT:
        raise UserError(f"--port: {args.port} is no port; they go from 1 to {MOST_PORT}, 0 takes a free one")
    archive_to_read(settings, args.archive)
    view = View(
        settings, live_folder(settings, args.rubric), args.rubric, lambda line: print(line, flush=True)
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(view.serve(args.port))
    return 0
