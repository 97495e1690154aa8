"""Writes the reference pages from their sources: commands from the parsers, checks and points from the code.

python docs/generate.py            write docs/commands.md and docs/checks.md
python docs/generate.py --check    only say whether they are up to date (exit 1 if not)
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from runner.cli.main import COMMANDS, build_parser
from runner.core.records import Condition, Rubric
from runner.pipeline.evidence import all_probes
from runner.spec.rubrics import load_rubric

DOCS = Path(__file__).parent
RUBRICS = DOCS.parent / "rubrics"
NOTE = "<!-- written by docs/generate.py; run `make docs` instead of editing -->\n"


def commands() -> str:
    """Every command's help text."""
    parts = [NOTE, "# Commands\n", "```text\n" + build_parser(None).format_help() + "```\n"]
    for name in COMMANDS:
        parser = build_parser(name)
        command = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction)).choices[name]
        parts.append(f"## shipworthy {name}\n\n```text\n{command.format_help()}```\n")
    return "\n".join(parts)


def checks() -> str:
    """Every check with its statement, and what the newest version of each rubric takes for it."""
    rubrics = [load_rubric(name, RUBRICS) for name in rubric_ids()]
    prices = _prices(rubrics)
    parts = [NOTE, "# Checks\n"]
    parts.append(
        "A check is a statement that is true of good code; it ends as pass, fail, not applicable or unknown."
    )
    parts.append(
        "A run is probed only for the checks that its rubric names. The last column says what a FAIL costs.\n"
    )
    for probe in all_probes():
        where = "runs the app in a sealed container" if probe.needs_lab else "reads the files"
        parts.append(f"## {probe.id} (version {probe.version}; {where})\n")
        parts.append("| check | is true of good code | costs |\n|---|---|---|")
        for check, statement in probe.checks.items():
            parts.append(f"| `{check}` | {statement} | {'; '.join(prices[check]) or 'nothing'} |")
        parts.append("")
    for rubric in rubrics:
        parts += [*_rubric(rubric), ""]
    return "\n".join(parts).rstrip("\n") + "\n"


def rubric_ids() -> list[str]:
    """Every rubric that has a version, sorted."""
    return sorted({path.parent.name for path in RUBRICS.glob("*/v*.yaml")})


def _prices(rubrics: list[Rubric]) -> dict[str, list[str]]:
    """What each check costs, with the rubric's name."""
    prices: dict[str, list[str]] = defaultdict(list)
    for rubric in rubrics:
        for dimension in rubric.dimensions:
            for deduction in dimension.deductions:
                for check in deduction.when.checks():
                    prices[check].append(f"{deduction.points:g} of {dimension.id} ({rubric.name})")
        for ceiling in rubric.ceilings:
            for check in ceiling.when.checks():
                prices[check].append(f"a total above {ceiling.max:g} ({rubric.name})")
    return prices


def _rubric(rubric: Rubric) -> Iterator[str]:
    yield f"# Rubric {rubric.name}: {rubric.title}\n"
    yield "| tier | from | means |\n|---|---|---|"
    for tier in rubric.tiers:
        yield f"| {tier.id} | {tier.at_least:g} | {tier.meaning} |"
    for dimension in rubric.dimensions:
        yield f"\n## {dimension.title} ({dimension.points:g})\n"
        yield "| points | when | why |\n|---|---|---|"
        for deduction in dimension.deductions:
            group = f" (worst of {deduction.group})" if deduction.group else ""
            yield f"| {deduction.points:g}{group} | {_words(deduction.when)} | {deduction.because} |"
    yield "\n## Ceilings\n\n| at most | when | why |\n|---|---|---|"
    for ceiling in rubric.ceilings:
        yield f"| {ceiling.max:g} | {_words(ceiling.when)} | {ceiling.because} |"


def _words(condition: Condition) -> str:
    if condition.fail is not None:
        return f"`{condition.fail}` fails"
    word = " and " if condition.all else " or "
    return word.join(_words(part) for part in (condition.all or condition.any or ()))


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
