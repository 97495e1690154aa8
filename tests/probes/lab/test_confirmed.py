"""A FAIL counts when a second try agrees; a wait is as long as the machine is busy."""

from __future__ import annotations

from collections.abc import Set

import pytest

from runner.core.records import Finding, Outcome
from runner.probes.kit.lab.confirmed import ALONE, SHARED, confirmed, confirmed_in_part
from runner.probes.kit.lab.inside.slowness import slowness_at

PASS, FAIL, MOOT = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("tries", "wanted"),
    [
        ([[PASS, MOOT]], [PASS, MOOT]),
        ([[FAIL, MOOT], [FAIL, MOOT]], [FAIL, MOOT]),
        ([[FAIL, MOOT], [PASS, PASS]], [Outcome.UNKNOWN, Outcome.UNKNOWN]),
        ([[PASS, FAIL], [PASS, PASS]], [PASS, Outcome.UNKNOWN]),
        ([[FAIL, FAIL], [PASS, PASS], [PASS, FAIL]], [PASS, Outcome.UNKNOWN]),
        ([[PASS, FAIL], [FAIL, FAIL], [FAIL, PASS]], [FAIL, FAIL]),
    ],
)
async def test_tries(tries: list[list[Outcome]], wanted: list[Outcome]) -> None:
    numbers = []

    async def attempt(number: int) -> list[Finding]:
        numbers.append(number)
        outcomes = tries[number - 1]
        return [Finding(check=f"a.c{i}", outcome=o, message=f"try {number}") for i, o in enumerate(outcomes)]

    found = await confirmed(attempt, ALONE if len(tries) < 3 else SHARED)
    assert [f.outcome for f in found] == wanted
    assert numbers == list(range(1, len(tries) + 1))
    for finding in found:
        if finding.outcome is Outcome.UNKNOWN:
            assert f"try {len(tries) - 1}" in finding.message
            assert f"try {len(tries)}" in finding.message


async def test_an_app_that_others_used_is_left_to_rest_when_the_second_try_agrees() -> None:
    async def attempt(number: int) -> list[Finding]:
        assert number < 3
        return [Finding(check="a.c0", outcome=FAIL, message=f"try {number}")]

    assert [f.message for f in await confirmed(attempt, SHARED)] == ["try 1"]


async def test_a_single_try_confirms_nothing() -> None:
    async def attempt(number: int) -> list[Finding]:
        assert number == 1
        return [Finding(check="a.c0", outcome=FAIL, message="once")]

    assert [f.outcome for f in await confirmed(attempt, tries=1)] == [FAIL]


async def test_a_later_try_is_heard_only_about_what_failed() -> None:
    asked = []

    async def attempt(number: int, looked_at: Set[str]) -> list[Finding]:
        asked.append(set(looked_at))
        outcomes = {"a.c0": PASS if number == 1 else FAIL, "a.c1": FAIL}
        return [Finding(check=c, outcome=o, message=f"try {number}") for c, o in outcomes.items()]

    found = await confirmed_in_part(attempt, ("a.c0", "a.c1"))
    assert [f.outcome for f in found] == [PASS, FAIL]
    assert asked == [{"a.c0", "a.c1"}, {"a.c1"}]


@pytest.mark.parametrize(
    ("load", "processors", "factor"),
    [(0.0, 2, 1.0), (4.0, 2, 1.0), (12.0, 2, 3.0), (90.0, 2, 10.0), (12.0, 8, 1.0)],
)
def test_waits_grow_with_the_load(load: float, processors: int, factor: float) -> None:
    assert slowness_at(load, processors) == factor
