"""Numbers and texts as they are shown."""

from __future__ import annotations

import pytest

from runner.core.records import Usage
from runner.report import text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain ünïcode 漢字 🚢", "plain ünïcode 漢字 🚢"),
        ("a\tb\r\nc\x0bd\u2028e\x85f", "a b c d e f"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x1b]8;;http://evil\x1b\\click\x07", "]8;;http://evil\\click"),
        ("\x9b31m\x90q\x9c", "31mq"),
        ("user\u202etxt.exe\u2066\u200b\ufeff", "usertxt.exe"),
        ("nul\x00 del\x7f back\x08", "nul del back"),
        ("", ""),
    ],
)
def test_clean(raw: str, shown: str) -> None:
    assert text.clean(raw) == shown


def test_clean_cuts_without_reading_all() -> None:
    assert text.clean("x" * 100, limit=10) == "xxxxxxx..."
    assert text.clean("x" * 10, limit=10) == "xxxxxxxxxx"
    assert text.clean(" " * 10_000_000 + "x", limit=10) == ""


@pytest.mark.parametrize(
    ("low", "high", "shown"), [(68, 68, "68"), (56, 68, "56-68"), (0.5, 1.25, "0.5-1.25")]
)
def test_interval(low: float, high: float, shown: str) -> None:
    assert text.interval(low, high) == shown


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        (None, "unknown"),
        (0.0, "$0.00"),
        (0.0042, "$0.0042"),
        (0.1, "$0.10"),
        (16.027, "$16.03"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money(cost: float | None, shown: str) -> None:
    assert text.money(cost) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.0 s"),
        (8.44, "8.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.6, "1 h 00 min"),
        (3720, "1 h 02 min"),
    ],
)
def test_duration(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_tokens() -> None:
    assert text.tokens(Usage(input_tokens=1200, output_tokens=34)) == "1,200 in, 34 out"
    assert text.tokens(Usage(input_tokens=1200, cached_input_tokens=800)) == "1,200 in (800 cached), 0 out"
    assert text.tokens(Usage(cached_input_tokens=None, input_tokens=None, output_tokens=None)) == (
        "unknown in (unknown cached), unknown out"
    )
