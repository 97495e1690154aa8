"""Figures of the provider, of the price table and of the agent, beside the ledger's."""

from __future__ import annotations

import json

import pytest
from fake_provider import PRICES, Opening, Provider, completion

from runner.core.records import Disagreement, Usage
from runner.gateway.metering.reconciliation import Reconciliation, with_agent

LEDGER = Usage(requests=3, input_tokens=1000, cached_input_tokens=None, output_tokens=100, cost_usd=0.10)


def billed(cost: float) -> bytes:
    document = json.loads(completion(prompt_tokens=100, completion_tokens=10))
    document["usage"]["cost"] = cost
    return json.dumps(document).encode()


async def test_a_stated_cost_is_the_bill_and_is_held_against_our_prices(
    open_door: Opening, provider: Provider
) -> None:
    opened = await open_door(prices=PRICES)  # 0.0002 by them
    provider.respond(billed(0.0003))
    await opened.ask()
    await opened.ask()
    [found] = opened.door.disagreements("build")
    assert (found.meter, found.source, found.phase) == ("cost_usd", "provider", "build")
    assert (found.ledger, found.other) == (pytest.approx(0.0006), pytest.approx(0.0004))
    assert opened.door.usage().cost_usd == pytest.approx(0.0006)
    assert opened.door.disagreements("prove") == []


@pytest.mark.parametrize(("cost", "prices"), [(0.00021, PRICES), (0.5, None)])
async def test_close_enough_or_without_prices_there_is_none(
    open_door: Opening, provider: Provider, cost: float, prices: object
) -> None:
    opened = await open_door(prices=prices)
    provider.respond(billed(cost))
    await opened.ask()
    assert opened.door.disagreements("build") == []


def test_a_free_bill_against_a_price_is_one() -> None:
    reconciliation = Reconciliation()
    reconciliation.note("build", 0.0, 0.01)
    reconciliation.note("build", 0.0, None)
    assert [d.other for d in reconciliation.with_provider("build")] == [0.01]


def test_an_agents_own_figures_count_where_both_know() -> None:
    reported = Usage(requests=9, input_tokens=1049, cached_input_tokens=7, output_tokens=90, cost_usd=None)
    assert with_agent("build", LEDGER, reported) == [
        Disagreement(phase="build", meter="output_tokens", source="agent", ledger=100, other=90)
    ]
    same = LEDGER.model_copy(update={"requests": 1})
    assert with_agent("build", LEDGER, same) == []


async def test_a_door_compares_its_phase_with_what_an_agent_reports(open_door: Opening) -> None:
    opened = await open_door(prices=PRICES)
    await opened.ask()
    reported = opened.door.usage("build").model_copy(update={"input_tokens": 50})
    [found] = opened.door.disagreements("build", reported)
    assert (found.source, found.ledger, found.other) == ("agent", 100, 50)
