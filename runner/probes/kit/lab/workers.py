"""The processes of an app that serve requests, and which of them did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from runner.probes.kit.lab.lab import Lab

LEAST_S = 0.003

# Time on the CPU of all threads of each process whose command line begins so, in nanoseconds.
_ASK = """
for process in /proc/[0-9]*; do
  tr '\\0' ' ' < "$process/cmdline" | grep -q "^$0" || continue
  echo "${process#/proc/} $(cat "$process"/task/*/schedstat | awk '{ spent += $1 } END { print spent }')"
done 2>/dev/null
"""


async def seconds_on_cpu(lab: Lab) -> dict[int, float]:
    """By process. What the app's own sandbox tells; nothing where it tells nothing."""
    result = await lab.execute(["sh", "-c", _ASK, lab.app.recipe.worker], timeout_s=20)
    pairs = (line.split() for line in result.stdout.decode("utf-8", "replace").splitlines())
    return {
        int(p[0]): int(p[1]) / 1e9 for p in pairs if len(p) == 2 and p[0].isdecimal() and p[1].isdecimal()
    }


@asynccontextmanager
async def only(lab: Lab, worker: int, workers: Collection[int]) -> AsyncIterator[None]:
    """All other workers are stopped meanwhile, so that a new connection comes to this one."""
    others = [str(number) for number in workers if number != worker]
    await lab.execute(["sh", "-c", 'kill -STOP "$@"', "kill", *others], timeout_s=20)
    try:
        yield
    finally:
        await lab.execute(["sh", "-c", 'kill -CONT "$@"', "kill", *others], timeout_s=20)


def busy(before: Mapping[int, float], after: Mapping[int, float]) -> int:
    """How many of them worked in between."""
    return sum(spent - before[number] > LEAST_S for number, spent in after.items() if number in before)
