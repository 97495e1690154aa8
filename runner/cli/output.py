"""What commands print of a result."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from runner.core.errors import UserError
from runner.core.records import Score
from runner.pipeline.archives import Archive, open_archive
from runner.pipeline.grading.grader import Graded
from runner.pipeline.settings import Settings
from runner.report.as_json import run_json
from runner.report.score_sheet import render
from runner.report.text import clean, interval


def archive_to_read(settings: Settings, named: Path | None) -> Archive:
    """The archive; raises UserError if the user named a folder that is none."""
    if named is not None and not settings.archive.is_dir():
        raise UserError(f"--archive: there is no folder {settings.archive}")
    return open_archive(settings)


def complete(result: Graded) -> bool:
    """Whether the run has a score with nothing unknown in it."""
    return result.score is not None and result.score.low == result.score.high


def print_result(result: Graded, settings: Settings, console: Console) -> None:
    """The score sheet, and where to look further."""
    render(result.run, result.score, console, result.calibration, result.improvements)
    if result.why_not:
        console.print(f"Not graded: {result.why_not}.", markup=False)
    folder = settings.archive / "runs" / result.run.id
    places = {
        "repository": folder / "repo.git",
        "transcript": folder / "transcript.jsonl",
        "logs": folder / "logs",
        "score sheet": f"make inspect RUN={result.run.trial.id}",
        "files": f"{sys.argv[0]} inspect {result.run.trial.id} --checkout DIR",
    }
    for name, place in places.items():
        console.print(f"{name:<12} {place}", markup=False, highlight=False, soft_wrap=True)
    console.print(_verdict(result), style="bold", markup=False, highlight=False, soft_wrap=True)


def print_files(paths: Sequence[Path], console: Console) -> None:
    """What there is to look at of an app, folder by folder."""
    for folder, files in groupby(paths, key=lambda path: path.parent):
        console.print(f"seen in      {folder}", markup=False, highlight=False, soft_wrap=True)
        names = " ".join(path.name for path in files)
        console.print(f"             {names}", markup=False, highlight=False, soft_wrap=True)


def result_json(result: Graded) -> dict[str, Any]:
    """What `--json` prints of a run."""
    return run_json(result.run, result.score, result.calibration, result.improvements)


def warn_of_damage(archive: Archive) -> None:
    """Name the runs that could not be read and are therefore left out."""
    for reason in archive.damaged.values():
        print(f"shipworthy: left out: {clean(reason)}", file=sys.stderr)


def _verdict(result: Graded) -> str:
    """The last line: what most people look for."""
    model, score = result.run.trial.model, result.score
    if score is None:
        return f"{model}: not graded"
    tier = f"tier {score.tier}" if score.tier else "no tier, too much is unknown"
    return f"{model}: {tier}, {interval(score.low, score.high)} of {_total(score):g} points"


def _total(score: Score) -> float:
    return sum(dimension.points for dimension in score.dimensions)
