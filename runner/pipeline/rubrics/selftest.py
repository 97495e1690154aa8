"""A rubric's self-test: its reference application is changed in many ways, and each change graded.

Probes that only read run in processes of their own, one a core. What a lab would find costs nothing unless a
change names lab probes and there is a laboratory.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from runner.core.errors import SpecError, UserError
from runner.core.protocols import Probe, SandboxSpec, Subject
from runner.core.records import AppliedDeduction, Evidence, Finding, Outcome, Rubric, Score
from runner.core.selftest import Change, ChangeOutcome, SelfTest, SelfTestResult
from runner.core.tree import SourceFile, SourceTree
from runner.pipeline.grading.evidence import Laboratory, all_probes, probes_for
from runner.pipeline.rubrics.edits import Files, changed, edited, executable, read_folders, tree_of
from runner.pipeline.settings import Settings
from runner.sandbox.recipes import MANIFESTS
from runner.scoring.evaluate import evaluate
from runner.spec.rubrics import rubric_path
from runner.spec.selftests import load_selftest

REFERENCE = "reference"
FEW = 20
MAX_IMAGE_FILE = 5_000_000
Done = Callable[[ChangeOutcome], None]


@dataclass(frozen=True)
class _Trial:
    """One change with the files that it leaves."""

    kind: str
    change: Change
    files: Files

    @property
    def needs_lab(self) -> bool:
        return bool(self.change.lab)


def get_selftest(rubric: Rubric, reference: str, settings: Settings) -> SelfTest:
    """The self-test beside a rubric's file. Raises UserError if it has none, SpecError as `load_selftest`."""
    folder = rubric_path(reference, settings.rubrics).parent / "selftest"
    if not (folder / "reference.yaml").is_file():
        raise UserError(f"rubric {rubric.name} has no self-test; it would lie in {folder}")
    return load_selftest(folder, rubric, [probe.id for probe in _lab_probes(rubric)])


async def run_selftest(
    rubric: Rubric,
    selftest: SelfTest,
    settings: Settings,
    laboratory: Laboratory | None,
    done: Done = lambda outcome: None,
    only: Collection[str] = (),
) -> SelfTestResult:
    """Try every change (or `only` some, by id); `done` hears of each outcome as it comes.

    Raises SpecError if an edit does not fit the reference, before anything is tried.
    """
    started = time.monotonic()
    trials = _trials(selftest, rubric, only, laboratory is not None)
    bench = _Bench(rubric, settings.root / "sandboxes" / selftest.reference.sandbox / MANIFESTS, done)
    reading = [trial for trial in trials if not trial.needs_lab]
    outcomes = await bench.read(reading)
    if laboratory is not None:
        extra = await _image_files(selftest, laboratory)
        outcomes += await bench.run([t for t in trials if t.needs_lab], selftest, laboratory, extra)
    order = {trial.change.id: n for n, trial in enumerate(trials)}
    outcomes.sort(key=lambda outcome: order[outcome.change.id])
    return _result(rubric, outcomes, laboratory is not None, bool(only), time.monotonic() - started)


def _trials(selftest: SelfTest, rubric: Rubric, only: Collection[str], lab: bool) -> list[_Trial]:
    reference = selftest.reference
    files = edited(read_folders(selftest.app, selftest.base), "reference", reference.edits)
    files = executable(files, reference.executable)
    names = tuple(probe.id for probe in _lab_probes(rubric)) if lab else ()
    good = Change(id=REFERENCE, does="the reference application as it is", lab=names)
    trials = [_Trial(REFERENCE, good, files), *_changed_trials(selftest, files)]
    if unknown := set(only) - {trial.change.id for trial in trials}:
        raise UserError(f"the self-test has no change named {', '.join(sorted(unknown))}")
    chosen = [trial for trial in trials if not only or trial.change.id in only]
    return [trial for trial in chosen if lab or not trial.needs_lab]


def _changed_trials(selftest: SelfTest, files: Files) -> list[_Trial]:
    """Every change made; all that do not fit are named at once."""
    trials, faults = [], []
    for kind, changes in (("mutation", selftest.mutations), ("refactoring", selftest.refactorings)):
        for change in changes:
            try:
                trials.append(_Trial(kind, change, changed(files, change)))
            except SpecError as error:
                faults.append(str(error))
    if faults:
        raise SpecError("\n".join(faults))
    return trials


