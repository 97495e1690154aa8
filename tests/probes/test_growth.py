"""Reading a repository takes work in proportion to its size: counted in function calls, not in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks.probes import DEMOS, grown, probed


def function_calls(work: Callable[[], object]) -> int:
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_four_times_the_files_are_four_times_the_work() -> None:
    small, large = (grown(DEMOS / "a/files", files) for files in (70, 280))
    probed(grown(DEMOS / "a/files", 70))  # what is made once a process is not to be counted
    once, more = function_calls(lambda: probed(small)), function_calls(lambda: probed(large))
    assert more < 4.8 * once, f"{more / once:.1f} times the work for four times the files"
