"""`shipworthy rubric`: what points are lost for, and whether that is rightly so."""

from __future__ import annotations

import argparse

from runner.cli import selftest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One action each: `selftest`."""
    parser.description = "Rubrics: versioned data that says which findings cost how many points."
    actions = parser.add_subparsers(dest="action", metavar="selftest", required=True)
    selftest.add_arguments(
        actions.add_parser("selftest", help="try a rubric on a good application, changed in many ways")
    )


def main(args: argparse.Namespace) -> int:
    """Carry out the action."""
    return selftest.main(args)
