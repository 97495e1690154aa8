"""Many runs scored again from evidence that is there: arithmetic, on every core where that pays.

What is done is kept as it goes, and what is kept is not computed again: after an interrupt, the same call
goes on.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial

from runner.archive.archive import Archive
from runner.core.records import Rubric, Run, Score
from runner.pipeline.grading import Graded, Grader
from runner.pipeline.settings import Settings
from runner.pipeline.workbench import open_archive

Done = Callable[[int], None]
CHUNK = 50
PAYS_FROM = 1_000  # runs; below, processes take longer to start than they save
WRITERS = 8  # waiting for the disk one after another would take longer than all the arithmetic


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
    chunks = [runs[n : n + CHUNK] for n in range(0, len(runs), CHUNK)]
    jobs = jobs or (os.cpu_count() or 1 if len(runs) >= PAYS_FROM else 1)
    by_chunk: dict[int, list[list[Graded]]] = {}
    for number, results in _chunk_results(work, chunks, jobs):
        by_chunk[number] = results
        done(len(chunks[number]))
    return [
        [graded for number in range(len(chunks)) for graded in by_chunk[number][rubric]]
        for rubric in range(len(work.rubrics))
    ]


def _chunk_results(
    work: Work, chunks: Sequence[Sequence[Run]], jobs: int
) -> Iterator[tuple[int, list[list[Graded]]]]:
    if jobs == 1:
        yield from ((number, _chunk(work, chunk)) for number, chunk in enumerate(chunks))
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, _leave_interrupts_to_the_parent)
    try:
        futures: dict[Future[list[list[Graded]]], int] = {
            pool.submit(_chunk, work, chunk): number for number, chunk in enumerate(chunks)
        }
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _chunk(work: Work, runs: Sequence[Run]) -> list[list[Graded]]:
    """Under each rubric; when it returns, the scores are on the disk."""
    archive = open_archive(work.settings)
    return [_under(work, archive, rubric, runs) for rubric in work.rubrics]


def _under(work: Work, archive: Archive, rubric: Rubric, runs: Sequence[Run]) -> list[Graded]:
    tried = rubric.digest() in work.tried
    with ThreadPoolExecutor(WRITERS) as writers:
        written: list[Future[bool]] = []
        keep = partial(_keep_later, writers, archive, written)
        grader = Grader(archive, rubric, work.settings, None if tried else keep)

        async def all_of_them() -> list[Graded]:
            return [await grader.grade(run, None, lambda event: None) for run in runs]

        results = asyncio.run(all_of_them())
        for future in written:
            future.result()  # raises what the writer ran into
    return results


def _keep_later(
    writers: ThreadPoolExecutor, archive: Archive, written: list[Future[bool]], score: Score
) -> None:
    written.append(writers.submit(archive.add_score, score))
