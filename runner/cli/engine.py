"""`shipworthy engine`: make sure a Docker engine answers."""

from __future__ import annotations

import argparse
import os

from rich.console import Console

from runner.cli.progress import shown
from runner.cli.settings import settings_from
from runner.pipeline.images import set_up_engine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has no options; SHIPWORTHY_NO_INSTALL=1 forbids installing and starting."""
    parser.description = "Make sure a Docker engine answers; on Debian and Ubuntu, as root, set one up."


def main(args: argparse.Namespace) -> int:
    """Say nothing if all is well."""
    with shown(Console(stderr=True)) as progress:
        set_up_engine(settings_from(os.environ), progress).close()
    return 0
