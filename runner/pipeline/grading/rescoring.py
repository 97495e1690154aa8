"""Many runs scored again from evidence that is there: arithmetic, on every core where that pays.

What is done is kept as it goes, a batch of scores with one write, and what is kept is not computed again:
after an interrupt, the same call goes on.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeAlias, TypeVar

from runner.core.records import Rubric, Run, Score
from runner.core.rescored import Points, Rescored
from runner.pipeline.archives import Archive, open_archive
from runner.pipeline.grading.grader import Graded, Grader
from runner.pipeline.settings import Settings

Done = Callable[[int], None]
Made = TypeVar("Made")
Make: TypeAlias = Callable[[Archive, tuple[Graded, ...]], Made]
CHUNK = 100
PAYS_FROM = 3_000  # runs; below, processes take longer to start than they save


@dataclass(frozen=True)
class Work:
    """Which rubrics runs are scored under; what is only `tried` leaves no scores behind."""

    settings: Settings
    rubrics: tuple[Rubric, ...]
    tried: frozenset[str] = frozenset()  # digests


def rescore(work: Work, runs: Sequence[Run], done: Done, jobs: int | None = None) -> list[list[Graded]]:
    """Each rubric's results in the order of the runs; `done` is told how many more runs are finished.

    No containers: what a lab probe has not found yet is unknown.
    """
    results = rescored(work, runs, done, _as_it_is, jobs)
    return [[graded[rubric] for graded in results] for rubric in range(len(work.rubrics))]


def rescored_in_short(work: Work, runs: Sequence[Run], done: Done, jobs: int | None = None) -> list[Rescored]:
    """What became of each run under the one rubric; no score is held for longer than it is needed."""
    return rescored(work, runs, done, in_short, jobs)


def rescored(
    work: Work,
    runs: Sequence[Run],
    done: Done,
    make: Make[Made],
    jobs: int | None = None,
) -> list[Made]:
    """What `make` makes of each run's results under the rubrics, in the order of the runs.

    It is called where the run was scored, so that little need be carried between processes or held at once.
    """
    chunks = [runs[n : n + CHUNK] for n in range(0, len(runs), CHUNK)]
    jobs = jobs or (os.cpu_count() or 1 if len(runs) >= PAYS_FROM else 1)
    by_chunk: dict[int, list[Made]] = {}
    for number, results in _chunk_results(work, chunks, make, jobs):
        by_chunk[number] = results
        done(len(chunks[number]))
    return [made for number in range(len(chunks)) for made in by_chunk[number]]


def _chunk_results(
    work: Work, chunks: Sequence[Sequence[Run]], make: Make[Made], jobs: int
) -> Iterator[tuple[int, list[Made]]]:
    if jobs == 1:
        archive = open_archive(work.settings)
        yield from ((number, _chunk(work, archive, chunk, make)) for number, chunk in enumerate(chunks))
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, _leave_interrupts_to_the_parent)
    try:
        futures: dict[Future[list[Made]], int] = {
            pool.submit(_chunk, work, None, chunk, make): number for number, chunk in enumerate(chunks)
        }
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@lru_cache(maxsize=1)
def _archive_of_this_process(settings: Settings) -> Archive:
    """A worker's, opened once: it remembers which batches it has listed."""
    return open_archive(settings)


def _chunk(work: Work, archive: Archive | None, runs: Sequence[Run], make: Make[Made]) -> list[Made]:
    """When it returns, also by an interrupt, the scores are on the disk."""
    archive = archive or _archive_of_this_process(work.settings)
    new: list[list[Score]] = [[] for _ in work.rubrics]
    try:
        return asyncio.run(_graded(work, archive, runs, new, make))
    except asyncio.CancelledError:  # what asyncio.run makes of a Ctrl-C before the work began
        raise KeyboardInterrupt from None
    finally:
        for scores in new:
            archive.ledger.add_all(scores)


async def _graded(
    work: Work,
    archive: Archive,
    runs: Sequence[Run],
    new: list[list[Score]],
    make: Make[Made],
) -> list[Made]:
    graders = [
        Grader(
            archive, rubric, work.settings, None if rubric.digest() in work.tried else partial(_put, scores)
        )
        for rubric, scores in zip(work.rubrics, new, strict=True)
    ]
    made = []
    for run in runs:
        await asyncio.sleep(0)  # an interrupt is only noticed where something is waited for
        made.append(make(archive, tuple([await grader.grade(run, None, _quiet) for grader in graders])))
    return made


def _put(scores: list[Score], score: Score) -> None:
    scores.append(score)


def _quiet(event: object) -> None:
    """Progress is told by chunks."""


def _as_it_is(archive: Archive, graded: tuple[Graded, ...]) -> tuple[Graded, ...]:
    return graded


def in_short(archive: Archive, graded: tuple[Graded, ...]) -> Rescored:
    """A run under the one rubric, beside its newest score under another one or from other evidence."""
    (result,) = graded
    score = result.score
    if score is None:
        return Rescored(result.run.id, None, why_not=result.why_not, broken=result.broken)
    digests = score.rubric_digest, score.evidence_digest
    now = Points(score.rubric, score.low, score.high, score.tier, *digests)
    known = archive.ledger.points(result.run.id)
    others = [p for p in known if (p.rubric_digest, p.evidence_digest) != digests]
    before = others[-1] if others else None
    return Rescored(result.run.id, now, before, result.new, result.why_not, result.broken)
