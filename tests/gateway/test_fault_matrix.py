"""Wire format x fault x streaming: classified, bounded, accounted for, conforming, and without the key."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass

import faulty_provider as faults
import pytest
from fake_provider import CANARY, PRICES, Opened, Opening
from faulty_provider import Serving, faulty_provider
from wire_samples import CHAT, SAMPLES, Sample

from runner.core.records import Blame
from runner.gateway.settings import GatewaySettings, RetrySettings
from runner.gateway.wire import Fault
from runner.gateway.wires.openai_chat import ChatTap

DOWN, LIMITED = Fault.PROVIDER_UNAVAILABLE, Fault.RATE_LIMITED
NO_SERVER = "http://127.0.0.1:1"
IMPATIENT_S = 0.3


@dataclass(frozen=True)
class Case:
    """What a fault must come to. `status`: what the agent sees of a plain and of a streamed reply."""

    name: str
    serve: Serving | None
    fault: Fault | None
    plain: int
    streamed: int
    tries: int = 1
    billed: bool = True
    stops: bool = False

    def __repr__(self) -> str:
        return self.name


def refused(name: str, status: int, fault: Fault, tries: int, **headers: str) -> Case:
    final = fault not in (DOWN, LIMITED)
    return Case(name, faults.failing(status, headers), fault, status, status, tries, False, final)


CASES = [
    refused("rate_limit_with_retry_after", 429, LIMITED, 4, **{"Retry-After": "3"}),
    refused("rate_limit_too_long", 429, LIMITED, 1, **{"Retry-After": "3600"}),
    refused("rate_limit", 429, LIMITED, 4),
    refused("request_timeout", 408, DOWN, 4),
    refused("server_error", 500, DOWN, 4),
    refused("unavailable", 503, DOWN, 4),
    refused("overloaded_status", 529, DOWN, 4),
    refused("bad_key", 401, Fault.BAD_KEY, 1),
    refused("no_credit", 402, Fault.NO_CREDIT, 1),
    refused("no_model", 404, Fault.MODEL_NOT_FOUND, 1),
    Case("connection_refused", None, DOWN, 502, 502, 4, billed=False),
    Case("reset_before_reply", faults.reset, DOWN, 502, 502),
    Case("silence_before_first_byte", faults.silence, DOWN, 502, 502),
    Case("reset_half_way", faults.reset_half_way, DOWN, 502, 200),
    Case("cut", faults.half, DOWN, 502, 200),
    Case("malformed_event", faults.malformed, DOWN, 502, 200),
    Case("overload_first", faults.overloaded, DOWN, 503, 503, 4, billed=False),
    Case("overload_later", faults.overloaded_later, DOWN, 502, 200),
    Case("empty", faults.empty, DOWN, 502, 502),
    Case("html", faults.saying(f"<html>Bad {CANARY}</html>".encode(), "text/html"), DOWN, 502, 502),
    Case("no_content_type", faults.saying(CANARY.encode(), None), DOWN, 502, 502),
    Case("wrong_content_type", faults.mistyped, DOWN, 502, 502),
]
every_wire = pytest.mark.parametrize("sample", SAMPLES, ids=repr)
both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])


def settings(waits: list[float]) -> GatewaySettings:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    retry = RetrySettings(sleep=sleep, chance=lambda: 0.5)
    return GatewaySettings(reply_s=IMPATIENT_S, stream_idle_s=IMPATIENT_S, retry=retry)


def conforms(sample: Sample, status: int, kind: str, body: bytes, stream: bool) -> None:
    """An error in the format, or a whole reply that ends with the finish marker."""
    if status != 200:
        assert kind == "application/json"
        assert json.loads(body)["error"]["message"]
    elif stream:
        assert kind == "text/event-stream"
        assert sample.read(body, stream=True).complete
    else:
        assert sample.read(body, stream=False).complete


def without_key(opened: Opened, *seen: bytes) -> None:
    kept = [path.read_bytes() for path in opened.folder.iterdir() if path.is_file()]
    assert not any(CANARY.encode() in data for data in (*kept, *seen))
    assert CANARY not in repr(opened.door.exchanges)
    assert CANARY not in repr(opened.door.verdict())


@every_wire
@both_ways
@pytest.mark.parametrize("case", CASES, ids=repr)
async def test_a_fault(
    open_door: Opening, caplog: pytest.LogCaptureFixture, sample: Sample, stream: bool, case: Case
) -> None:
    caplog.set_level(logging.DEBUG)
    waits: list[float] = []
    async with faulty_provider(sample, stream, case.serve or faults.reset) as provider:
        upstream = provider.url if case.serve else NO_SERVER + sample.upstream
        opened = await open_door(settings(waits), wire=sample.wire, upstream=upstream, prices=PRICES)
        async with sample.asking(opened, stream) as reply:
            status, kind, body = reply.status, reply.content_type, await reply.read()
        exchanges = await opened.settled(case.tries)
        assert status == (case.streamed if stream else case.plain)
        conforms(sample, status, kind, body, stream)
        assert [(e.n, e.attempt, e.fault) for e in exchanges] == [
            (1, attempt, case.fault) for attempt in range(1, case.tries + 1)
        ]
        assert provider.arrived == (case.tries if case.serve else 0)
        usage = opened.door.usage()
        assert usage.requests == case.tries, "each try is counted"
        assert (usage.output_tokens == 0) is not case.billed, "what may have been billed is not called free"
        assert len(waits) == case.tries - 1
        failure = opened.door.verdict(agent_done=True)
        assert failure is not None
        assert (failure.kind, failure.code) == (Blame.INFRA, case.fault)
        assert opened.door.stopped.is_set() is case.stops
        lines = await written(opened, case.tries)
        assert [(line["n"], line["attempt"]) for line in lines] == [(e.n, e.attempt) for e in exchanges]
        without_key(opened, body, caplog.text.encode())


async def written(opened: Opened, count: int) -> list[dict[str, object]]:
    """The transcript's lines, which follow the reply."""
    async with asyncio.timeout(5):
        while len(opened.transcript) < count:
            await asyncio.sleep(0.005)
    return opened.transcript


