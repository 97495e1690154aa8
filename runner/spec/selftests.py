"""Self-tests of rubrics: read from `rubrics/<id>/selftest/` and checked before anything is tried."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from pydantic import Field

from runner.core.records import Record, Rubric
from runner.core.selftest import Change, Reference, SelfTest
from runner.spec.documents import did_you_mean, parse, read_document, refuse


class _Mutations(Record):
    mutations: tuple[Change, ...] = Field(min_length=1)


class _Refactorings(Record):
    refactorings: tuple[Change, ...] = Field(min_length=1)


def load_selftest(folder: Path, rubric: Rubric, lab_probes: Collection[str]) -> SelfTest:
    """What `reference.yaml`, `mutations/*.yaml` and `refactorings/*.yaml` hold for a rubric's version.

    Raises SpecError naming file, entry and field: also for an id that is given twice, a deduction or ceiling
    that the rubric does not have, and a probe that no lab has.
    """
    reference = parse(Reference, read_document(folder / "reference.yaml"), folder / "reference.yaml")
    refuse([*_misplaced(folder, reference, rubric)], folder / "reference.yaml")
    sources = [(folder, rubric.version)]
    if reference.shares is not None:
        sources.append(((folder / reference.shares.folder).resolve(), reference.shares.version))
    mutations: list[Change] = []
    refactorings: list[Change] = []
    seen: dict[str, Path] = {}
    for source, version in sources:
        for path in sorted(source.glob("mutations/*.yaml")):
            every = parse(_Mutations, read_document(path), path).mutations
            found = _under(every, version)
            refuse([*_faults(every, "mutations", seen, path), *_unknown(found, rubric, lab_probes)], path)
            mutations += found
        for path in sorted(source.glob("refactorings/*.yaml")):
            every = parse(_Refactorings, read_document(path), path).refactorings
            refuse([*_faults(every, "refactorings", seen, path), *_priced(every)], path)
            refactorings += _under(every, version)
    return SelfTest(
        app=(folder / reference.app).resolve(),
        base=(folder / reference.base).resolve(),
        reference=reference,
        mutations=tuple(mutations),
        refactorings=tuple(refactorings),
    )


def _misplaced(folder: Path, reference: Reference, rubric: Rubric) -> Iterator[str]:
    if not (folder / reference.base).is_dir():
        yield f"base: there is no folder {(folder / reference.base).resolve()}"
    if reference.shares is not None and not (folder / reference.shares.folder).is_dir():
        yield f"shares.folder: there is no folder {(folder / reference.shares.folder).resolve()}"
    if rubric.version < reference.since:
        yield f"since: is {reference.since}, so {rubric.name} has no self-test"


def _under(changes: Collection[Change], version: int) -> list[Change]:
    """Those that belong to a version, as they are for it."""
    return [chosen for change in changes if (chosen := change.under(version)) is not None]


def _faults(changes: Collection[Change], field: str, seen: dict[str, Path], path: Path) -> Iterator[str]:
    for n, change in enumerate(changes):
        if change.id in seen:
            yield f"{field}[{n}].id: {change.id!r} is given twice, before in {seen[change.id].name}"
        seen[change.id] = path
        if dead := [version for version in change.expect_since if version <= change.since]:
            yield f"{field}.{change.id}.expect_since: {dead[0]} is not above `since`; say it under expect"


def _priced(refactorings: Collection[Change]) -> Iterator[str]:
    for change in refactorings:
        if change.expect.deductions or change.expect.ceilings or change.expect_since:
            yield f"refactorings.{change.id}.expect: a refactoring costs nothing"


def _unknown(mutations: Collection[Change], rubric: Rubric, lab_probes: Collection[str]) -> Iterator[str]:
    known = {
        "expect.deductions": {d.id for dimension in rubric.dimensions for d in dimension.deductions},
        "expect.ceilings": {ceiling.id for ceiling in rubric.ceilings},
        "lab": set(lab_probes),
    }
    for change in mutations:
        given = (change.expect.deductions, change.expect.ceilings, change.lab)
        for (field, ids), written in zip(known.items(), given, strict=True):
            for id in written:
                if id not in ids:
                    yield f"mutations.{change.id}.{field}: unknown {id!r}{did_you_mean(id, ids)}"
        if not change.expect.deductions and not change.expect.ceilings:
            yield f"mutations.{change.id}.expect: a mutation costs something; name it"
