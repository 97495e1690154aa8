"""A rubric as people read it: what each dimension is worth, what takes points, and what caps the total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from runner.core.records import Condition, Deduction, Dimension, GroupMode, Rubric


def render(rubric: Rubric, notes: Sequence[str], console: Console) -> None:
    """Print it; `notes` are what the loader reports of it."""
    for part in _parts(rubric):
        console.print(part)
    for note in notes:
        console.print(Text(f"Note: {note}"))


def rubric_json(rubric: Rubric, notes: Sequence[str]) -> dict[str, Any]:
    """The rubric as data, with its name, its digest and the notes."""
    return {
        "name": rubric.name,
        "digest": rubric.digest(),
        **rubric.model_dump(mode="json"),
        "notes": list(notes),
    }


def condition_words(condition: Condition, quote: str = "") -> str:
    """`a.b fails`, `a.b fails and c.d holds`; `quote` stands around each check id."""
    if condition.fail is not None:
        return f"{quote}{condition.fail}{quote} fails"
    if condition.check is not None:
        return f"{quote}{condition.check}{quote} {'holds' if condition.given else 'does not hold'}"
    word = " and " if condition.all else " or "
    parts = condition.all or condition.any or ()
    return word.join(_bracketed(part, quote) for part in parts)


def _bracketed(condition: Condition, quote: str) -> str:
    words = condition_words(condition, quote)
    return words if condition.check is not None else f"({words})"


def group_words(dimension: Dimension, deduction: Deduction) -> str:
    """How it counts beside others: `worst of store`, `adds up in ci_tools, at most 1`, or nothing."""
    if deduction.group is None:
        return ""
    group = dimension.group(deduction)
    if group.mode is GroupMode.EXCLUSIVE:
        return f"worst of {deduction.group}"
    most = "" if group.max is None else f", at most {group.max:g}"
    return f"adds up in {deduction.group}{most}"


def _parts(rubric: Rubric) -> Iterator[RenderableType]:
    yield Text(f"{rubric.name}: {rubric.title}", "bold")
    for tier in rubric.tiers:
        yield Text(f"  {tier.id} from {tier.at_least:g}: {tier.meaning}")
    for dimension in rubric.dimensions:
        yield Text(f"\n{dimension.title} ({dimension.id}), {dimension.points:g} points", "bold")
        yield _deductions(dimension)
    if rubric.ceilings:
        yield Text("\nCeilings of the total", "bold")
        table = _table("at most")
        for ceiling in rubric.ceilings:
            table.add_row(f"{ceiling.max:g}", _what(ceiling.id, ceiling.when, "", ceiling.because))
        yield table
    yield ""


def _deductions(dimension: Dimension) -> Table:
    table = _table("points")
    for deduction in dimension.deductions:
        group = group_words(dimension, deduction)
        table.add_row(f"-{deduction.points:g}", _what(deduction.id, deduction.when, group, deduction.because))
    return table


def _table(first: str) -> Table:
    table = Table(first, "what for", box=None)
    table.columns[0].justify = "right"
    table.columns[0].no_wrap = True
    return table


def _what(id: str, when: Condition, group: str, because: str) -> Text:
    """Id and group, the condition, the reason; each on a line."""
    heading = f"{id} ({group})" if group else id
    return Text.assemble((heading, "bold"), "\n", (f"when {condition_words(when)}", "dim"), "\n", because)
