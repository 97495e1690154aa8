"""`shipworthy compare`: two models side by side, and whether the difference is more than noise."""

from __future__ import annotations

import argparse
import json
import math
import os

from rich.console import Console

from runner.cli.settings import settings_from
from runner.cli.standings import add_common, lacks_runs, read_samples
from runner.core.comparison import RegressionState
from runner.core.errors import UserError
from runner.pipeline.showing.comparisons import head_to_head, regression
from runner.report.comparison_sheet import render, render_regression, verdict_words

EPILOG = """\
examples:
  shipworthy compare demo/a demo/b --by check
  shipworthy compare openai/gpt-5:bash openai/gpt-5:aider
  shipworthy compare --regression my/model:bash@1 my/model:bash@2 --fail-if-worse 3

regression: exit 1 if the mean over pairs fell by that many points or more for certain and the 95 % interval
of the drop lies above 0; also if that cannot be told (fewer than six pairs, unknown checks decide, or runs
in the archive are damaged).
Exit 2 if nothing can be paired. Else 0.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whom, and broken down by what."""
    parser.description = (
        "Two models (or agents of one) on the same tasks and epochs: points side by side with the gap and "
        "its interval, what each got wrong that the other did not, and the verdict in words."
    )
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("a", metavar="A", help="model, model:agent or model:agent@version, or a unique part")
    parser.add_argument("b", metavar="B", help="the other one; with --regression the new one")
    parser.add_argument("--by", choices=("dimension", "task", "check"), default="dimension")
    parser.add_argument("--task", action="append", default=[], help="only this task (may be repeated)")
    parser.add_argument("--regression", action="store_true", help="A is the old one and B the new")
    parser.add_argument(
        "--fail-if-worse", type=float, metavar="POINTS", help="how much worse is too much (default: 3)"
    )
    add_common(parser)


def main(args: argparse.Namespace) -> int:
    """0, or with --regression 1 if B is worse, or may be; 1 too if damaged runs had to be left out."""
    limit = _limit(args)
    loaded = read_samples(settings_from(os.environ, args.archive), args, args.task)
    duel = head_to_head(loaded, args.a, args.b)
    verdict = regression(duel, limit) if args.regression else None
    if args.json:
        found = {
            "comparison": duel.model_dump(mode="json"),
            "in_words": verdict_words(duel),
            "regression": verdict.model_dump(mode="json") if verdict else None,
        }
        print(json.dumps(found, indent=2))
    else:
        render(duel, args.by, Console())
        if verdict is not None:
            render_regression(verdict, Console())
    worse = verdict is not None and verdict.state is not RegressionState.NOT_WORSE
    return 1 if worse or lacks_runs(loaded, args) else 0


def _limit(args: argparse.Namespace) -> float:
    if args.fail_if_worse is None:
        return 3.0
    if not args.regression:
        raise UserError("--fail-if-worse: only says something with --regression")
    if not (math.isfinite(args.fail_if_worse) and args.fail_if_worse > 0):
        raise UserError("--fail-if-worse: should be a number of points above 0")
    return float(args.fail_if_worse)
