"""`shipworthy agents`: every agent with its version, wire formats and size."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from runner.cli.settings import settings_from
from runner.pipeline.images import AgentState, list_agents


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Only `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Needs no engine, but without one knows no sizes."""
    states = list_agents(settings_from(os.environ))
    if args.json:
        print(json.dumps([asdict(state) for state in states], indent=2))
    else:
        Console().print(_table(states))
    return 0


def _table(states: list[AgentState]) -> Table:
    table = Table("agent", "version", "speaks", "size", box=None)
    for state in states:
        size = "not built" if state.size_mb is None else f"{state.size_mb} MB"
        table.add_row(state.id, state.version, "\n".join(state.wires), size)
    return table
