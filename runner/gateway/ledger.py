"""The only meter: every try is an entry, and limits are enforced before a request is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import add

from runner.core.records import Limits, Usage
from runner.gateway.wire import Fault

UNBILLED = Usage(requests=1)
NOT_SENT = Usage()
METERS = ("requests", "input_tokens", "output_tokens", "cost_usd")
ROUNDING = 1e-9


class OverBudget(Exception):
    """The worst case of a request would break a limit; the message names it."""


@dataclass(frozen=True)
class Exchange:
    """One try of one model call. `ttfb_s`: seconds to the first byte of the reply, None without one.

    `status` is 499 when the agent left, 502 also for a stream that broke off after its 200.
    `usage` counts one request if anything was sent, none if the gateway refused it; its tokens and cost
    are None where the reply did not tell. `command` is the reply's last tool call.
    """

    n: int
    phase: str
    at: datetime
    wall_s: float
    ttfb_s: float | None
    status: int
    model: str
    stream: bool
    messages: int
    usage: Usage
    fault: Fault | None = None
    error: str | None = None
    command: str | None = None


@dataclass
class _Account:
    """Spending against one set of limits. `spent` takes the worst case where the true figure is unknown."""

    scope: str
    limits: Limits
    spent: Usage
    reserved: dict[int, Usage]

    def excess(self, worst: Usage) -> str | None:
        total = reduce(add, self.reserved.values(), self.spent) + worst
        for meter in METERS:
            limit, value = getattr(self.limits, meter), getattr(total, meter)
            if limit is not None and value is not None and value > limit * (1 + ROUNDING):
                return f"the {self.scope}'s budget of {limit} {meter} leaves no room for this request"
        return None


class Ledger:
    """Entries, totals and limits of one door. A cost limit cannot hold a model whose price is unknown.

    A request in flight counts with its worst case, so concurrent ones cannot slip through together;
    there is no await between the check and the reservation.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self.refusals: dict[str, str] = {}
        self.phase = ""
        self._run = _Account("run", limits or Limits(), NOT_SENT, {})
        self._phases: dict[str, _Account] = {}
        self._totals: dict[str, Usage] = {}

    def begin_phase(self, phase: str, limits: Limits) -> None:
        """Count from here on for `phase`; one that begins again keeps what it spent."""
        before = self._phases.get(phase) or _Account("phase", limits, NOT_SENT, {})
        self._phases[phase] = replace(before, limits=limits)
        self.phase = phase

    def reserve(self, n: int, worst: Usage) -> None:
        """Admit request `n`; raises OverBudget, and remembers the first refusal of each phase."""
        accounts = self._accounts(self.phase)
        excess = next((e for account in accounts if (e := account.excess(worst))), None)
        if excess:
            self.refusals.setdefault(self.phase, excess)
            raise OverBudget(excess)
        for account in accounts:
            account.reserved[n] = worst

    def settle(self, exchange: Exchange) -> None:
        """Enter what became of a request, admitted or refused."""
        for account in self._accounts(exchange.phase):
            worst = account.reserved.pop(exchange.n, None)
            if worst is not None:
                account.spent += _known(exchange.usage, worst)
        self._totals[exchange.phase] = self._totals.get(exchange.phase, NOT_SENT) + exchange.usage
        self.exchanges.append(exchange)

    def usage(self, phase: str | None = None) -> Usage:
        """Totals of one phase or of all; unknown as soon as one part is unknown."""
        if phase is not None:
            return self._totals.get(phase, NOT_SENT)
        return reduce(add, self._totals.values(), NOT_SENT)

    def _accounts(self, phase: str) -> list[_Account]:
        return [self._run, *(a for name, a in self._phases.items() if name == phase)]


def _known(usage: Usage, worst: Usage) -> Usage:
    told = {name: value for name, value in usage.model_dump().items() if value is not None}
    return worst.model_copy(update=told)
