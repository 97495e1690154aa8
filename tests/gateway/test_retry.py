"""How long is waited between two tries, and what an error inside a reply means."""

from __future__ import annotations

import pytest
from wire_samples import CHAT, SAMPLES, Sample

from runner.gateway.calls.attempt import Attempt
from runner.gateway.calls.retry import Retries, fault_of, overload
from runner.gateway.settings import RetrySettings
from runner.gateway.wire import Fault, Reply

NOW = 1_700_000_000.0


def wait_s(number: int, retry_after: str | None = None, chance: float = 1.0, **fields: float) -> float | None:
    settings = RetrySettings(chance=lambda: chance, now=lambda: NOW)
    attempt = Attempt(1, "build", number, retryable=True, retry_after=retry_after)
    return Retries(settings).wait_s(attempt)


def test_waits_double_with_full_jitter_and_end_with_the_fourth_try() -> None:
    assert [wait_s(number) for number in (1, 2, 3, 4)] == [2, 4, 8, None]
    assert [wait_s(number, chance=0) for number in (1, 2, 3)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        ("7", 8),
        ("0.5", 1.5),
        ("60", 61),
        ("61", None),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 11),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 1),
        ("Tue, 14 Nov 2023 23:13:30 GMT", None),
        ("soon", 2),
        ("-1", 2),
        ("nan", 2),
        ("9" * 30, 2),
    ],
)
def test_retry_after_is_respected_up_to_a_minute(retry_after: str, expected: float | None) -> None:
    waited = wait_s(1, retry_after)
    assert waited == (None if expected is None else pytest.approx(expected))


def test_what_may_have_done_something_is_not_tried_again() -> None:
    assert Retries(RetrySettings()).wait_s(Attempt(1, "build", retryable=False)) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Overloaded", Fault.PROVIDER_UNAVAILABLE),
        ("Rate limit reached for requests", Fault.RATE_LIMITED),
        ("Your credit balance is too low", Fault.NO_CREDIT),
        ("maximum context length is 8192 tokens", Fault.CONTEXT_OVERFLOW),
        ("the provider sent a malformed event", Fault.PROVIDER_UNAVAILABLE),
    ],
)
def test_an_error_under_status_200_is_told_by_its_text(text: str, fault: Fault) -> None:
    assert fault_of(CHAT.speaker, text) is fault


@pytest.mark.parametrize("sample", SAMPLES, ids=repr)
def test_only_an_overload_before_anything_else_is_one(sample: Sample) -> None:
    raw, error = b'{"error":"overloaded"}', "overloaded"
    assert overload(sample.speaker, Reply(complete=False, error=error), raw) is not None
    assert overload(sample.speaker, Reply(complete=False, error=error, text="Well"), raw) is None
    assert overload(sample.speaker, Reply(complete=False), raw) is None
    assert overload(sample.speaker, Reply(error="no such tool"), b'{"error":"no such tool"}') is None
    assert overload(sample.speaker, Reply(error="no credit"), b'{"error":"insufficient_quota 429"}') is None
    malformed = Reply(complete=False, error="the provider sent a malformed event")
    assert overload(sample.speaker, malformed, b"data: {overloaded 503\n\n") is None
