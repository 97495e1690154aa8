"""What a running app did wrong counts only if it does it again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Set

from runner.core.records import Finding, Outcome

ALONE, SHARED = 2, 3


async def confirmed(attempt: Callable[[int], Awaitable[list[Finding]]], tries: int = ALONE) -> list[Finding]:
    """The findings of the first try; with a FAIL in it, those that a second, fresh one agrees with.

    `attempt` gets the number of the try, from 1. Where the two differ, the finding is UNKNOWN. With three
    `tries`, for a first one in an app that others used before, a third then tells whether the second was
    right. With one, which only tests want, nothing is confirmed.
    """
    first = await attempt(1)
    if tries < ALONE or all(finding.outcome is not Outcome.FAIL for finding in first):
        return first
    second = await attempt(2)
    pairs = list(zip(first, second, strict=True))
    if tries < SHARED or all(one.outcome is other.outcome for one, other in pairs):
        return [_agreed(one, other) for one, other in pairs]
    third = await attempt(3)
    return [
        one if one.outcome is other.outcome else _agreed(other, last)
        for (one, other), last in zip(pairs, third, strict=True)
    ]


async def confirmed_in_part(
    attempt: Callable[[int, Set[str]], Awaitable[list[Finding]]], checks: Iterable[str], tries: int = ALONE
) -> list[Finding]:
    """As `confirmed`; later tries are told which checks failed, and what they say of others is not heard."""
    first: dict[str, Finding] = {}

    async def whole(number: int) -> list[Finding]:
        failed = {check for check, finding in first.items() if finding.outcome is Outcome.FAIL}
        found = await attempt(number, failed or set(checks))
        if number == 1:
            first.update({finding.check: finding for finding in found})
        return [
            finding if number == 1 or finding.check in failed else first[finding.check] for finding in found
        ]

    return await confirmed(whole, tries)


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
