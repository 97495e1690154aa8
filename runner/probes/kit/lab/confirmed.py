"""What a running app did wrong counts only if it does it again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from runner.core.records import Finding, Outcome


async def confirmed(attempt: Callable[[int], Awaitable[list[Finding]]]) -> list[Finding]:
    """The findings of the first try; with a FAIL in it, those that a second, fresh one agrees with.

    `attempt` gets the number of the try, 1 or 2. Where the two differ, the finding is UNKNOWN.
    """
    first = await attempt(1)
    if all(finding.outcome is not Outcome.FAIL for finding in first):
        return first
    second = await attempt(2)
    return [_agreed(one, other) for one, other in zip(first, second, strict=True)]


def _agreed(one: Finding, other: Finding) -> Finding:
    if one.outcome is other.outcome:
        return one
    return Finding(
        check=one.check,
        outcome=Outcome.UNKNOWN,
        message=f"two tries disagree. First: {one.outcome}, {one.message} "
        f"Second: {other.outcome}, {other.message}",
        values={"first": str(one.outcome), "second": str(other.outcome)},
    )
