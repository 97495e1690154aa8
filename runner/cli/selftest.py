"""`shipworthy rubric selftest`: does a rubric take what it should, and nothing else?"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from rich.console import Console

from runner.cli import interruptible
from runner.cli.progress import shown
from runner.cli.settings import settings_from
from runner.core.records import Rubric
from runner.core.selftest import ChangeOutcome, SelfTest, SelfTestResult
from runner.pipeline.grading.grader import get_rubric
from runner.pipeline.rubrics.selftest import get_selftest, run_selftest
from runner.pipeline.settings import Settings
from runner.report.selftest_table import render, selftest_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which rubric, which changes, and whether containers are started."""
    parser.description = (
        "Grade a rubric's reference application, mutations of it that should cost just what they name, "
        "and refactorings that should cost nothing. Exit code 1 on any surprise."
    )
    parser.add_argument("name", metavar="NAME", help="id@version, an id (its newest version) or a file")
    parser.add_argument("--lab", action="store_true", help="also run in containers what only they can decide")
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID", help="just this change; repeatable"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Try every change; 0 if there was no surprise."""
    settings = settings_from(os.environ)
    rubric = get_rubric(args.name, settings)
    selftest = get_selftest(rubric, args.name, settings)
    result = _tried(settings, rubric, selftest, args)
    if args.json:
        print(json.dumps(selftest_json(result), indent=2))
    else:
        render(result, Console())
    return 0 if result.passed else 1


def _tried(
    settings: Settings, rubric: Rubric, selftest: SelfTest, args: argparse.Namespace
) -> SelfTestResult:
    with shown(Console(stderr=True)) as progress, tempfile.TemporaryDirectory() as scratch:
        count = 0

        def done(outcome: ChangeOutcome) -> None:
            nonlocal count
            count += 1
            progress(f"{count:>3} {outcome.verdict}: {outcome.change.id}")

        if not args.lab:
            return interruptible.run(run_selftest(rubric, selftest, settings, None, done, args.only))
        # Nothing is archived, but a workbench has an archive.
        apart = replace(settings, archive=Path(scratch))
        in_lab = import_module("runner.cli.in_lab")  # only here: the engine's client takes long to load
        found: SelfTestResult = in_lab.selftest_in_lab(apart, rubric, selftest, (progress, done), args.only)
        return found
