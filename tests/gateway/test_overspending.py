"""Nothing is ever spent above a limit: not by concurrent requests, not by the densest, not by any order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from fake_provider import CANARY, NO_WAIT, PRICES, Opened, Opening, Provider, completion
from hypothesis import given
from hypothesis import strategies as st
from wire_samples import CHAT, SAMPLES, Sample

from runner.core.records import Limits, Model, Prices, Usage
from runner.gateway.door import DoorSpec, open_gateway
from runner.gateway.metering.ledger import Account, Demand, Exchange, Ledger, OverBudget
from runner.gateway.metering.usage import Meter
from runner.gateway.settings import GatewaySettings
from runner.gateway.wire import Fault, Reply, RequestSummary, Tokens

BUDGET_USD = 0.10
DEAR = Prices(input=3, cached_input=0.3, cache_write=6, output=15)
EIGHT = 8
every_wire = pytest.mark.parametrize("sample", SAMPLES, ids=repr)
both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])


class GreedyProvider:
    """Bills every request as much as it was allowed: a third of its bytes and its whole output limit."""

    def __init__(self, sample: Sample, prices: Prices) -> None:
        self.sample = sample
        self.prices = prices
        self.billed_usd = 0.0
        self.served = 0
        self.together = 0
        self.most_together = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        summary = self.sample.speaker.summary(request.path_qs, json.loads(body))
        self.served += 1
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        await asyncio.sleep(0.02)
        self.together -= 1
        return await self._reply(request, summary, len(body) // 3)

    async def _reply(self, request: web.Request, summary: RequestSummary, read: int) -> web.StreamResponse:
        limit = 128_000 if summary.max_output_tokens is None else summary.max_output_tokens
        tokens = Tokens(input=read, cached_input=0, output=limit * summary.choices)
        self.billed_usd += (tokens.input * self.prices.input + tokens.output * self.prices.output) / 1e6
        kind = "text/event-stream" if summary.stream else "application/json"
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for chunk in self.sample.speaker.render(Reply("hello", tokens=tokens), summary):
            await response.write(chunk)
        return response


@pytest.fixture
async def greedy() -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:

        async def start(sample: Sample, prices: Prices = DEAR) -> GreedyProvider:
            provider = GreedyProvider(sample, prices)
            app = web.Application(client_max_size=2**26)
            app.router.add_route("*", "/{tail:.*}", provider.handle)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}{sample.upstream}"
            return provider

        yield start


def without_limit(sample: Sample) -> dict[str, Any]:
    """The fields of a request that names no maximum of output."""
    return {"generationConfig": {}} if sample.wire == "gemini" else {}


async def ask_without_limit(sample: Sample, opened: Opened, stream: bool) -> int:
    document = json.loads(sample.body(stream, **without_limit(sample)))
    for name in ("max_tokens", "max_output_tokens"):
        document.pop(name, None)
    headers = sample.headers(opened.door.token)
    async with opened.client.post(sample.url(stream), json=document, headers=headers) as reply:
        await reply.read()
        return reply.status


SHAPES: dict[str, dict[str, Any]] = {
    "small": {"max_tokens": 100},
    "long": {"max_tokens": 1500},
    "several_choices": {"max_tokens": 300, "n": 3},
    "long_input": {"max_tokens": 64, "padding": "x y " * 2000},
}


@every_wire
@both_ways
async def test_a_budget_of_ten_cents_with_eight_at_once_overspends_by_nothing(
    open_door: Opening, greedy: Any, sample: Sample, stream: bool
) -> None:
    """Requests that name no maximum: each gets what is left, one after the other, and then none."""
    provider = await greedy(sample)
    limits = Limits(cost_usd=BUDGET_USD)
    opened = await open_door(wire=sample.wire, upstream=provider.url, prices=DEAR, limits=limits)
    statuses = await asyncio.gather(*(ask_without_limit(sample, opened, stream) for _ in range(EIGHT)))
    assert statuses.count(200) == provider.served == 1
    assert statuses.count(sample.speaker.stop_status) == EIGHT - 1
    assert BUDGET_USD * 0.9 < provider.billed_usd <= BUDGET_USD
    assert opened.door.usage().cost_usd == pytest.approx(provider.billed_usd)
    assert opened.door.refusal() == "the run's budget of 0.1 cost_usd leaves no room for this request"
    assert opened.door.spent_out() is not None
    assert opened.door.verdict() is None


@pytest.mark.parametrize("shape", SHAPES)
async def test_no_shape_of_request_slips_through(open_door: Opening, greedy: Any, shape: str) -> None:
    provider = await greedy(CHAT)
    opened = await open_door(upstream=provider.url, prices=DEAR, phase_limits=Limits(cost_usd=BUDGET_USD))
    for _ in range(6):
        replies = await asyncio.gather(*(opened.ask(**SHAPES[shape]) for _ in range(EIGHT)))
    assert 401 in {status for status, _ in replies}
    assert provider.served > 2
    assert 0 < provider.billed_usd <= BUDGET_USD
    assert opened.door.usage().cost_usd == pytest.approx(provider.billed_usd)


async def test_doors_share_the_spend_cap_of_the_invocation(folder: Path, greedy: Any) -> None:
    provider = await greedy(CHAT)
    settings = GatewaySettings(retry=NO_WAIT, spend_cap_usd=BUDGET_USD)
    fields = {"provider": "mock", "name": "mock-1", "wire": "openai_chat", "upstream": provider.url}
    model = Model.model_validate({"id": "m/m", "prices": DEAR, **fields})
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(open_gateway(settings))
        doors = []
        for n in range(4):
            files = (folder / f"{n}.jsonl", folder / f"{n}.downloads")
            spec = DoorSpec(folder / f"{n}.sock", model, CANARY, *files)
            door = await stack.enter_async_context(gateway.open_door(spec, lambda exchange: None))
            door.begin_phase("build", Limits())
            connector = aiohttp.UnixConnector(str(spec.socket))
            client = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            doors.append(Opened(door, client, spec.socket, folder, []))
        assert gateway.spent_out() is None
        asked = [door.ask(max_tokens=1000) for door in doors for _ in range(4)]
        statuses = [status for status, _ in await asyncio.gather(*asked)]
        assert (
            gateway.spent_out() == "the invocation's budget of 0.1 cost_usd leaves no room for this request"
        )
        assert {door.door.spent_out() is None for door in doors} == {False}
    assert sorted(set(statuses)) == [200, 401]
    assert 0 < provider.billed_usd <= BUDGET_USD


async def test_what_fits_is_passed_byte_for_byte_and_what_does_not_is_capped(
    open_door: Opening, provider: Provider
) -> None:
    provider.respond(completion(prompt_tokens=10, completion_tokens=900))
    limits = Limits(output_tokens=128_500)
    opened = await open_door(phase_limits=limits)
    body = b'{"model":"mock-1","messages":[ ]}'
    await opened.post(body)
    await opened.post(body)
    assert provider.bodies[0] == body
    assert provider.bodies[1] == b'{"model":"mock-1","messages":[ ],"max_tokens": 127600}'
    assert [line["capped_to"] for line in opened.transcript] == [None, 127_600], "the record says so"


async def test_the_models_own_maximum_counts_where_it_is_known(
    open_door: Opening, provider: Provider
) -> None:
    opened = await open_door(phase_limits=Limits(output_tokens=2000), max_output_tokens=1999)
    assert (await opened.ask())[0] == 200
    assert b"max_tokens" not in provider.bodies[0]


async def test_less_than_a_useful_reply_is_refused(open_door: Opening, provider: Provider) -> None:
    opened = await open_door(phase_limits=Limits(output_tokens=1023))
    assert (await opened.ask())[0] == 401
    assert provider.bodies == []
    short = await open_door(
        phase_limits=Limits(output_tokens=1023), max_output_tokens=500, socket=opened.folder / "other"
    )
    assert (await short.ask())[0] == 200, "a model of short replies needs no more than they"


async def test_what_would_fit_but_for_others_in_flight_waits(open_door: Opening, provider: Provider) -> None:
    go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return web.Response(body=completion(), content_type="application/json")

    provider.answer = answer
    opened = await open_door(phase_limits=Limits(output_tokens=100))
    first = asyncio.create_task(opened.ask(max_tokens=80))
    while not provider.bodies:
        await asyncio.sleep(0.005)
    second = asyncio.create_task(opened.ask(max_tokens=80))
    await asyncio.sleep(0.05)
    assert len(provider.bodies) == 1
    go_on.set()
    assert [(await first)[0], (await second)[0]] == [200, 200]
    assert opened.door.refusal() is None


async def test_who_leaves_while_waiting_was_never_sent(open_door: Opening, provider: Provider) -> None:
    go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return web.Response(body=completion(), content_type="application/json")

    provider.answer = answer
    opened = await open_door(phase_limits=Limits(output_tokens=100))
    first = asyncio.create_task(opened.ask(max_tokens=80))
    while not provider.bodies:
        await asyncio.sleep(0.005)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await opened.ask(max_tokens=80)
    [left] = await opened.settled(1)
    assert (left.fault, left.usage) == (Fault.AGENT_LEFT, Usage())
    go_on.set()
    assert (await first)[0] == 200
    assert opened.door.usage().requests == 1


async def test_writing_to_the_cache_counts_in_the_worst_case(open_door: Opening, provider: Provider) -> None:
    dear = Prices(input=1, cache_write=100, output=1)
    opened = await open_door(phase_limits=Limits(cost_usd=0.004), prices=dear)
    assert (await opened.ask(max_tokens=1))[0] == 401
    cheap = await open_door(
        phase_limits=Limits(cost_usd=0.004), prices=PRICES, socket=opened.folder / "other"
    )
    assert (await cheap.ask(max_tokens=1))[0] == 200


def test_the_output_of_a_reply_that_broke_off_is_unknown() -> None:
    """Some providers count as they go: the last count that came is not the bill."""
    meter = Meter(Model(id="m/m", provider="mock", name="m", wire="openai_chat", upstream="http://x"))
    usage = meter.usage(Reply(complete=False, tokens=Tokens(input=9, cached_input=1, output=3)))
    assert (usage.input_tokens, usage.cached_input_tokens) == (9, 1)
    assert (usage.output_tokens, usage.cost_usd) == (None, None)


def test_worst_cases_follow_the_densest_text_so_far() -> None:
    meter = Meter(Model(id="m/m", provider="mock", name="m", wire="openai_chat", upstream="http://x"))
    before = meter.worst(30_000, 1).input_tokens
    meter.learn(20_000, Usage(requests=1, input_tokens=16_000))
    meter.learn(100, Usage(requests=1, input_tokens=90))
    after = meter.worst(30_000, 1).input_tokens
    assert before is not None
    assert after is not None
    assert before < 16_000
    assert 24_000 < after < 27_000


@pytest.mark.parametrize("name", ["claude-opus-4-7", "claude-sonnet-4-5", "gemini-2.5-pro"])
@pytest.mark.parametrize("size", [300, 150_000, 900_000])
def test_rates_from_the_table_are_never_below_what_is_billed(name: str, size: int) -> None:
    provider = "google" if name.startswith("gemini") else "anthropic"
    model = Model(id="m/m", provider=provider, name=name, wire="openai_chat", upstream="http://x")
    meter = Meter(model)
    worst = meter.worst(size, 2000)
    assert worst.input_tokens is not None
    assert worst.cost_usd is not None
    billed = meter.usage(Reply(tokens=Tokens(input=worst.input_tokens, cached_input=0, output=2000)))
    assert billed.cost_usd is not None
    assert billed.cost_usd <= worst.cost_usd * (1 + 1e-9)


# --- any order of reservations and settlements

LIMITS = Limits(requests=6, input_tokens=500, output_tokens=400, cost_usd=3.0)
amounts = st.tuples(st.integers(1, 120), st.integers(1, 150), st.booleans())
moves = st.lists(st.one_of(amounts, st.integers(0, 5)), max_size=40)


def demand_of(read: int, written: int, is_named: bool) -> Demand:
    def worst(output: int) -> Usage:
        return Usage(requests=1, input_tokens=read, output_tokens=output, cost_usd=(read + output) / 100)

    return Demand(written, written if is_named else min(written, 20), worst)


def exchange_of(n: int, usage: Usage) -> Exchange:
    return Exchange(n, "build", datetime.now(UTC), 0.1, None, 200, "m", False, 1, usage)


class Play:
    """A ledger under random moves: requests come, and those in flight end with less or unknown usage."""

    def __init__(self) -> None:
        self.account = Account("invocation", Limits(cost_usd=2.0))
        self.ledger = Ledger(LIMITS, self.account)
        self.ledger.begin_phase("build", Limits(output_tokens=300))
        self.tasks: dict[int, tuple[asyncio.Task[int], Demand]] = {}
        self.spent = Usage()

    async def ask(self, n: int, demand: Demand) -> None:
        self.tasks[n] = (asyncio.create_task(self.ledger.admit(n, "build", demand)), demand)
        await asyncio.sleep(0)

    async def end(self, share: int) -> None:
        flying = [n for n, (task, _) in self.tasks.items() if task.done() and not task.exception()]
        if not flying:
            return
        n = flying[share % len(flying)]
        task, demand = self.tasks.pop(n)
        worst = demand.worst(task.result())
        told = [worst, worst.model_copy(update={"output_tokens": 1, "cost_usd": 0.01}), Usage(requests=1)]
        unknown = worst.model_copy(update={"output_tokens": None, "cost_usd": None})
        usage = [*told, unknown][share % 4]
        self.spent += worst if usage == unknown else usage
        self.ledger.settle(exchange_of(n, usage))
        await asyncio.sleep(0)

    def check(self) -> None:
        flying = [
            demand.worst(task.result())
            for task, demand in self.tasks.values()
            if task.done() and not task.exception()
        ]
        total = sum(flying, start=self.spent)
        assert total.requests <= 6
        assert (total.input_tokens or 0) <= 500
        assert (total.output_tokens or 0) <= 300
        assert (total.cost_usd or 0) <= 2.0 + 1e-6

    async def finish(self) -> None:
        """Let all end: then everybody was either served or refused."""
        for _ in range(len(self.tasks)):
            await self.end(0)
            for _ in range(5):
                await asyncio.sleep(0)
            self.check()
        assert all(task.done() for task, _ in self.tasks.values()), "nobody waits for nothing"
        assert all(isinstance(task.exception(), OverBudget) for task, _ in self.tasks.values())


@given(moves)
def test_no_interleaving_exceeds_a_limit(moves: list[tuple[int, int, bool] | int]) -> None:
    async def play() -> None:
        ledger = Play()
        for n, move in enumerate(moves):
            await (ledger.end(move) if isinstance(move, int) else ledger.ask(n, demand_of(*move)))
            ledger.check()
        await ledger.finish()
        ledger.check()

    asyncio.run(play())
