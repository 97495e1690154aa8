"""`shipworthy explain`: what a check means."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from runner.cli.settings import settings_from
from runner.pipeline.rubrics.explain import Explanation, explain, explanations, means, rubrics_in_force

_TEXTS = {"why": "Why it matters", "how": "How it is decided", "unknown": "What makes it UNKNOWN"}
_EXAMPLES = {"good": "Good", "bad": "Bad"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which check, all of them without one."""
    parser.description = (
        "What a check says of good code, why that matters, how it is decided, what leaves it unknown, an "
        "example of either kind, and what a FAIL costs under each task's newest rubric."
    )
    parser.add_argument("check", metavar="CHECK", nargs="?", help="as boot.boots; without it, all are listed")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """One check in full, or the list of all."""
    settings = settings_from(os.environ)
    console = Console()
    if args.check is not None:
        told = explain(args.check, settings)
        if args.json:
            print(json.dumps(told.document(), indent=2, ensure_ascii=False))
        else:
            console.print(Group(*_in_full(told)))
        return 0
    every = explanations(rubrics_in_force(settings))
    if args.json:
        print(json.dumps([told.document() for told in every], indent=2, ensure_ascii=False))
    else:
        for probe, group in groupby(every, key=lambda told: told.probe):
            console.print(Text(f"{probe.id} (version {probe.version}; {means(probe)})", "bold"))
            for told in group:
                console.print(Padding(Text(f"{told.check}: {told.statement}"), (0, 0, 0, 2)))
    return 0


def _in_full(told: Explanation) -> Iterator[RenderableType]:
    probe = told.probe
    yield Text(told.check, "bold")
    yield Text(f"True of good code: {told.statement}.")
    yield Text(f"Probe {probe.id}, version {probe.version}; it {means(probe)}.")
    for name, title in _TEXTS.items():
        yield from _section(title, Text(getattr(told.doc, name).rstrip()))
    for name, title in _EXAMPLES.items():
        yield from _section(
            title, Text(getattr(told.doc, name).rstrip("\n"), no_wrap=True, overflow="ignore")
        )
    costs = [f"{cost}: {cost.id}" for cost in told.costs] or ["nothing under a rubric in force"]
    yield from _section("What a FAIL costs", Text("\n".join(costs)))


def _section(title: str, body: RenderableType) -> Iterator[RenderableType]:
    yield Text(f"\n{title}", "bold")
    yield Padding(body, (0, 0, 0, 2))
