"""Runs jobs side by side in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from runner.core.protocols import Job, Result


class LocalExecutor:
    """At most `width` jobs at once; see the Executor protocol."""

    def __init__(self, width: int) -> None:
        self._width = width

    async def map(
        self, work: Callable[[Job], Awaitable[Result]], jobs: Iterable[Job]
    ) -> AsyncIterator[Result]:
        """Results in the order of completion; the first error cancels the rest and is raised."""
        free = asyncio.Semaphore(self._width)

        async def bounded(job: Job) -> Result:
            async with free:
                return await work(job)

        tasks = [asyncio.create_task(bounded(job)) for job in jobs]
        try:
            for task in asyncio.as_completed(tasks):
                yield await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
