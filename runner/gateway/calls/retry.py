"""What is tried again, and when: only what surely did nothing, cost nothing and was not passed on."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from runner.core.errors import UpstreamError
from runner.gateway.calls.attempt import Attempt
from runner.gateway.settings import RetrySettings
from runner.gateway.wire import Fault, Reply, Wire

STATUSES = frozenset({408, 429, 500, 502, 503, 504, 529})
PASSING = frozenset({Fault.PROVIDER_UNAVAILABLE, Fault.RATE_LIMITED})
OVERLOAD = re.compile(
    r"overload|rate.?limit|too many requests|unavailable|capacity|exhausted|server.?error|internal|busy"
    r"|try again|\b(?:429|500|502|503|504|529)\b",
    re.IGNORECASE,
)
LIMITED = re.compile(r"rate.?limit|too many requests|exhausted|\b429\b", re.IGNORECASE)


class Overloaded(UpstreamError):
    """A reply of status 200 that says, before anything else, that there will be none."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


def is_retryable(status: int, fault: Fault) -> bool:
    """Whether a reply of this status may be another one next time."""
    return status in STATUSES and fault in PASSING


def fault_of(wire: Wire, text: str) -> Fault:
    """What an error inside a reply of status 200 means."""
    for status, unremarkable in ((429, Fault.RATE_LIMITED), (400, Fault.REQUEST_REFUSED)):
        fault = wire.fault(status, text.encode())
        if fault is not unremarkable:
            return fault
    return Fault.RATE_LIMITED if LIMITED.search(text) else Fault.PROVIDER_UNAVAILABLE


def overload(wire: Wire, reply: Reply, raw: bytes) -> Overloaded | None:
    """The overload error that a reply of status 200 begins with, if it does; `raw` is all there is of it."""
    if reply.error is None or reply.text or reply.reasoning or reply.tool_calls or b"error" not in raw:
        return None
    text = raw[:20_000].decode("utf-8", "replace")
    fault = fault_of(wire, text)
    if fault not in PASSING or not OVERLOAD.search(text):
        return None
    return Overloaded(fault, reply.error)


class Retries:
    """Bounded, with full jitter."""

    def __init__(self, settings: RetrySettings) -> None:
        self._settings = settings

    def wait_s(self, attempt: Attempt) -> float | None:
        """Seconds until the next try; None if there is none."""
        settings = self._settings
        if not attempt.retryable or attempt.number >= settings.tries:
            return None
        jitter = settings.chance()
        asked = self._asked_s(attempt.retry_after)
        if asked is None:
            return jitter * min(settings.longest_s, settings.first_s * float(1 << attempt.number - 1))
        return asked + jitter if asked <= settings.longest_s else None

    async def sleep(self, wait_s: float) -> None:
        """Wait; ends early only with the agent's leaving."""
        await self._settings.sleep(wait_s)

    def _asked_s(self, retry_after: str | None) -> float | None:
        """What a Retry-After asks for, in seconds or as a date."""
        if retry_after is None:
            return None
        if re.fullmatch(r"\d{1,9}(\.\d+)?", retry_after.strip()):
            return float(retry_after)
        try:
            return max(0.0, parsedate_to_datetime(retry_after).timestamp() - self._settings.now())
        except (ValueError, OverflowError):
            return None
