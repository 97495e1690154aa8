"""What each check means: its documentation beside the probe, and what it costs under the rubrics in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from runner import probes
from runner.core.errors import SpecError, UserError
from runner.core.protocols import Probe
from runner.core.records import Record, Rubric
from runner.pipeline.grading.evidence import all_checks, all_probes
from runner.pipeline.settings import Settings
from runner.spec.documents import did_you_mean, parse, read_document
from runner.spec.rubrics import load_rubric
from runner.spec.tasks import load_task, task_ids

DOCS = Path(probes.__path__[0]) / "docs"


class CheckDoc(Record):
    """Why a check matters, how it is decided, what leaves it UNKNOWN, and an example of either kind."""

    why: str = Field(min_length=1)
    how: str = Field(min_length=1)
    unknown: str = Field(min_length=1)
    good: str = Field(min_length=1)
    bad: str = Field(min_length=1)


class _ProbeDoc(Record):
    checks: dict[str, CheckDoc]


@dataclass(frozen=True)
class Cost:
    """What a FAIL takes: `points` of a dimension, or all above `ceiling`; the other fields are None."""

    rubric: str
    id: str
    dimension: str | None = None
    points: float | None = None
    ceiling: float | None = None

    def __str__(self) -> str:
        if self.points is not None:
            return f"{self.points:g} of {self.dimension} ({self.rubric})"
        return f"a total above {self.ceiling:g} ({self.rubric})"


@dataclass(frozen=True)
class Explanation:
    """All there is to say about one check."""

    check: str
    statement: str
    probe: Probe
    doc: CheckDoc
    costs: tuple[Cost, ...]

    def document(self) -> dict[str, Any]:
        """As plain data, under names that stay."""
        return {
            "check": self.check,
            "statement": self.statement,
            "probe": self.probe.id,
            "probe_version": self.probe.version,
            "needs_lab": self.probe.needs_lab,
            **self.doc.model_dump(),
            "costs": [asdict(cost) for cost in self.costs],
        }


def means(probe: Probe) -> str:
    """How a probe gets to know things."""
    return "runs the app in a sealed container" if probe.needs_lab else "reads the files"


def documentation(probe: Probe, folder: Path = DOCS) -> dict[str, CheckDoc]:
    """A probe's texts by check id. Raises SpecError unless each of its checks has one, and nothing else."""
    path = folder / f"{probe.id}.yaml"
    docs = parse(_ProbeDoc, {"checks": read_document(path)}, path).checks
    found = {f"{probe.id}.{name}": doc for name, doc in docs.items()}
    faults = [f"{path}: {check}: is missing" for check in probe.checks if check not in found]
    faults += [
        f"{path}: {check}: the probe has no such check" for check in found if check not in probe.checks
    ]
    if faults:
        raise SpecError("\n".join(faults))
    return found


def rubrics_in_force(settings: Settings) -> list[Rubric]:
    """The newest version of each rubric that a task is graded by."""
    names = {load_task(task, settings.tasks).rubric.partition("@")[0] for task in task_ids(settings.tasks)}
    return [load_rubric(name, settings.rubrics) for name in sorted(names)]


def costs_by_check(rubrics: Sequence[Rubric]) -> dict[str, list[Cost]]:
    """What each check can cost, in the rubrics' order."""
    costs: dict[str, list[Cost]] = defaultdict(list)
    for rubric in rubrics:
        for checks, cost in _costs(rubric):
            for check in checks:
                costs[check].append(cost)
    return costs


def _costs(rubric: Rubric) -> Iterator[tuple[frozenset[str], Cost]]:
    for dimension in rubric.dimensions:
        for deduction in dimension.deductions:
            cost = Cost(rubric.name, deduction.id, dimension=dimension.id, points=deduction.points)
            yield deduction.when.charged(), cost
    for ceiling in rubric.ceilings:
        yield ceiling.when.charged(), Cost(rubric.name, ceiling.id, ceiling=ceiling.max)


def explanations(rubrics: Sequence[Rubric], checks: Sequence[str] | None = None) -> list[Explanation]:
    """All checks (or these), by probe."""
    costs = costs_by_check(rubrics)
    found = []
    for probe in all_probes():
        wanted = [check for check in probe.checks if checks is None or check in checks]
        docs = documentation(probe) if wanted else {}
        for check in wanted:
            told = Explanation(check, probe.checks[check], probe, docs[check], tuple(costs[check]))
            found.append(told)
    return found


def explain(check: str, settings: Settings) -> Explanation:
    """Raises UserError with the likely names if there is no such check."""
    if check not in all_checks():
        raise UserError(f"unknown check {check!r}{_likely(check)}")
    (told,) = explanations(rubrics_in_force(settings), [check])
    return told


def _likely(name: str) -> str:
    """The checks that are meant by half a name, else the nearest one."""
    known = all_checks()
    halves = [check for check in known if name in check.split(".")]
    if halves:
        return f"; did you mean {' or '.join(halves)}?"
    return did_you_mean(name, known) or "; shipworthy explain lists them all"
