"""`shipworthy rescore`: archived runs under another rubric; old scores stay."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console

from runner.cli.output import archive_to_read, complete, result_json, warn_of_damage
from runner.cli.progress import counted
from runner.cli.settings import settings_from
from runner.core.errors import SetupError, UserError
from runner.core.records import Rubric, Run
from runner.pipeline.grading.grader import Graded, chosen_runs, get_rubric, lacking_lab, misfits
from runner.pipeline.grading.rescoring import Work, in_short, rescore, rescored_in_short
from runner.pipeline.settings import Settings
from runner.report.rescore_summary import as_text
from runner.report.run_table import render
from runner.report.text import clean

PARALLEL = 2
NOT_TRIED = "it must be tried in a container, and none can be started"
MOST_ROWS = 25  # of a table of runs; more are summed up
EPILOG = """\
examples:
  shipworthy rescore --all --rubric rails_chat@2        who moved, and into which tier
  shipworthy rescore --all --rubric my-rubric.yaml      an edit; `rubric try` leaves no scores behind
  shipworthy rescore demo/a --rubric rails_chat@1 --json

Nothing is computed twice, and what was done stays when it is interrupted: the same command goes on. More than
25 runs are summed up; --json has every one with its reasons. Exit 1 if a score is undecided, or if
something in the archive is damaged (it is named, and the other runs are scored).
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which runs, and by which rubric."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("runs", metavar="RUN", nargs="*", help="ids, or unique parts of them")
    parser.add_argument("--all", action="store_true", help="every run in the archive")
    parser.add_argument("--rubric", required=True, help="id@version, id for the newest, or a file")
    parser.add_argument("--archive", type=Path, help="where runs are kept (default: ./archive)")
    parser.add_argument(
        "--parallel",
        type=int,
        default=PARALLEL,
        help="runs side by side in containers (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Only arithmetic where the evidence is there; else just the probes that are new."""
    settings = settings_from(os.environ, args.archive)
    rubric = get_rubric(args.rubric, settings)
    archive = archive_to_read(settings, args.archive)
    runs = own_runs(settings, chosen_runs(archive, args.runs, args.all), rubric, args.all)
    warn_of_damage(archive)
    in_lab = in_containers(settings, runs, rubric, args.parallel, args.all)
    if len(runs) > MOST_ROWS and not args.json:
        sound = summed_up(settings, runs, rubric, in_lab)
    else:
        sound = _one_by_one(settings, runs, rubric, in_lab, args.json)
    whole = not archive.damaged and all(each.why_not != NOT_TRIED for each in in_lab)
    return 0 if sound and whole else 1


def _one_by_one(
    settings: Settings, runs: Sequence[Run], rubric: Rubric, in_lab: Sequence[Graded], as_json: bool
) -> bool:
    results = _graded(settings, runs, rubric, in_lab)
    if as_json:
        print(json.dumps([result_json(r) for r in results], indent=2))
    else:
        render([(r.run, r.score) for r in results], Console())
        for result in results:
            if result.why_not:
                print(f"{result.run.id}: not graded: {clean(result.why_not)}")
    for result in results:
        if result.broken:
            print(f"shipworthy: damaged: {result.run.id}: {clean(result.broken)}", file=sys.stderr)
    return all((complete(r) or r.why_not) and not r.broken for r in results)


def summed_up(settings: Settings, runs: Sequence[Run], rubric: Rubric, in_lab: Sequence[Graded]) -> bool:
    """Grade those that are not, and print what it came to; whether all is decided and nothing is damaged."""
    archive = archive_to_read(settings, None)
    done = {graded.run.id: in_short(archive, (graded,)) for graded in in_lab}
    rest = [run for run in runs if run.id not in done]
    with counted(Console(stderr=True), f"scored under {rubric.name}", len(rest)) as count:
        results = [*done.values(), *rescored_in_short(Work(settings, (rubric,)), rest, count)]
    sys.stdout.write(as_text(rubric.name, [tier.id for tier in rubric.tiers], results))
    decided = all(each.now is None or each.now.low == each.now.high for each in results)
    return decided and not any(each.broken for each in results)


def own_runs(settings: Settings, runs: Sequence[Run], rubric: Rubric, every: bool) -> list[Run]:
    """Those of a task that the rubric was written for; others are left out aloud, or refused if named."""
    foreign = misfits(runs, rubric, settings)
    if foreign and not every:
        raise UserError("\n".join(foreign.values()))
    for task, why in foreign.items():
        number = sum(run.trial.task == task for run in runs)
        print(f"shipworthy: left out: {number} run{'s' * (number > 1)}: {clean(why)}", file=sys.stderr)
    return [run for run in runs if run.trial.task not in foreign]


def rescored(settings: Settings, runs: Sequence[Run], rubric: Rubric) -> list[Graded]:
    """Grade with progress shown; an engine is set up only if evidence is missing, and only for those runs."""
    return _graded(settings, runs, rubric, in_containers(settings, runs, rubric))


def _graded(
    settings: Settings, runs: Sequence[Run], rubric: Rubric, in_lab: Sequence[Graded]
) -> list[Graded]:
    done = {result.run.id: result for result in in_lab}
    rest = [run for run in runs if run.id not in done]
    with counted(Console(stderr=True), f"scored under {rubric.name}", len(rest)) as count:
        (results,) = rescore(Work(settings, (rubric,)), rest, count)
    done |= {result.run.id: result for result in results}
    return [done[run.id] for run in runs]


def in_containers(
    settings: Settings, runs: Sequence[Run], rubric: Rubric, parallel: int = PARALLEL, every: bool = False
) -> list[Graded]:
    """Those runs graded that lack evidence which only a running app gives; mostly none.

    Of every run in the archive, those must not keep the others from being scored: where no container can be
    started, they stay as they were (NOT_TRIED), since a score with more unknown than the last would be worse.
    """
    if parallel < 1:
        raise UserError(f"--parallel: should be 1 or more, not {parallel}")
    lacking = lacking_lab(settings, runs, rubric)
    if not lacking:
        return []
    # Imported only where it is needed: the engine's client takes longer to load than scoring takes.
    in_lab = import_module("runner.cli.in_lab")
    try:
        found: list[Graded] = in_lab.graded_in_lab(settings, lacking, rubric, parallel)
    except SetupError as error:
        if not every:
            raise
        number = f"{len(lacking)} run{'s' * (len(lacking) > 1)}"
        print(f"shipworthy: left as they were: {number}: {NOT_TRIED}: {clean(str(error))}", file=sys.stderr)
        return [Graded(run, None, NOT_TRIED) for run in lacking]
    return found
