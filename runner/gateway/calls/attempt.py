"""One try of one model call, filled in as it happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter

from runner.core.records import UNKNOWN_USAGE, Usage
from runner.gateway.metering.ledger import NOT_SENT, Exchange
from runner.gateway.wire import Fault, Reply, RequestSummary

KEPT_ERROR = 4000
UNREAD = RequestSummary(model="", stream=False, max_output_tokens=None, messages=0, turn=0)


class Refusal(Exception):
    """A request that is not passed on, with the status that says so."""

    def __init__(self, status: int, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.status, self.fault = status, fault


@dataclass
class Attempt:
    """As long as nothing else is known, the agent broke it off.

    `number` counts the tries of request `n`. `retryable`: the call surely did nothing and cost nothing, and
    nothing of its reply was passed on. `retry_after` is that header of the reply. `capped_to`: see Exchange.
    `bug`: a mistake of ours in a stream that had begun.
    """

    n: int
    phase: str
    number: int = 1
    summary: RequestSummary = UNREAD
    status: int = 499
    ttfb_s: float | None = None
    reply: Reply | None = None
    usage: Usage = NOT_SENT
    fault: Fault | None = Fault.AGENT_LEFT
    error: str | None = "the agent went away before the reply was complete"
    retryable: bool = False
    retry_after: str | None = None
    capped_to: int | None = None
    bug: str | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=perf_counter)

    def next_try(self) -> Attempt:
        """The same request, once more."""
        return Attempt(self.n, self.phase, self.number + 1, self.summary)

    def sending(self) -> None:
        """From here on it may cost something; waiting for room in a budget was no part of the call."""
        self.usage, self.started, self.at = UNKNOWN_USAGE, perf_counter(), datetime.now(UTC)

    def first_byte(self) -> None:
        """The reply has begun."""
        if self.ttfb_s is None:
            self.ttfb_s = round(perf_counter() - self.started, 6)

    def succeed(self) -> None:
        """The agent got a usable reply."""
        self.status, self.fault, self.error = 200, None, None

    def fail(self, status: int, fault: Fault, error: str, usage: Usage | None = None) -> None:
        """The agent got an error instead of a reply."""
        self.status, self.fault, self.error = status, fault, error[:KEPT_ERROR]
        self.usage = self.usage if usage is None else usage

    def exchange(self) -> Exchange:
        """The ledger's entry, as of now."""
        return Exchange(
            n=self.n,
            phase=self.phase,
            at=self.at,
            wall_s=round(perf_counter() - self.started, 6),
            ttfb_s=self.ttfb_s,
            status=self.status,
            model=self.summary.model,
            stream=self.summary.stream,
            messages=self.summary.messages,
            usage=self.usage,
            fault=self.fault,
            error=self.error,
            command=self.reply.command if self.reply else None,
            attempt=self.number,
            capped_to=self.capped_to,
        )
