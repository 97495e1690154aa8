"""`shipworthy doctor`: what a run needs of this machine, one line each with its mend."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from runner.cli.settings import settings_from
from runner.pipeline.doctor import Diagnosis, State, diagnose

_STYLES = {State.OK: "green", State.WARN: "yellow", State.BLOCKS: "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Only `--json`."""
    parser.description = (
        "Check engine, disk, memory, images, keys, clock and leftovers. Exit 2 if one blocks."
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """2 if anything is in the way of every run, else 0."""
    console = Console()
    seen: list[Diagnosis] = []
    for diagnosis in diagnose(settings_from(os.environ)):
        seen.append(diagnosis)
        if not args.json:
            console.print(_line(diagnosis), soft_wrap=True)
    if args.json:
        print(json.dumps([asdict(diagnosis) for diagnosis in seen], indent=2))
    return 2 if any(diagnosis.state is State.BLOCKS for diagnosis in seen) else 0


def _line(diagnosis: Diagnosis) -> Text:
    line = Text.assemble(
        (f"{diagnosis.state:<7}", _STYLES[diagnosis.state]), f"{diagnosis.check:<13} {diagnosis.detail}"
    )
    return line.append(f"  -> {diagnosis.mend}", "bold") if diagnosis.mend else line
