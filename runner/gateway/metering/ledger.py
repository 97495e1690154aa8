"""The only meter: every try is an entry, and limits are enforced before a request is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import add

from runner.core.records import Limits, Usage
from runner.gateway.wire import Fault

UNBILLED = Usage(requests=1)
NOT_SENT = Usage()
METERS = ("requests", "input_tokens", "output_tokens", "cost_usd")
ROUNDING = 1e-9
LEAST = Usage(requests=1, input_tokens=1, output_tokens=1)
PHASE = "phase"


class OverBudget(Exception):
    """The worst case of a request would break a limit; the message names it."""


@dataclass(frozen=True)
class Exchange:
    """One try of one model call. `ttfb_s`: seconds to the first byte of the reply, None without one.

    `n` numbers the agent's requests, `attempt` the tries of one. `status` is 499 when the agent left, 502
    also for a stream that broke off after its 200. `usage` counts one request if anything was sent, none if
    the gateway refused it; its tokens and cost are None where the reply did not tell. `command` is the
    reply's last tool call. `capped_to` are the output tokens that a budget had left for a reply that named no
    limit of its own.
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
    attempt: int = 1
    capped_to: int | None = None


@dataclass(frozen=True)
class Demand:
    """What a request may use at worst, by the output tokens it is granted: `most`, or down to `least`."""

    most: int
    least: int
    worst: Callable[[int], Usage]


@dataclass(eq=False)
class Account:
    """Spending against one set of limits. `spent` takes the worst case where the true figure is unknown.

    `reserved` is what requests in flight may come to; `changed` is set whenever one of them is settled.
    `hit` is the first refusal.
    """

    scope: str
    limits: Limits
    spent: Usage = NOT_SENT
    reserved: dict[tuple[int, int], Usage] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    hit: str | None = None

    def excess(self, worst: Usage, alone: bool = False) -> str | None:
        """Which limit a request would break, beside those in flight or `alone`."""
        counted = [self.spent, worst, *(() if alone else self.reserved.values())]
        for meter in METERS:
            limit = getattr(self.limits, meter)
            if limit is not None and _total(counted, meter) > limit * (1 + ROUNDING):
                return f"the {self.scope}'s budget of {limit} {meter} leaves no room for this request"
        return None

    def used_up(self) -> str | None:
        """Which limit was hit, or leaves no room for any request."""
        return self.hit or self.excess(LEAST, alone=True)


class Ledger:
    """Entries, totals and limits of one door. A cost limit cannot hold a model whose price is unknown.

    A request in flight counts with its worst case, so concurrent ones cannot slip through together;
    there is no await between the check and the reservation. `invocation` is shared by all doors.
    """

    def __init__(self, limits: Limits | None = None, invocation: Account | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self.refusals: dict[str, str] = {}
        self.phase = ""
        self._wide = [Account("run", limits or Limits()), *([invocation] if invocation else [])]
        self._phases: dict[str, Account] = {}
        self._totals: dict[str, Usage] = {}
        self._line = asyncio.Lock()

    def begin_phase(self, phase: str, limits: Limits) -> None:
        """Count from here on for `phase`; one that begins again keeps what it spent."""
        self._phases.setdefault(phase, Account(PHASE, limits)).limits = limits
        self.phase = phase

    async def admit(self, n: int, phase: str, demand: Demand) -> int:
        """Reserve for request `n`; returns the output tokens it is granted.

        First come, first served: what would fit but for requests in flight waits until they are settled.
        Raises OverBudget, and remembers the first refusal of each phase.
        """
        accounts = self._accounts(phase)
        async with self._line:
            granted, worst = demand.most, demand.worst(demand.most)
            while any(account.excess(worst) for account in accounts):
                self._check(accounts, demand.worst(demand.least), phase)
                busy = next((a for a in accounts if a.reserved and a.excess(worst)), None)
                if busy is None:
                    granted = _affordable(accounts, demand)
                    worst = demand.worst(granted)
                    break
                busy.changed.clear()
                await busy.changed.wait()
            for account in accounts:
                account.reserved[id(self), n] = worst
        return granted

    def settle(self, exchange: Exchange) -> None:
        """Enter what became of a try, admitted or refused."""
        for account in self._accounts(exchange.phase):
            worst = account.reserved.pop((id(self), exchange.n), None)
            if worst is not None:
                account.spent += _known(exchange.usage, worst)
                account.changed.set()
        self._totals[exchange.phase] = self._totals.get(exchange.phase, NOT_SENT) + exchange.usage
        self.exchanges.append(exchange)

    def usage(self, phase: str | None = None) -> Usage:
        """Totals of one phase or of all; unknown as soon as one part is unknown."""
        if phase is not None:
            return self._totals.get(phase, NOT_SENT)
        return reduce(add, self._totals.values(), NOT_SENT)

    def spent_out(self) -> str | None:
        """Which limit of the run or the invocation is used up: it refused a request, or has room for none."""
        return next((e for account in self._wide if (e := account.used_up())), None)

    def _check(self, accounts: Sequence[Account], least: Usage, phase: str) -> None:
        """Raises OverBudget if the least that a request needs will never fit."""
        for account in accounts:
            if excess := account.excess(least, alone=True):
                self.refusals.setdefault(phase, excess)
                account.hit = account.hit or excess
                raise OverBudget(excess)

    def _accounts(self, phase: str) -> list[Account]:
        return [*self._wide, *(a for name, a in self._phases.items() if name == phase)]


def _affordable(accounts: Sequence[Account], demand: Demand) -> int:
    """The most output tokens, `least` or more, with which all limits hold; that `least` fits is known."""
    low, high = demand.least, demand.most
    while low < high:
        middle = (low + high + 1) // 2
        worst = demand.worst(middle)
        if any(account.excess(worst) for account in accounts):
            high = middle - 1
        else:
            low = middle
    return low


def _total(counted: Sequence[Usage], meter: str) -> float:
    """The sum of a meter; what is unknown cannot be held, and counts as nothing."""
    return sum(getattr(usage, meter) or 0 for usage in counted)


def _known(usage: Usage, worst: Usage) -> Usage:
    told = {name: value for name, value in usage.model_dump().items() if value is not None}
    return worst.model_copy(update=told)