class _Bench:
    """Grades changed trees."""

    def __init__(self, rubric: Rubric, manifests: Path, done: Done) -> None:
        self._rubric = rubric
        self._manifests = manifests
        self._done = done
        self._static = [probe.id for probe in probes_for(rubric.checks()) if not probe.needs_lab]
        self._lab = _lab_probes(rubric)

    async def read(self, trials: Sequence[_Trial]) -> list[ChangeOutcome]:
        """Grade by what the files say."""
        async with _workers(len(trials)) as pool:

            async def grade(trial: _Trial) -> ChangeOutcome:
                return self._graded(trial, await self._findings(pool, trial, trial.files), ())

            return list(await asyncio.gather(*map(grade, trials)))

    async def run(
        self, trials: Sequence[_Trial], selftest: SelfTest, laboratory: Laboratory, extra: Files
    ) -> list[ChangeOutcome]:
        """Grade by what the files say and what the lab finds, one after the other: a lab uses all cores."""
        outcomes = []
        async with _workers(len(trials)) as pool:
            for trial in trials:
                tree = tree_of({**extra, **trial.files})
                subject = replace(
                    Subject(tree=tree, run=f"selftest/{trial.change.id}", manifests=self._manifests),
                    backend=laboratory.backend,
                    image=laboratory.images[selftest.reference.sandbox],
                    helper_image=laboratory.helper,
                    workshop=laboratory.workshop,
                )
                wanted = [probe for probe in self._lab if probe.id in trial.change.lab]
                found = [finding for probe in wanted for finding in await probe.run(subject)]
                read = await self._findings(pool, trial, tree.files)
                outcomes.append(self._graded(trial, read, found))
        return outcomes

    async def _findings(self, pool: Executor, trial: _Trial, files: Files) -> list[Finding]:
        loop = asyncio.get_running_loop()
        tree = tree_of(files)
        found, crash = await loop.run_in_executor(pool, _read, self._static, tree, self._manifests)
        if crash is not None:
            raise SpecError(f"{trial.change.id}: a probe crashed (our bug): {crash}")
        return found

    def _graded(self, trial: _Trial, read: Sequence[Finding], ran: Sequence[Finding]) -> ChangeOutcome:
        have = {finding.check for finding in ran}
        assumed = [
            Finding(check=check, outcome=Outcome.NOT_APPLICABLE, message="no lab: nothing is charged by it")
            for probe in self._lab
            for check in probe.checks
            if check not in have
        ]
        evidence = Evidence(
            tree="-", probe="selftest", version=1, environment="-", findings=(*read, *ran, *assumed)
        )
        outcome = _outcome(trial, evaluate(self._rubric, trial.change.id, [evidence]))
        self._done(outcome)
        return outcome


def _outcome(trial: _Trial, score: Score) -> ChangeOutcome:
    charged = [d for dimension in score.dimensions for d in dimension.applied] + list(score.ceilings)
    undecided = [d for dimension in score.dimensions for d in dimension.unknown]
    reasons = {d.id: _reason(d) for d in [*charged, *undecided]}
    ids = [d.id for d in charged] + [f"{d.id}?" for d in undecided]
    return ChangeOutcome(
        change=trial.change,
        kind=trial.kind,
        charged=tuple(ids),
        because=reasons,
        low=score.low,
        high=score.high,
    )


def _reason(applied: AppliedDeduction) -> str:
    places = [f"{p.path}:{p.line or 1}" for f in applied.findings for p in f.locations[:2]]
    return "; ".join([*(f.message for f in applied.findings), *places])


def _result(
    rubric: Rubric, outcomes: Sequence[ChangeOutcome], lab: bool, partial: bool, wall_s: float
) -> SelfTestResult:
    taken = {id for o in outcomes if o.kind == "mutation" and o.verdict == "killed" for id in o.expected}
    every = [d.id for dimension in rubric.dimensions for d in dimension.deductions]
    every += [ceiling.id for ceiling in rubric.ceilings]
    needs_lab = () if lab else tuple(id for id in _only_by_lab(rubric) if id not in taken)
    return SelfTestResult(
        rubric=rubric.name,
        outcomes=tuple(outcomes),
        exercised=tuple(id for id in every if id in taken),
        unexercised=tuple(id for id in every if id not in taken and id not in needs_lab),
        needs_lab=needs_lab,
        partial=partial,
        wall_s=wall_s,
    )


def _only_by_lab(rubric: Rubric) -> list[str]:
    """Deductions and ceilings of which every check belongs to a lab probe."""
    lab = {check for probe in _lab_probes(rubric) for check in probe.checks}
    rules = [(d.id, d.when) for dimension in rubric.dimensions for d in dimension.deductions]
    rules += [(ceiling.id, ceiling.when) for ceiling in rubric.ceilings]
    return [id for id, when in rules if when.charged() <= lab]


def _lab_probes(rubric: Rubric) -> list[Probe]:
    return [probe for probe in probes_for(rubric.checks()) if probe.needs_lab]


async def _image_files(selftest: SelfTest, laboratory: Laboratory) -> Files:
    """What the reference takes from its sandbox's image."""
    wanted = selftest.reference.from_image
    image = laboratory.images[selftest.reference.sandbox]
    files: Files = {}
    spec = SandboxSpec(image=image, run="selftest/reference", purpose="grade")
    with tempfile.TemporaryDirectory() as folder:
        async with laboratory.backend.open(spec) as sandbox:
            for path, source in wanted.items():
                copy = Path(folder, "file")
                await sandbox.get(source, copy, MAX_IMAGE_FILE)
                files[path] = SourceFile(path, 0o100644, await asyncio.to_thread(copy.read_bytes))
    return files


# --- the workers -------------------------------------------------------------------------------


@asynccontextmanager
async def _workers(trials: int) -> AsyncIterator[Executor]:
    """Fresh interpreters (a fork would copy threads and sockets), one a core; for few trials a thread."""
    pool: Executor = ThreadPoolExecutor(1)
    if trials > FEW:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(os.cpu_count() or 1, context, initializer=_ignore_interrupts)
    try:
        yield pool
    finally:
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches the whole process group; the parent ends its workers in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read(probes: Sequence[str], tree: SourceTree, manifests: Path) -> tuple[list[Finding], str | None]:
    """What probes that only read find in a tree, or how one crashed."""
    subject = Subject(tree=tree, run="selftest", manifests=manifests)
    found: list[Finding] = []
    for probe in (probe for probe in all_probes() if probe.id in probes):
        try:
            found += asyncio.run(probe.run(subject))
        except Exception as error:
            return [], f"{probe.id}: {type(error).__name__}: {error}"
    return found, None
