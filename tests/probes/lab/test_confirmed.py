"""A FAIL counts when a second try agrees."""

from __future__ import annotations

import pytest

from runner.core.records import Finding, Outcome
from runner.probes.kit.lab.confirmed import confirmed

PASS, FAIL, MOOT = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("tries", "wanted"),
    [
        ([[PASS, MOOT]], [PASS, MOOT]),
        ([[FAIL, MOOT], [FAIL, MOOT]], [FAIL, MOOT]),
        ([[FAIL, MOOT], [PASS, PASS]], [Outcome.UNKNOWN, Outcome.UNKNOWN]),
        ([[PASS, FAIL], [PASS, PASS]], [PASS, Outcome.UNKNOWN]),
    ],
)
async def test_tries(tries: list[list[Outcome]], wanted: list[Outcome]) -> None:
    numbers = []

    async def attempt(number: int) -> list[Finding]:
        numbers.append(number)
        outcomes = tries[number - 1]
        return [Finding(check=f"a.c{i}", outcome=o, message=f"try {number}") for i, o in enumerate(outcomes)]

    found = await confirmed(attempt)
    assert [f.outcome for f in found] == wanted
    assert numbers == list(range(1, len(tries) + 1))
    for finding in found:
        if finding.outcome is Outcome.UNKNOWN:
            assert "try 1" in finding.message
            assert "try 2" in finding.message
