"""Limits hold before a request is sent, however many come at once."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from fake_provider import PRICES, Opening, Provider, completion

from runner.core.records import Limits
from runner.gateway.calls.proxy import REFUSALS_KEPT
from runner.gateway.wire import Fault


async def test_the_request_after_the_last_is_refused_and_not_sent(
    open_door: Opening, provider: Provider
) -> None:
    opened = await open_door(phase_limits=Limits(requests=2))
    assert [(await opened.ask())[0] for _ in range(2)] == [200, 200]
    assert opened.door.refusal() is None
    status, reply = await opened.ask()
    assert status == 401, "the status that ends an agent of this wire for good"
    assert json.loads(reply)["error"]["code"] == "budget"
    assert len(provider.bodies) == 2
    assert opened.door.refusal() == "the phase's budget of 2 requests leaves no room for this request"
    assert opened.door.usage().requests == 2
    assert opened.door.exchanges[-1].fault is Fault.BUDGET
    assert opened.door.verdict() is None, "a spent budget is nobody's failure"
    assert "request" not in opened.transcript[-1]


async def test_a_new_phase_has_its_own_limits_and_the_run_its_own(open_door: Opening) -> None:
    opened = await open_door(limits=Limits(requests=3), phase_limits=Limits(requests=2))
    assert [(await opened.ask())[0] for _ in range(3)] == [200, 200, 401]
    opened.door.begin_phase("prove", Limits(requests=2))
    assert opened.door.refusal() is None
    assert [(await opened.ask())[0] for _ in range(2)] == [200, 401]
    assert opened.door.refusal() == "the run's budget of 3 requests leaves no room for this request"
    assert opened.door.refusal("build") == "the phase's budget of 2 requests leaves no room for this request"


@pytest.mark.parametrize("limit", [{"input_tokens": 110}, {"output_tokens": 15}, {"cost_usd": 0.00031}])
async def test_tokens_and_cost_are_limited(open_door: Opening, limit: dict[str, float]) -> None:
    opened = await open_door(phase_limits=Limits.model_validate(limit), prices=PRICES)
    assert (await opened.ask(max_tokens=10))[0] == 200
    assert (await opened.ask(max_tokens=10))[0] == 401
    assert next(iter(limit)) in (opened.door.refusal() or "")


async def test_a_request_whose_worst_case_is_too_much_is_refused_at_once(
    open_door: Opening, provider: Provider
) -> None:
    opened = await open_door(phase_limits=Limits(cost_usd=0.01), prices=PRICES)
    assert (await opened.ask(max_tokens=1001))[0] == 401
    assert (await opened.ask(max_completion_tokens=900))[0] == 200
    assert len(provider.bodies) == 1


async def test_max_tokens_of_the_models_entry_counts(open_door: Opening, provider: Provider) -> None:
    limits = Limits(output_tokens=99)
    opened = await open_door(phase_limits=limits, params={"max_tokens": 100})
    assert (await opened.ask(max_tokens=1))[0] == 401
    assert provider.bodies == []


async def test_eight_at_once_cannot_slip_through_together(open_door: Opening, provider: Provider) -> None:
    most = {"prompt_tokens": 20, "completion_tokens": 1000}

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.1)
        return web.Response(body=completion(**most), content_type="application/json")

    provider.answer = answer
    opened = await open_door(limits=Limits(cost_usd=0.032), prices=PRICES)
    replies = await asyncio.gather(*(opened.ask(max_tokens=1000) for _ in range(8)))
    assert sorted(status for status, _ in replies) == [200] * 3 + [401] * 5
    assert len(provider.bodies) == 3
    spent = opened.door.usage().cost_usd
    assert spent is not None
    assert spent <= 0.032


async def test_a_failed_request_gives_its_reservation_back(open_door: Opening, provider: Provider) -> None:
    opened = await open_door(phase_limits=Limits(output_tokens=100))
    provider.respond(b"{}", 500)
    assert (await opened.ask(max_tokens=100))[0] == 500
    assert len(provider.bodies) == 4, "each try is admitted anew"
    provider.respond(completion())
    assert (await opened.ask(max_tokens=100))[0] == 200


async def test_a_reply_without_usage_is_taken_for_its_worst_case(
    open_door: Opening, provider: Provider
) -> None:
    provider.respond(completion(nothing=1))
    opened = await open_door(phase_limits=Limits(output_tokens=100))
    assert (await opened.ask(max_tokens=60))[0] == 200
    assert (await opened.ask(max_tokens=60))[0] == 401
    assert (await opened.ask(max_tokens=40))[0] == 200


async def test_a_storm_of_refused_requests_is_bounded_in_memory(open_door: Opening) -> None:
    opened = await open_door(phase_limits=Limits(requests=1))
    await opened.ask()
    for _ in range(REFUSALS_KEPT + 20):
        assert (await opened.ask())[0] == 401
    assert len(opened.door.exchanges) == 1 + REFUSALS_KEPT


async def test_a_phase_that_begins_again_keeps_what_it_spent(open_door: Opening) -> None:
    opened = await open_door(phase_limits=Limits(requests=1))
    await opened.ask()
    opened.door.begin_phase("build", Limits(requests=1))
    assert (await opened.ask())[0] == 401
    opened.door.begin_phase("build", Limits(requests=2))
    assert (await opened.ask())[0] == 200


async def test_an_unpriced_model_is_not_held_to_a_cost_limit(open_door: Opening) -> None:
    limits = Limits(cost_usd=0)
    opened = await open_door(limits=limits)
    assert not opened.door.is_held_to(limits)
    assert opened.door.is_held_to(Limits(requests=1))
    assert (await opened.ask())[0] == 200
