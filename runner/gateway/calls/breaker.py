"""Ends a run that cannot come to anything: agents try again, some of them for ever."""

from __future__ import annotations

import asyncio
import re

from runner.core.records import Blame, Failure
from runner.gateway.calls.attempt import Refusal
from runner.gateway.metering.ledger import Exchange
from runner.gateway.wire import Fault

PROVIDER_FAULTS = {
    Fault.PROVIDER_UNAVAILABLE: "the model provider failed",
    Fault.RATE_LIMITED: "the model provider limits the rate of requests",
    Fault.QUOTA: "the quota with the model provider is used up for now",
    Fault.NO_CREDIT: "the account with the model provider has no credit left",
    Fault.BAD_KEY: "the model provider refuses the key",
    Fault.MODEL_NOT_FOUND: "the model provider does not know the model",
    Fault.REQUEST_REFUSED: "the model provider refuses the request",
}
AT_ONCE = frozenset({Fault.BAD_KEY, Fault.NO_CREDIT, Fault.QUOTA, Fault.MODEL_NOT_FOUND})
IN_A_ROW = 3
PASSING = frozenset({Fault.PROVIDER_UNAVAILABLE, Fault.RATE_LIMITED})
# A request may be refused for what it says, which the agent can mend, or for who asks, which it cannot.
ACCOUNT = re.compile(
    r"\baccount|organi[sz]ation|permission|not (?:allowed|authorized|enabled)|verif(?:y|ied)|\bregion\b"
    r"|\bcountry|data policy|subscription|\bbilling",
    re.IGNORECASE,
)


class Breaker:
    """Follows how an agent's requests end; once `failure` is set, none is sent any more.

    `stopped` is set when the agent has nothing to hope for: then, and when a budget refused a request. A new
    phase begins with a fresh one.
    """

    def __init__(self, stop_status: int) -> None:
        self.stopped = asyncio.Event()
        self.failure: Failure | None = None
        self._stop_status = stop_status
        self._fault = Fault.STOPPED
        self._in_a_row = 0

    def begin_phase(self) -> None:
        """What a spent budget of the last phase stopped may go on."""
        if self.failure is None:
            self.stopped = asyncio.Event()

    def check(self) -> None:
        """Raises Refusal once the run has been ended."""
        if self.failure is not None:
            message = f"the gateway has ended this run: {self.failure.message}"
            raise Refusal(self._stop_status, self._fault, message)

    def note(self, exchange: Exchange) -> None:
        """How a request ended, after its last try."""
        fault = exchange.fault
        if fault is Fault.BUDGET:
            self.stopped.set()
        if not exchange.usage.requests or fault is Fault.AGENT_LEFT:
            return
        self._in_a_row = self._in_a_row + 1 if fault in PASSING else 0
        of_account = fault is Fault.REQUEST_REFUSED and ACCOUNT.search(exchange.error or "")
        if fault in AT_ONCE or of_account or self._in_a_row >= IN_A_ROW:
            assert fault is not None
            self.stop(provider_failure(exchange), fault)

    def stop(self, failure: Failure, fault: Fault = Fault.STOPPED) -> None:
        """End the run; the first reason is the cause."""
        if self.failure is None:
            self.failure, self._fault = failure, fault
        self.stopped.set()


def provider_failure(exchange: Exchange) -> Failure:
    """An exchange's fault, which is the provider's, as the run's failure."""
    assert exchange.fault is not None
    message = f"{PROVIDER_FAULTS[exchange.fault]} (status {exchange.status}): {exchange.error}"
    return Failure(kind=Blame.INFRA, code=exchange.fault.value, message=message)
