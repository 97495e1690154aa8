"""Model calls through a door: exact bytes, usage, cost, transcript, keys, verdicts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from fake_provider import CANARY, CHAT, PRICES, Opening, Provider, completion

from runner.core.records import UNKNOWN_USAGE, Blame, Limits, Model, Usage
from runner.gateway.calls.forwarding import PLAIN_REPLY_BYTES
from runner.gateway.door import DoorSpec, open_gateway
from runner.gateway.metering.ledger import Exchange
from runner.gateway.settings import GatewaySettings
from runner.gateway.wire import Fault

EVENTS = [
    b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
    b': keep-alive\n\ndata: {"choices":[{"index":0,"delta":{"content":"Hel',
    b'lo"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1",',
    b'"function":{"name":"bash","arguments":"{\\"command\\": "}}]}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,'
    b'"function":{"arguments":"\\"ls\\"}"}}]}}]}\r\n\r\n',
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":7,"total_tokens":57,'
    b'"prompt_tokens_details":{"cached_tokens":20}}}\n\ndata: [DONE]\n\n',
]


async def test_a_plain_reply_passes_byte_for_byte(open_door: Opening, provider: Provider) -> None:
    opened = await open_door()
    body = b'{ "model":"mock-1",\n "messages": [{"role":"user","content":"\\u00e9"}], "odd": 1e3 }'
    status, reply = await opened.post(body)
    assert (status, reply) == (200, completion())
    assert provider.bodies == [body]


async def test_a_stream_passes_byte_for_byte_and_is_metered(open_door: Opening, provider: Provider) -> None:
    provider.stream(EVENTS)
    opened = await open_door(prices=PRICES)
    status, reply = await opened.ask(stream=True)
    assert (status, reply) == (200, b"".join(EVENTS))
    [exchange] = await opened.settled(1)
    assert exchange.usage.input_tokens == 50
    assert exchange.usage.cached_input_tokens == 20
    assert exchange.usage.output_tokens == 7
    assert exchange.usage.cost_usd == pytest.approx((30 * 1.0 + 20 * 0.1 + 7 * 10.0) / 1e6)
    assert exchange.command == "ls"
    assert exchange.ttfb_s is not None
    assert exchange.ttfb_s <= exchange.wall_s
    [line] = opened.transcript
    assert line["reply"]["text"] == "Hello"
    assert line["reply"]["tool_calls"] == [{"id": "c1", "name": "bash", "arguments": '{"command": "ls"}'}]


async def test_chunks_are_passed_on_as_they_come(open_door: Opening, provider: Provider) -> None:
    go_on = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(EVENTS[0])
        await go_on.wait()
        await response.write(b"data: [DONE]\n\n")
        return response

    provider.answer = answer
    opened = await open_door()
    body = {"model": "mock-1", "messages": [], "stream": True}
    headers = {"Authorization": f"Bearer {opened.door.token}"}
    async with asyncio.timeout(5), opened.client.post(CHAT, json=body, headers=headers) as reply:
        assert await reply.content.readany() == EVENTS[0]
        go_on.set()
        assert await reply.content.read() == b"data: [DONE]\n\n"


async def test_a_stream_asks_for_usage_and_keeps_the_rest_of_the_body(
    open_door: Opening, provider: Provider
) -> None:
    provider.stream(EVENTS)
    opened = await open_door()
    await opened.post(b'{"model":"mock-1","messages":[ ],"stream":true}\n')
    assert provider.bodies == [
        b'{"model":"mock-1","messages":[ ],"stream":true,"stream_options": {"include_usage": true}}'
    ]
    asking = b'{"model":"mock-1","messages":[],"stream":true,"stream_options":{"include_usage":true}}'
    await opened.post(asking)
    assert provider.bodies[1] == asking
    await opened.post(b'{"model":"mock-1","messages":[],"stream":true,"stream_options":{"x":1}}')
    assert json.loads(provider.bodies[2])["stream_options"] == {"x": 1, "include_usage": True}


async def test_the_models_parameters_are_added(open_door: Opening, provider: Provider) -> None:
    opened = await open_door(params={"temperature": 0.5, "max_tokens": 9})
    await opened.post(b'{"model":"mock-1","messages":[]}')
    await opened.post(b'{"model":"mock-1","messages":[],"temperature":1}')
    assert provider.bodies[0] == b'{"model":"mock-1","messages":[],"temperature": 0.5, "max_tokens": 9}'
    assert json.loads(provider.bodies[1])["temperature"] == 0.5


async def test_unknown_usage_and_unknown_prices_are_none(open_door: Opening, provider: Provider) -> None:
    provider.respond(completion(nothing=True))
    opened = await open_door(prices=PRICES)
    await opened.ask()
    assert opened.door.usage("build") == UNKNOWN_USAGE


async def test_tokens_without_a_price_cost_none(open_door: Opening) -> None:
    opened = await open_door()
    await opened.ask()
    assert opened.door.usage() == Usage(
        requests=1,
        input_tokens=100,
        cached_input_tokens=0,
        reasoning_tokens=None,
        output_tokens=10,
        cost_usd=None,
    )


async def test_known_models_are_priced_by_the_table(open_door: Opening) -> None:
    opened = await open_door(provider="anthropic", name="claude-opus-4-7")
    await opened.ask(model="claude-opus-4-7")
    cost = opened.door.usage().cost_usd
    assert cost is not None
    assert cost > 0


async def test_phases_are_counted_apart_and_add_up(open_door: Opening) -> None:
    opened = await open_door(prices=PRICES)
    await opened.ask()
    opened.door.begin_phase("prove", Limits())
    await opened.ask()
    await opened.ask()
    assert opened.door.usage("build").requests == 1
    assert opened.door.usage("prove").input_tokens == 200
    assert opened.door.usage().requests == 3
    assert [e.n for e in opened.seen] == [1, 2, 3]
    assert [line["phase"] for line in opened.transcript] == ["build", "prove", "prove"]


async def test_only_the_provider_sees_the_key(open_door: Opening, provider: Provider) -> None:
    opened = await open_door()
    half = len(CANARY) // 2
    chunks = [b'data: {"choices":[{"delta":{"content":"', CANARY[:half].encode()]
    provider.stream([*chunks, CANARY[half:].encode(), b'"}}]}\n\ndata: [DONE]\n\n'])
    status, reply = await opened.ask(stream=True)
    assert reply == chunks[0] + b'[key removed]"}}]}\n\ndata: [DONE]\n\n'
    echo = json.dumps({"error": {"message": f"Incorrect API key provided: {CANARY}"}}).encode()
    provider.respond(echo, 401, {"X-Key": CANARY, "Retry-After": CANARY})
    status, reply = await opened.ask(messages=[{"role": "user", "content": f"is it {CANARY}?"}])
    assert status == 401
    assert provider.headers[0]["Authorization"] == f"Bearer {CANARY}"
    assert CANARY.encode() not in reply
    await opened.settled(2)
    assert len(opened.transcript) == 2
    for file in opened.folder.iterdir():
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes()
            assert opened.door.token.encode() not in file.read_bytes()
    assert CANARY not in repr(opened.seen)


async def test_no_header_of_the_agent_reaches_the_provider(open_door: Opening, provider: Provider) -> None:
    opened = await open_door()
    headers = {"Authorization": f"Bearer {opened.door.token}", "X-Private": "1", "Cookie": "a=b"}
    body = {"model": "mock-1", "messages": []}
    async with opened.client.post(CHAT, json=body, headers=headers) as reply:
        assert reply.status == 200
    assert opened.door.token not in repr(provider.headers)
    assert not {"X-Private", "Cookie"} & provider.headers[0].keys()


async def test_a_wrong_token_is_refused(open_door: Opening, provider: Provider) -> None:
    opened = await open_door()
    status, reply = await opened.post(b'{"model":"mock-1","messages":[]}', token="guess")
    assert status == 401
    assert json.loads(reply)["error"]["type"] == "authentication_error"
    async with opened.client.get("http://door/v1/models") as listing:
        assert listing.status == 401
    assert (provider.bodies, opened.door.exchanges) == ([], ())


async def test_the_models_list_names_the_one_model(open_door: Opening) -> None:
    opened = await open_door()
    headers = {"Authorization": f"Bearer {opened.door.token}"}
    async with opened.client.get("http://door/v1/models", headers=headers) as reply:
        assert [m["id"] for m in (await reply.json())["data"]] == ["mock-1"]
    async with opened.client.get("http://door/v1/files", headers=headers) as reply:
        assert reply.status == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"model":"other","messages":[]}', 404),
        (b'{"model":"mock-1"}', 400),
        (b"[]", 400),
        (b"not json", 400),
        (b"\xff\xfe{\x00}\x00", 400),
        (b"[" * 100_000, 400),
        (b'{"model":"mock-1","messages":[],"n":' + b"9" * 5000 + b"}", 400),
    ],
)
async def test_requests_that_make_no_sense_are_refused_and_entered(
    open_door: Opening, provider: Provider, body: bytes, status: int
) -> None:
    opened = await open_door()
    answered, reply = await opened.post(body)
    assert answered == status
    assert json.loads(reply)["error"]["message"]
    [exchange] = opened.door.exchanges
    assert (exchange.fault, exchange.usage.requests) == (Fault.BAD_REQUEST, 0)
    assert provider.bodies == []
    assert opened.door.verdict() is None


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (429, "", "rate_limited"),
        (500, "", "provider_unavailable"),
        (529, "overloaded", "provider_unavailable"),
        (400, "unknown parameter", "request_refused"),
        (400, "maximum context length is 8192 tokens", None),
    ],
)
async def test_the_verdict_follows_the_last_call(
    open_door: Opening, provider: Provider, status: int, text: str, code: str | None
) -> None:
    opened = await open_door()
    provider.respond(json.dumps({"error": {"message": text}}).encode(), status, {"Retry-After": "7"})
    body = json.dumps({"model": "mock-1", "messages": []})
    headers = {"Authorization": f"Bearer {opened.door.token}"}
    async with opened.client.post(CHAT, data=body, headers=headers) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (status, "7")
    failure = opened.door.verdict()
    assert (failure and failure.code) == code
    assert failure is None or failure.kind is Blame.INFRA
    assert opened.door.usage() == Usage(requests=len(provider.bodies)), "an error is not billed"
    provider.respond(completion())
    await opened.ask()
    assert opened.door.verdict() is None


async def test_an_unreachable_provider_is_infra_and_costs_nothing(open_door: Opening) -> None:
    opened = await open_door(upstream="http://127.0.0.1:1/v1")
    status, reply = await opened.ask()
    assert (status, json.loads(reply)["error"]["code"]) == (502, "provider_unavailable")
    failure = opened.door.verdict()
    assert failure is not None
    assert failure.code == "provider_unavailable"
    assert opened.door.usage() == Usage(requests=4), "each try counts"


async def test_a_provider_that_stays_silent_is_given_up(open_door: Opening, provider: Provider) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    provider.answer = answer
    opened = await open_door(GatewaySettings(reply_s=0.2))
    status, _ = await opened.ask()
    assert status == 502
    assert opened.door.usage().input_tokens is None, "it may have been billed"


@pytest.mark.parametrize("cut", [True, False])
async def test_a_stream_that_breaks_off_still_gets_its_end(
    open_door: Opening, provider: Provider, cut: bool
) -> None:
    provider.stream(EVENTS[:3], cut=cut)
    opened = await open_door()
    _, reply = await opened.ask(stream=True)
    assert reply.startswith(b"".join(EVENTS[:3]))
    assert reply.endswith(b"data: [DONE]\n\n")
    assert b'"code":"provider_unavailable"' in reply
    await opened.settled(1)
    failure = opened.door.verdict()
    assert failure is not None
    assert failure.code == "provider_unavailable"


async def test_an_error_inside_a_reply_of_status_200_is_seen(open_door: Opening, provider: Provider) -> None:
    provider.respond(b'{"error":{"message":"overloaded","code":503}}')
    opened = await open_door()
    status, reply = await opened.ask()
    assert (status, json.loads(reply)["error"]["message"]) == (503, "overloaded")
    failure = opened.door.verdict()
    assert failure is not None
    assert "overloaded" in failure.message


async def test_an_agent_that_leaves_is_entered_and_not_blamed_on_the_provider(
    open_door: Opening, provider: Provider
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    provider.answer = answer
    opened = await open_door()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await opened.ask()
    [exchange] = await opened.settled(1)
    assert exchange.fault is Fault.AGENT_LEFT
    assert exchange.usage.input_tokens is None
    assert opened.door.verdict() is None


async def test_redirects_are_not_followed_with_the_key(open_door: Opening, provider: Provider) -> None:
    provider.respond(b"{}", 302, {"Location": provider.url + "/elsewhere"})
    opened = await open_door()
    assert (await opened.ask())[0] == 302
    assert len(provider.bodies) == 1


async def test_a_transcript_that_cannot_be_written_fails_the_run(open_door: Opening) -> None:
    opened = await open_door(transcript=Path("/dev/full"))
    await opened.ask()
    failure = opened.door.verdict()
    assert failure is not None
    assert (failure.kind, failure.code) == (Blame.INFRA, "transcript_lost")
    assert (await opened.ask())[0] == 503


async def test_our_own_mistake_is_told_from_theirs(open_door: Opening) -> None:
    def broken(exchange: Exchange) -> None:
        raise LookupError("a bug")

    opened = await open_door(on_exchange=broken)
    await opened.ask()
    failure = opened.door.verdict()
    assert failure is not None
    assert (failure.kind, failure.code) == (Blame.HARNESS, "gateway_bug")


async def test_the_transcript_tells_an_exchange(open_door: Opening) -> None:
    opened = await open_door(prices=PRICES)
    await opened.ask(messages=[{"role": "user", "content": "hi\nthere"}])
    [line] = opened.transcript
    assert line["request"]["messages"][0]["content"] == "hi\nthere"
    assert line["reply"]["text"] == "hello"
    assert line["usage"] == {
        "requests": 1,
        "input_tokens": 100,
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
        "output_tokens": 10,
        "reasoning_tokens": None,
    }
    assert line["cost_usd"] == pytest.approx(0.0002)
    assert (line["n"], line["phase"], line["status"], line["fault"]) == (1, "build", 200, None)


async def test_requests_of_many_lines_fit_on_one(open_door: Opening) -> None:
    opened = await open_door()
    await opened.post(b'{"model":\r\n"mock-1",\n"messages":[]}')
    assert opened.transcript[0]["request"] == {"model": "mock-1", "messages": []}


async def test_eight_at_once_are_all_entered(open_door: Opening, provider: Provider) -> None:
    provider.stream(EVENTS)
    opened = await open_door()
    replies = await asyncio.gather(*(opened.ask(stream=True) for i in range(8)))
    assert {status for status, _ in replies} == {200}
    await opened.settled(8)
    assert opened.door.usage().requests == 8
    assert sorted(line["n"] for line in opened.transcript) == list(range(1, 9))


async def test_closing_the_door_enters_what_is_in_flight(folder: Path, provider: Provider) -> None:
    arrived = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(30)
        return web.Response()

    provider.answer = answer
    model = Model(id="m/m", provider="m", name="mock-1", wire="openai_chat", upstream=provider.url)
    spec = DoorSpec(folder / "s", model, CANARY, folder / "transcript.jsonl", folder / "downloads.jsonl")
    connector = aiohttp.UnixConnector(str(spec.socket))
    async with aiohttp.ClientSession(connector=connector) as client, open_gateway() as gateway:
        async with gateway.open_door(spec, lambda exchange: None) as door:
            headers = {"Authorization": f"Bearer {door.token}"}
            body = {"model": "mock-1", "messages": []}
            asking = asyncio.create_task(client.post(CHAT, json=body, headers=headers).__aenter__())
            await arrived.wait()
        assert [e.fault for e in door.exchanges] == [Fault.AGENT_LEFT]
        assert len(spec.transcript.read_text().splitlines()) == 1
        with pytest.raises(aiohttp.ClientError):
            await asking
    assert not spec.socket.exists()


async def test_a_reply_that_is_too_large_is_not_held_in_memory(
    open_door: Opening, provider: Provider
) -> None:
    provider.respond(b" " * (PLAIN_REPLY_BYTES + 1))
    opened = await open_door()
    status, reply = await opened.ask()
    assert (status, b"too large" in reply) == (502, True)
    assert opened.door.usage().input_tokens is None
