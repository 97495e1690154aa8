"""Writes the reference pages from their sources: commands from the parsers, checks and points from the code.

python docs/generate.py            write docs/commands.md and docs/checks.md
python docs/generate.py --check    only say whether they are up to date (exit 1 if not)
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from runner.cli.main import COMMANDS, build_parser
from runner.core.protocols import Probe
from runner.core.records import Rubric
from runner.pipeline.rubrics.explain import Explanation, explanations, means
from runner.report.rubric_sheet import condition_words, group_words
from runner.spec.rubrics import load_rubric, rubric_ids, rubric_notes

DOCS = Path(__file__).parent
RUBRICS = DOCS.parent / "rubrics"
NOTE = "<!-- written by docs/generate.py; run `make docs` instead of editing -->\n"
PREFACE = """\
A check is a statement that is true of good code; it ends as pass, fail, not applicable or unknown.
A run is probed only for the checks that its rubric names. The last column says what a FAIL costs
under the newest version of each rubric. Any check is UNKNOWN, too, when its probe crashes, which is our bug.
`shipworthy explain CHECK` prints one of them, `shipworthy rubric show NAME` a rubric of any version.
"""


def commands() -> str:
    """Every command's help text."""
    parts = [NOTE, "# Commands\n", "```text\n" + build_parser(None).format_help() + "```\n"]
    for name in COMMANDS:
        parser = build_parser(name)
        command = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction)).choices[name]
        parts.append(f"## shipworthy {name}\n\n```text\n{command.format_help()}```\n")
    return "\n".join(parts)


def checks() -> str:
    """Every check with its statement, its texts, and what the newest version of each rubric takes for it."""
    rubrics = [load_rubric(name, RUBRICS) for name in rubric_ids(RUBRICS)]
    parts = [NOTE, "# Checks\n", PREFACE]
    for probe, group in groupby(explanations(rubrics), key=lambda told: told.probe):
        parts += [*_probe(probe, list(group)), ""]
    for rubric in rubrics:
        parts += [*_rubric(rubric), ""]
    return "\n".join(parts).rstrip("\n") + "\n"


def _probe(probe: Probe, told: list[Explanation]) -> Iterator[str]:
    """A table of its checks, then each of them in full."""
    yield f"## {probe.id} (version {probe.version}; {means(probe)})\n"
    yield "| check | is true of good code | costs |\n|---|---|---|"
    for one in told:
        costs = "; ".join(map(str, one.costs)) or "nothing"
        yield f"| `{one.check}` | {one.statement} | {costs} |"
    for one in told:
        doc = one.doc
        yield f"\n### {one.check}\n"
        yield f"True of good code: {one.statement}.\n"
        yield f"- Why: {doc.why}\n- How: {doc.how}\n- UNKNOWN: {doc.unknown}\n"
        yield f"Good:\n\n```text\n{doc.good.rstrip()}\n```\n\nBad:\n\n```text\n{doc.bad.rstrip()}\n```"


def _rubric(rubric: Rubric) -> Iterator[str]:
    yield f"# Rubric {rubric.name}: {rubric.title}\n"
    yield "| tier | from | means |\n|---|---|---|"
    for tier in rubric.tiers:
        yield f"| {tier.id} | {tier.at_least:g} | {tier.meaning} |"
    for note in rubric_notes(rubric):
        yield f"\nNote: {note}"
    for dimension in rubric.dimensions:
        yield f"\n## {dimension.title} ({dimension.points:g})\n"
        yield "| points | when | why |\n|---|---|---|"
        for deduction in dimension.deductions:
            words = group_words(dimension, deduction)
            group = f" ({words})" if words else ""
            when = condition_words(deduction.when, "`")
            yield f"| {deduction.points:g}{group} | {when} | {deduction.because} |"
    yield "\n## Ceilings\n\n| at most | when | why |\n|---|---|---|"
    for ceiling in rubric.ceilings:
        yield f"| {ceiling.max:g} | {condition_words(ceiling.when, '`')} | {ceiling.because} |"


def main() -> int:
    """Write or compare."""
    os.environ["COLUMNS"] = "100"
    only_check = "--check" in sys.argv[1:]
    stale = []
    for name, text in (("commands.md", commands()), ("checks.md", checks())):
        path = DOCS / name
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if not only_check:
                path.write_text(text)
    if only_check and stale:
        print(f"not up to date: {', '.join(stale)}; run: make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
