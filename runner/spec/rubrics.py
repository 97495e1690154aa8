"""Rubrics: found by name or path, read from YAML, and checked before anything is graded by them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.core.errors import SpecError
from runner.core.records import Condition, Deduction, Dimension, Group, GroupMode, Rubric
from runner.spec.documents import did_you_mean, parse, read_document, refuse

TOTAL_POINTS = 100

_NAME = re.compile(r"(?P<id>[a-z][a-z0-9_]*)(@(?P<version>[1-9][0-9]*))?")
_VERSION_FILE = re.compile(r"v(?P<version>[1-9][0-9]*)\.yaml")
_CHECK = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


def rubric_path(reference: str, folder: Path) -> Path:
    """The file of `rails_chat@2`, `rails_chat` (its newest version) or a path to a YAML file.

    Raises SpecError if there is no such rubric below `folder`.
    """
    if reference.endswith((".yaml", ".yml")):
        return Path(reference)
    released = _released(folder)
    if match := _NAME.fullmatch(reference):
        versions = [version for id, version in released if id == match["id"]]
        wanted = int(match["version"]) if match["version"] else max(versions, default=0)
        if wanted in versions:
            return folder / match["id"] / f"v{wanted}.yaml"
    known = [f"{id}@{version}" for id, version in released]
    listed = f"; known: {', '.join(known) or f'none in {folder}'} (or the path of a .yaml file)"
    raise SpecError(f"unknown rubric {reference!r}{did_you_mean(reference, known) or listed}")


def _released(folder: Path) -> list[tuple[str, int]]:
    """Sorted (rubric id, version) of each `<id>/v<N>.yaml`."""
    names = ((path.parent.name, _VERSION_FILE.fullmatch(path.name)) for path in folder.glob("*/v*.yaml"))
    return sorted((id, int(match["version"])) for id, match in names if match)


def load_rubric(reference: str, folder: Path) -> Rubric:
    """The rubric `reference` names (see `rubric_path`). Raises SpecError naming file and field."""
    path = rubric_path(reference, folder)
    rubric = parse(Rubric, read_document(path), path)
    faults = [*_misnamed(rubric, path, released=path.parent.parent == folder), *_faults(rubric)]
    refuse(faults, str(path))
    return rubric


def validate(rubric: Rubric, known_checks: Collection[str], source: str | Path | None = None) -> None:
    """Raise SpecError if it names a check no probe has; `source` is its file, for the message."""
    faults = [
        f"{field}: unknown check {check!r}{did_you_mean(check, known_checks)}"
        for field, condition in _conditions(rubric)
        for check in sorted(condition.checks() - frozenset(known_checks))
    ]
    refuse(faults, str(source or rubric.name))


def rubric_notes(rubric: Rubric) -> list[str]:
    """What whoever grades by it should know: each check that costs points twice, and the reason given."""
    return [
        f"check {again.check!r} costs points in {again.place} and again in {again.home.id}."
        f"{again.deduction.id}: {again.deduction.twice}"
        for again in _charged_again(rubric)
        if again.deduction.twice
    ]


def rubric_ids(folder: Path) -> list[str]:
    """Every rubric that has a version, sorted."""
    return sorted({id for id, _ in _released(folder)})


def _conditions(rubric: Rubric) -> Iterator[tuple[str, Condition]]:
    """Each condition with the path of its field."""
    for field, _, deduction in _deductions(rubric):
        yield f"{field}.when", deduction.when
    for n, ceiling in enumerate(rubric.ceilings):
        yield f"ceilings[{n}].when", ceiling.when


def _misnamed(rubric: Rubric, path: Path, released: bool) -> Iterator[str]:
    """A version's file must be named after it, and lie in its rubric's folder if it is released."""
    match = _VERSION_FILE.fullmatch(path.name)
    if match and int(match["version"]) != rubric.version:
        yield f"version: is {rubric.version}, but the file is named {path.name}"
    if released and path.parent.name != rubric.id:
        yield f"id: is {rubric.id!r}, but the folder is named {path.parent.name!r}"


def _faults(rubric: Rubric) -> Iterator[str]:
    yield from _repeated("dimensions", [d.id for d in rubric.dimensions])
    yield from _repeated("ceilings", [c.id for c in rubric.ceilings])
    yield from _repeated("tiers", [t.id for t in rubric.tiers])
    for field, condition in _conditions(rubric):
        yield from _condition_faults(field, condition)
        if not condition.charged():
            yield f"{field}: names no check whose failure costs; `given` and `unless` only narrow an `all`"
    total = round(sum(d.points for d in rubric.dimensions), 6)
    if total != TOTAL_POINTS:
        yield f"dimensions: their points add up to {total:g}, not {TOTAL_POINTS}"
    for n, dimension in enumerate(rubric.dimensions):
        yield from _dimension_faults(f"dimensions[{n}].deductions", dimension)
        for name, group in dimension.groups.items():
            yield from _group_faults(f"dimensions[{n}].groups.{name}", dimension, name, group)
    for n, ceiling in enumerate(rubric.ceilings):
        if ceiling.max >= TOTAL_POINTS:
            yield f"ceilings[{n}].max: {ceiling.max:g} caps nothing; it should be below {TOTAL_POINTS}"
    yield from _tier_faults([t.at_least for t in rubric.tiers])
    yield from _charged_twice(rubric)


def _repeated(field: str, ids: Sequence[str]) -> Iterator[str]:
    for n, id in enumerate(ids):
        if id in ids[:n]:
            yield f"{field}[{n}].id: {id!r} is given twice"


def _condition_faults(field: str, condition: Condition) -> Iterator[str]:
    if condition.check is not None:
        if not _CHECK.fullmatch(condition.check):
            yield f"{field}: {condition.check!r} is not a check id; one reads area.statement"
        return
    name = "all" if condition.all is not None else "any"
    parts = condition.all or condition.any or ()
    if not parts:
        yield f"{field}.{name}: is empty"
    for n, part in enumerate(parts):
        yield from _condition_faults(f"{field}.{name}[{n}]", part)


def _dimension_faults(field: str, dimension: Dimension) -> Iterator[str]:
    yield from _repeated(field, [d.id for d in dimension.deductions])
    members = Counter(d.group for d in dimension.deductions)
    for n, deduction in enumerate(dimension.deductions):
        if deduction.points > dimension.points:
            yield f"{field}[{n}].points: {deduction.points:g}, but the dimension has {dimension.points:g}"
        if deduction.group is not None and members[deduction.group] == 1:
            yield f"{field}[{n}].group: nothing else is in group {deduction.group!r}; is it misspelt?"


def _group_faults(field: str, dimension: Dimension, name: str, group: Group) -> Iterator[str]:
    members = [d for d in dimension.deductions if d.group == name]
    if not members:
        yield f"{field}: no deduction is in it; is it misspelt?"
    elif group.max is not None and group.mode is GroupMode.EXCLUSIVE:
        yield f"{field}.max: only the worst of an exclusive group counts; give max to an additive one"
    elif group.max is not None:
        worst, total = max(d.points for d in members), round(sum(d.points for d in members), 6)
        if group.max < worst:
            yield f"{field}.max: {group.max:g}, but one member alone has {worst:g}"
        if group.max >= total:
            yield f"{field}.max: {group.max:g} caps nothing; its members add up to {total:g}"


def _tier_faults(floors: Sequence[float]) -> Iterator[str]:
    for n in range(1, len(floors)):
        if floors[n] >= floors[n - 1]:
            yield f"tiers[{n}].at_least: {floors[n]:g} is not below the tier before it; put the best first"
    if floors[-1] != 0:
        yield f"tiers[{len(floors) - 1}].at_least: the last tier should begin at 0, not {floors[-1]:g}"


@dataclass(frozen=True)
class _Again:
    """A check that a deduction names although it can cost points at `place` (field `before`) already."""

    field: str
    check: str
    home: Dimension
    deduction: Deduction
    before: str
    place: str


def _charged_twice(rubric: Rubric) -> Iterator[str]:
    """One fact costs once, unless the deduction that takes more says why. Ceilings take no points."""
    again = list(_charged_again(rubric))
    for one in again:
        if one.deduction.twice is None:
            yield (
                f"{one.field}.when: check {one.check!r} already costs points at {one.before};"
                " give both one group, or say why under `twice`"
            )
    charged = {one.field for one in again}
    for field, _, deduction in _deductions(rubric):
        if deduction.twice is not None and field not in charged:
            yield f"{field}.twice: none of its checks costs points before; give the reason at the later one"


def _charged_again(rubric: Rubric) -> Iterator[_Again]:
    """Every check beyond its first deduction, but for those that share an exclusive group."""
    first: dict[str, tuple[str, Dimension, Deduction]] = {}
    for field, dimension, deduction in _deductions(rubric):
        for check in sorted(deduction.when.charged()):
            before, home, other = first.setdefault(check, (field, dimension, deduction))
            shared = home is dimension and deduction.group is not None and other.group == deduction.group
            exclusive = shared and dimension.group(deduction).mode is GroupMode.EXCLUSIVE
            if other is not deduction and not exclusive:
                yield _Again(field, check, dimension, deduction, before, f"{home.id}.{other.id}")


def _deductions(rubric: Rubric) -> Iterator[tuple[str, Dimension, Deduction]]:
    """Each deduction with the path of its field and its dimension."""
    for d, dimension in enumerate(rubric.dimensions):
        for n, deduction in enumerate(dimension.deductions):
            yield f"dimensions[{d}].deductions[{n}]", dimension, deduction
