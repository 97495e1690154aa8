"""Every wire format through a real door: exact bytes, chunk by chunk, metered, the key on one side only."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from fake_provider import CANARY, PRICES, Opened, Opening, Provider
from wire_samples import GEMINI, MESSAGES, SAMPLES, Sample

from runner.core.records import Limits
from runner.gateway.wire import Fault

every_wire = pytest.mark.parametrize("sample", SAMPLES, ids=repr)
both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])


async def door_for(sample: Sample, open_door: Opening, provider: Provider, **fields: Any) -> Opened:
    upstream = provider.url.removesuffix("/v1") + sample.upstream
    return await open_door(wire=sample.wire, upstream=upstream, **fields)


def answer_with(sample: Sample, provider: Provider, stream: bool) -> bytes:
    if stream:
        provider.stream(sample.chunks)
        return b"".join(sample.chunks)
    provider.respond(sample.plain)
    return sample.plain


@every_wire
@both_ways
async def test_bytes_pass_exactly_both_ways_and_are_metered_to_the_token(
    open_door: Opening, provider: Provider, sample: Sample, stream: bool
) -> None:
    opened = await door_for(sample, open_door, provider, prices=PRICES)
    expected = answer_with(sample, provider, stream)
    assert await sample.ask(opened, stream) == (200, expected)
    assert provider.bodies == [sample.body(stream)]
    assert provider.paths == [sample.stream_path if stream else sample.path]
    [exchange] = await opened.settled(1)
    usage, tokens = exchange.usage, sample.reply.tokens
    assert tokens is not None
    assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens) == (1200, 1024, 90)
    assert (usage.cache_write_tokens, usage.reasoning_tokens) == (tokens.cache_write, tokens.reasoning)
    assert usage.cost_usd is not None
    assert usage.cost_usd > 0
    assert (exchange.stream, exchange.command, exchange.fault) == (stream, "pwd", None)
    [line] = opened.transcript
    assert line["reply"]["text"] == sample.reply.text
    assert line["reply"]["reasoning"] == "Hm."
    assert [call["arguments"] for call in line["reply"]["tool_calls"]] == [
        call.arguments for call in sample.reply.tool_calls
    ]
    assert line["request"] == json.loads(sample.body(stream))


@every_wire
async def test_each_chunk_is_passed_on_before_the_next_is_sent(
    open_door: Opening, provider: Provider, sample: Sample
) -> None:
    seen = asyncio.Semaphore(0)

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for chunk in sample.chunks:
            await response.write(chunk)
            await seen.acquire()
        return response

    provider.answer = answer
    opened = await door_for(sample, open_door, provider)
    async with asyncio.timeout(10), sample.asking(opened, True) as reply:
        for chunk in sample.chunks:
            assert await reply.content.readexactly(len(chunk)) == chunk
            seen.release()
        assert await reply.content.read() == b""


@every_wire
@both_ways
async def test_only_the_provider_sees_the_key_and_it_never_sees_the_token(
    open_door: Opening, provider: Provider, sample: Sample, stream: bool
) -> None:
    opened = await door_for(sample, open_door, provider)
    half = len(CANARY) // 2
    before, after = answer_with(sample, provider, stream).split(b"I will", 1)
    if stream:
        leak = [before + CANARY[:half].encode(), CANARY[half:].encode() + after]
        provider.stream(leak)
    else:
        provider.respond(before + CANARY.encode() + after, headers={"X-Key": CANARY})
    status, reply = await sample.ask(opened, stream)
    assert (status, b"[key removed]" in reply) == (200, True)
    provider.respond(sample.speaker.error(401, "x", f"Incorrect key: {CANARY}"), 401)
    status, refused = await sample.ask(opened, stream)
    await opened.settled(2)
    assert status == 401
    assert CANARY.encode() not in reply + refused
    assert CANARY in repr(provider.headers)
    assert opened.door.token not in repr((provider.headers, provider.bodies, provider.paths))
    for file in opened.folder.iterdir():
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes()
            assert opened.door.token.encode() not in file.read_bytes()
    assert CANARY not in repr(opened.seen)


@every_wire
@pytest.mark.parametrize("is_cut", [True, False])
async def test_a_stream_that_breaks_off_still_gets_its_end(
    open_door: Opening, provider: Provider, sample: Sample, is_cut: bool
) -> None:
    provider.stream(sample.chunks[:3], cut=is_cut)
    opened = await door_for(sample, open_door, provider)
    status, body = await sample.ask(opened, True)
    sent = b"".join(sample.chunks[:3])
    assert status == 200
    assert body.startswith(sent)
    assert body.endswith(sample.final)
    told = sample.read(body, True)
    assert told.complete
    assert told.error
    [exchange] = await opened.settled(1)
    assert (exchange.status, exchange.fault) == (502, Fault.PROVIDER_UNAVAILABLE)
    assert exchange.usage.output_tokens is None, "what a cut stream cost is not known"


@every_wire
async def test_the_doors_own_answers_have_the_formats_shape(
    open_door: Opening, provider: Provider, sample: Sample
) -> None:
    opened = await door_for(sample, open_door, provider, limits=Limits(input_tokens=1))
    post = opened.client.post
    right, wrong = sample.headers(opened.door.token), sample.headers("guess")
    elsewhere = sample.url(False).replace("mock-1", "other")
    other_model = sample.body(False, **({"model": "other"} if "model" in sample.asked else {}))
    answers = [
        (401, await _answer(post(sample.url(False), data=sample.body(False), headers=wrong))),
        (404, await _answer(post("http://door/v1/nothing", data=b"{}", headers=right))),
        (404, await _answer(post(elsewhere, data=other_model, headers=right))),
        (400, await _answer(post(sample.url(False), data=b"{}", headers=right))),
        (400, await _answer(post(sample.url(True), data=b"[]", headers=right))),
        (sample.speaker.stop_status, await _answer(sample.asking(opened, False))),
    ]
    for expected, (status, body) in answers:
        assert status == expected
        shape = sample.speaker.error(status, "x", "y")
        assert json.loads(body).keys() == json.loads(shape).keys()
        assert json.loads(body)["error"].keys() == json.loads(shape)["error"].keys()
        assert json.loads(body)["error"]["message"]
    assert opened.door.refusal() is not None
    assert provider.bodies == []


async def _answer(asking: Any) -> tuple[int, bytes]:
    async with asking as reply:
        return reply.status, await reply.read()


@every_wire
async def test_the_models_list_names_the_one_model(
    open_door: Opening, provider: Provider, sample: Sample
) -> None:
    opened = await door_for(sample, open_door, provider)
    url = "http://door" + sample.speaker.models_path
    headers = sample.headers(opened.door.token)
    status, body = await _answer(opened.client.get(url, headers=headers))
    listed = json.loads(body)
    [model] = listed.get("data") or listed["models"]
    assert (status, (model.get("id") or model["name"]).removeprefix("models/")) == (200, "mock-1")
    status, _ = await _answer(opened.client.get(url, headers=sample.headers("guess")))
    assert status == 401


@every_wire
async def test_the_models_parameters_are_added(
    open_door: Opening, provider: Provider, sample: Sample
) -> None:
    answer_with(sample, provider, False)
    opened = await door_for(sample, open_door, provider, params={"temperature": 0.5})
    assert (await sample.ask(opened, False))[0] == 200
    assert json.loads(provider.bodies[0]) == {**json.loads(sample.body(False)), "temperature": 0.5}


@every_wire
async def test_a_reply_without_usage_is_of_unknown_usage(
    open_door: Opening, provider: Provider, sample: Sample
) -> None:
    opened = await door_for(sample, open_door, provider, prices=PRICES)
    document = {k: v for k, v in json.loads(sample.plain).items() if k not in ("usage", "usageMetadata")}
    provider.respond(json.dumps(document).encode())
    assert (await sample.ask(opened, False))[0] == 200
    usage = opened.door.usage()
    assert (usage.requests, usage.input_tokens, usage.output_tokens, usage.cost_usd) == (1, None, None, None)
    assert opened.door.verdict() is None


async def test_an_overload_inside_a_stream_of_status_200_is_told(
    open_door: Opening, provider: Provider
) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    event = f"event: error\ndata: {json.dumps(error)}\n\n".encode()
    provider.stream([*MESSAGES.chunks[:3], b'"}}\n\n', event])
    opened = await door_for(MESSAGES, open_door, provider)
    _, body = await MESSAGES.ask(opened, True)
    assert event in body
    assert body.endswith(MESSAGES.final)
    await opened.settled(1)
    failure = opened.door.verdict()
    assert failure is not None
    assert (failure.code, "Overloaded" in failure.message) == ("provider_unavailable", True)


async def test_anthropic_versions_and_betas_go_on_and_a_version_is_always_there(
    open_door: Opening, provider: Provider
) -> None:
    opened = await door_for(MESSAGES, open_door, provider)
    provider.respond(MESSAGES.plain)
    await MESSAGES.ask(opened, False)
    own = {"anthropic-version": "2024-01-01", "anthropic-beta": "a-1,b-2", "x-stainless-os": "Linux"}
    headers = {"Authorization": f"Bearer {opened.door.token}", **own}
    await _answer(opened.client.post(MESSAGES.url(True), data=MESSAGES.body(False), headers=headers))
    first, second = ({k.lower(): v for k, v in sent.items()} for sent in provider.headers)
    assert (first["anthropic-version"], first["x-api-key"]) == ("2023-06-01", CANARY)
    assert "anthropic-beta" not in first
    assert (second["anthropic-version"], second["anthropic-beta"]) == ("2024-01-01", "a-1,b-2")
    assert "x-stainless-os" not in second
    assert provider.paths[1] == "/v1/messages?beta=true"


@pytest.mark.parametrize(
    ("sample", "path"),
    [
        (MESSAGES, "/v1/messages/count_tokens?beta=true"),
        (GEMINI, "/v1beta/models/mock-1:countTokens"),
        (GEMINI, "/v1beta/models/mock-1:embedContent"),
        (GEMINI, "/v1beta/cachedContents"),
    ],
)
async def test_what_is_no_model_call_is_not_offered(
    open_door: Opening, provider: Provider, sample: Sample, path: str
) -> None:
    opened = await door_for(sample, open_door, provider)
    headers = sample.headers(opened.door.token)
    asking = opened.client.post("http://door" + path, data=sample.body(False), headers=headers)
    status, body = await _answer(asking)
    assert status == 404
    assert "error" in json.loads(body)
    assert (provider.bodies, opened.door.exchanges) == ([], ())


@pytest.mark.parametrize("place", ["?key=%s&alt=sse", "?alt=sse&%%6Bey=%s", "?alt=sse&key=%s&key=x"])
async def test_a_gemini_key_in_the_query_is_the_token_and_stays_here(
    open_door: Opening, provider: Provider, place: str
) -> None:
    opened = await door_for(GEMINI, open_door, provider)
    expected = answer_with(GEMINI, provider, True)
    url = "http://door/v1beta/models/mock-1:streamGenerateContent" + place % opened.door.token
    assert await _answer(opened.client.post(url, data=GEMINI.body(True))) == (200, expected)
    assert provider.paths == [GEMINI.stream_path]
    assert provider.headers[0]["x-goog-api-key"] == CANARY
    await opened.settled(1)
    assert opened.door.token not in (opened.folder / "transcript.jsonl").read_text()


async def test_a_gemini_stream_that_is_no_event_stream_is_refused_with_the_reason(
    open_door: Opening, provider: Provider
) -> None:
    opened = await door_for(GEMINI, open_door, provider)
    headers = GEMINI.headers(opened.door.token)
    url = "http://door/v1beta/models/mock-1:streamGenerateContent"
    status, body = await _answer(opened.client.post(url, data=GEMINI.body(True), headers=headers))
    assert (status, json.loads(body)["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "alt=sse" in json.loads(body)["error"]["message"]
    assert provider.bodies == []