@every_wire
@both_ways
@pytest.mark.parametrize("fault", [faults.failing(503), faults.overloaded], ids=["status", "first_event"])
async def test_what_passes_is_never_seen_by_the_agent(
    open_door: Opening, sample: Sample, stream: bool, fault: Serving
) -> None:
    async with faulty_provider(sample, stream, fault, fault, faults.good) as provider:
        opened = await open_door(settings([]), wire=sample.wire, upstream=provider.url)
        expected = b"".join(sample.chunks) if stream else sample.plain
        assert await sample.ask(opened, stream) == (200, expected)
        assert provider.bodies == [sample.body(stream)] * 3
        assert [e.fault for e in await opened.settled(3)] == [DOWN, DOWN, None]
        assert opened.door.verdict() is None
        assert opened.door.usage().requests == 3
        assert opened.door.usage().output_tokens == 90


@every_wire
async def test_an_outage_ends_the_run_after_three_requests_and_a_success_between_them_does_not(
    open_door: Opening, sample: Sample
) -> None:
    down, up = [faults.failing(503)] * 4, [faults.good]
    async with faulty_provider(sample, False, *down, *down, *up, *down, *down, *down, *up) as provider:
        opened = await open_door(settings([]), wire=sample.wire, upstream=provider.url)
        statuses = [(await sample.ask(opened, False))[0] for _ in range(5)]
        assert statuses == [503, 503, 200, 503, 503]
        assert not opened.door.stopped.is_set()
        assert (await sample.ask(opened, False))[0] == 503
        assert opened.door.stopped.is_set()
        arrived = provider.arrived
        status, body = await sample.ask(opened, False)
        assert status == sample.speaker.stop_status
        conforms(sample, status, "application/json", body, False)
        assert provider.arrived == arrived, "nothing is sent any more"
        failure = opened.door.verdict(agent_done=True)
        assert failure is not None
        assert (failure.kind, failure.code) == (Blame.INFRA, "provider_unavailable")


async def test_our_own_mistake_in_a_stream_still_gives_it_an_end(
    open_door: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(tap: ChatTap, chunk: bytes) -> None:
        raise LookupError("a bug")

    async with faulty_provider(CHAT, True, faults.overloaded_later) as provider:
        opened = await open_door(settings([]), upstream=provider.url)
        feed = ChatTap.feed
        monkeypatch.setattr(ChatTap, "feed", lambda tap, chunk: (feed(tap, chunk), later())[0])

        def later() -> None:
            monkeypatch.setattr(ChatTap, "feed", broken)

        status, body = await CHAT.ask(opened, True)
        monkeypatch.undo()
        assert (status, CHAT.read(body, True).complete) == (200, True)
        failure = opened.door.verdict()
        assert failure is not None
        assert (failure.kind, failure.code) == (Blame.HARNESS, "gateway_bug")


async def test_a_storm_against_a_bad_key_sends_one_request(open_door: Opening) -> None:
    sample = SAMPLES[0]
    async with faulty_provider(sample, False, faults.failing(401)) as provider:
        opened = await open_door(settings([]), wire=sample.wire, upstream=provider.url)
        for _ in range(20):
            assert (await sample.ask(opened, False))[0] == 401
        assert provider.arrived == 1
        assert opened.door.usage().requests == 1
        assert len(opened.door.exchanges) == 20
