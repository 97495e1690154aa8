"""`shipworthy image`: build and list sandbox images."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from runner.cli.progress import shown
from runner.cli.settings import settings_from
from runner.pipeline.images import ImageState, build_images, list_images


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`build [NAME ...]` and `list`."""
    parser.description = "Sandbox images: an unchanged one is never rebuilt, a changed one always is."
    actions = parser.add_subparsers(dest="action", metavar="build|list", required=True)
    build = actions.add_parser("build", help="build what is missing")
    build.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="a folder of sandboxes/, or one with an agent: rails+opencode; default: all",
    )
    listing = actions.add_parser("list", help="show each image, its tag and size")
    for action in (build, listing):
        action.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Build or list."""
    settings = settings_from(os.environ)
    if args.action == "build":
        with shown(Console(stderr=True)) as progress:
            tags = build_images(settings, args.names, progress)
        print(json.dumps(tags, indent=2) if args.json else "\n".join(tags.values()))
        return 0
    states = list_images(settings)
    if args.json:
        print(json.dumps([asdict(state) | {"present": state.is_built} for state in states], indent=2))
    else:
        Console().print(_table(states))
    return 0


def _table(states: list[ImageState]) -> Table:
    table = Table("image", "tag", "size", box=None)
    for state in states:
        table.add_row(state.name, state.tag, f"{state.size_mb} MB" if state.is_built else "not built")
    return table
