"""`shipworthy agents`: every agent with its version, wire formats and size."""

from __future__ import annotations

import argparse
import json
import os
from contextlib import closing
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from runner.cli.settings import settings_from
from runner.core.errors import SetupError
from runner.pipeline.images import AgentState, agent_states
from runner.pipeline.settings import Settings
from runner.sandbox.engine import connect


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Only `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Needs no engine: without one the sizes are unknown."""
    states = _states(settings_from(os.environ))
    if args.json:
        print(json.dumps([asdict(state) for state in states], indent=2))
    else:
        Console().print(_table(states))
    return 0


def _states(settings: Settings) -> list[AgentState]:
    try:
        client = connect(settings.engine_url, settings.host)
    except SetupError:
        return agent_states(settings, None)
    with closing(client):
        return agent_states(settings, client)


def _table(states: list[AgentState]) -> Table:
    table = Table("agent", "version", "speaks", "size", box=None)
    for state in states:
        table.add_row(state.id, state.version, "\n".join(state.wires), _size(state))
    return table


def _size(state: AgentState) -> str:
    return "not built" if state.size_mb is None else f"{state.size_mb} MB"
