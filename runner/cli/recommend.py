"""`shipworthy recommend`: a model for a shape of task, with reasons and doubts."""

from __future__ import annotations

import argparse
import json
import os

from rich.console import Console

from runner.cli.settings import settings_from
from runner.cli.standings import add_common, lacks_runs, read_samples
from runner.core.errors import UserError
from runner.pipeline.showing.comparisons import recommended, shapes
from runner.report.recommendation_sheet import render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which shape."""
    parser.description = (
        "A model for tasks of a shape (the fields of `shape` in task.yaml), from the runs in the archive, "
        "with reasons and doubts. Of those that may be the best, the cheapest; where stakes=high, the one "
        "that is surest to do well. Exit 1 if there is too little evidence."
    )
    parser.add_argument(
        "--shape", required=True, metavar="KEY=VALUE,...", help="such as horizon=long,stakes=high"
    )
    add_common(parser)


def main(args: argparse.Namespace) -> int:
    """0 if there is a recommendation, and no run had to be left out."""
    settings = settings_from(os.environ, args.archive)
    shape = read_shape(args.shape)
    known = shapes(settings)
    loaded = read_samples(settings, args, [])
    found = recommended(loaded, shape, known)
    if args.json:
        print(json.dumps(found.model_dump(mode="json"), indent=2))
    else:
        render(found, Console())
    return 0 if found.model and not lacks_runs(loaded, args) else 1


def read_shape(text: str) -> dict[str, str]:
    """`horizon=long,stakes=high` as a mapping. Raises UserError."""
    shape: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = (each.strip() for each in part.partition("="))
        if not (key and equals and value):
            raise UserError(f"--shape: {part!r} should be KEY=VALUE, such as horizon=long")
        if key in shape:
            raise UserError(f"--shape: {key} is given twice")
        shape[key] = value
    return shape
