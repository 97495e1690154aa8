"""Running asynchronous work so that Ctrl-C and SIGTERM end it in order, once, however often they come."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from runner.core.errors import Interrupted

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Its result. Raises Interrupted after the first signal, when containers are gone and attempts sealed."""
    try:
        return asyncio.run(_watched(work))
    except asyncio.CancelledError:  # what asyncio.run makes of a signal before the work began
        raise Interrupted("interrupted") from None


async def _watched(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if not stopped:
            print("stopping: containers are removed and the attempt is sealed ...", file=sys.stderr)
            task.cancel()
        stopped = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        raise Interrupted("interrupted") from None
