"""Replaying a cassette: which reply a request gets, faults, and how the first divergence is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fake_provider import CANARY, CHAT, PRICES, Provider, completion
from tape import MODEL, Tape, call, heard

from runner.core.errors import ArchiveError, UpstreamError
from runner.core.records import Limits, Model, Usage
from runner.core.replay import Replayed
from runner.gateway.calls.upstream import Call, NeverSent
from runner.gateway.door import DoorSpec, open_gateway
from runner.gateway.recording.cassette import recording
from runner.gateway.recording.redaction import Redactor
from runner.gateway.recording.replay import ReplayUpstream, open_replay
from runner.gateway.recording.transcript import JsonLines
from runner.gateway.wires.openai_chat import WIRE

TOOLS = [{"type": "function", "function": {"name": "bash"}}]


def asked(*said: str, phase: str = "build", **fields: Any) -> Call:
    """A request of the main conversation after so many command outputs."""
    messages = [{"role": "user", "content": "Build it."}]
    messages += [{"role": "tool", "tool_call_id": f"c{n}", "content": text} for n, text in enumerate(said)]
    return call(json.dumps({"model": "m", "messages": messages, "tools": TOOLS, **fields}).encode(), phase)


def titled(text: str) -> Call:
    """A side request, without tools."""
    return call(json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode())


async def replay_of(path: Path, *pairs: tuple[Call, Tape]) -> ReplayUpstream:
    """A replay of a run in which these calls got these answers, one after the other."""
    tape = Tape()
    with recording(tape, path, MODEL, Redactor(None), pytest.fail) as recorder:
        for this, answer in pairs:
            vars(tape).update(vars(answer))
            with suppress(UpstreamError):
                await heard(recorder, this)
    return await open_replay(path, WIRE)


def said(*words: bytes) -> Tape:
    return Tape(words)


async def test_each_request_gets_its_own_reply_in_whatever_order(tmp_path: Path) -> None:
    replay = await replay_of(
        tmp_path / "c", (asked(), said(b"1", b"2")), (asked("x"), said(b"3")), (titled("t"), said(b"4"))
    )
    assert await heard(replay, titled("t")) == [b"4"]
    assert await heard(replay, asked()) == [b"1", b"2"]
    assert await heard(replay, asked("x")) == [b"3"]
    assert replay.replayed == Replayed(requests=3, as_recorded=3, unplayed=0, divergence=None)


async def test_the_same_request_gets_its_replies_one_after_the_other(tmp_path: Path) -> None:
    replay = await replay_of(tmp_path / "c", *((asked(), said(word)) for word in (b"1", b"2", b"3")))
    assert [await heard(replay, asked()) for _ in range(3)] == [[b"1"], [b"2"], [b"3"]]
    assert replay.replayed.divergence is None


async def test_side_requests_that_come_in_another_order_are_no_divergence(tmp_path: Path) -> None:
    replay = await replay_of(tmp_path / "c", (titled("a"), said(b"1")), (titled("b"), said(b"2")))
    async with replay.send(titled("b")) as first, replay.send(titled("a")) as second:
        assert [chunk async for chunk in second.chunks] == [b"1"]
        assert [chunk async for chunk in first.chunks] == [b"2"]
    assert replay.replayed.divergence is None


async def test_phases_do_not_answer_for_each_other(tmp_path: Path) -> None:
    replay = await replay_of(
        tmp_path / "c", (asked(), said(b"1")), (asked(phase="prove"), said(b"2")), (asked("x"), said(b"3"))
    )
    assert await heard(replay, asked(phase="prove")) == [b"2"]
    [refusal] = await heard(replay, asked(phase="prove"))
    assert b"no further reply" in refusal


async def test_a_run_plays_on_after_its_first_divergence(tmp_path: Path) -> None:
    replay = await replay_of(
        tmp_path / "c",
        (asked(), said(b"1")),
        (titled("t"), said(b"title")),
        (asked("random 4711"), said(b"2")),
        (asked("random 4711", "ok"), said(b"3")),
    )
    assert await heard(replay, asked()) == [b"1"]
    assert await heard(replay, asked("random 815")) == [b"2"]  # not the title: that has no tools
    assert await heard(replay, titled("t")) == [b"title"]
    assert await heard(replay, asked("random 815", "ok")) == [b"3"]
    told = replay.replayed
    assert (told.requests, told.as_recorded, told.unplayed) == (4, 2, 0)
    first = told.divergence
    assert first is not None
    assert (first.request, first.recorded, first.phase, first.where) == (2, 3, "build", "messages[1].content")
    assert (first.was, first.now) == ("random 4711", "random 815")
    assert "request 2 (phase build)" in first.message


async def test_a_conversation_keeps_to_its_own_replies(tmp_path: Path) -> None:
    def sub(text: str) -> Call:
        messages = [{"role": "user", "content": "Look into it."}, {"role": "tool", "content": text}]
        return call(json.dumps({"model": "m", "messages": messages, "tools": TOOLS}).encode())

    replay = await replay_of(tmp_path / "c", (sub("a"), said(b"sub")), (asked("a"), said(b"main")))
    assert await heard(replay, asked("b")) == [b"main"]
    assert await heard(replay, sub("b")) == [b"sub"]


async def test_an_agent_of_another_version_gets_the_replies_in_order(tmp_path: Path) -> None:
    replay = await replay_of(tmp_path / "c", (asked(), said(b"1")), (asked("x"), said(b"2")))
    assert [await heard(replay, asked(*s, temperature=1)) for s in ((), ("x",))] == [[b"1"], [b"2"]]
    first = replay.replayed.divergence
    assert first is not None
    assert (first.where, first.was, first.now) == ("temperature", "(nothing)", "1")


async def test_a_request_too_many_ends_the_agent_and_is_told(tmp_path: Path) -> None:
    replay = await replay_of(tmp_path / "c", (asked(), said(b"1")))
    await heard(replay, asked())
    async with replay.send(asked()) as answer:
        assert answer.status == WIRE.stop_status
        body = b"".join([chunk async for chunk in answer.chunks])
    assert json.loads(body)["error"]["code"] == "replay_ended"
    first = replay.replayed.divergence
    assert first is not None
    assert first.message == "request 2 (phase build) repeats an earlier one more often than was recorded"


async def test_a_longer_run_is_told(tmp_path: Path) -> None:
    replay = await replay_of(tmp_path / "c", (asked(), said(b"1")))
    await heard(replay, asked())
    await heard(replay, asked("x"))
    first = replay.replayed.divergence
    assert first is not None
    assert "no recorded reply left" in first.message


async def test_a_shorter_run_is_told(tmp_path: Path) -> None:
    replay = await replay_of(tmp_path / "c", (asked(), said(b"1")), (asked("x"), said(b"2")))
    await heard(replay, asked())
    told = replay.replayed
    assert told.unplayed == 1
    assert told.divergence is not None
    assert "1 recorded reply was never asked for" in told.divergence.message
    assert told.divergence.recorded == 2


# --- faults


async def test_faults_come_back_as_they_were_but_waiting_does_not(tmp_path: Path) -> None:
    headers = {"Content-Type": "application/json", "Retry-After": "3600"}
    replay = await replay_of(
        tmp_path / "c",
        (asked(), Tape([b"slow down"], status=429, headers=headers)),
        (asked(), Tape([b"a", b"b"], broken=UpstreamError("broke off"))),
        (asked(), Tape(refused=UpstreamError("silent"))),
        (asked(), Tape(refused=NeverSent("no route"))),
        (asked(), said(b"at last")),
    )
    async with replay.send(asked()) as answer:
        assert (answer.status, answer.headers) == (429, {**headers, "Retry-After": "0"})
    async with replay.send(asked()) as answer:
        assert [await anext(answer.chunks) for _ in range(2)] == [b"a", b"b"]
        with pytest.raises(UpstreamError, match="broke off"):
            await anext(answer.chunks)
    with pytest.raises(UpstreamError, match="silent") as silent:
        await heard(replay, asked())
    assert not isinstance(silent.value, NeverSent)
    with pytest.raises(NeverSent, match="no route"):
        await heard(replay, asked())
    assert await heard(replay, asked()) == [b"at last"]
    assert replay.replayed.divergence is None


async def test_a_damaged_cassette_is_named(tmp_path: Path) -> None:
    with JsonLines(tmp_path / "c", Redactor(None)) as lines:
        lines.write({"cassette": 1})
        lines.write({"n": 1})
    with pytest.raises(ArchiveError, match="line 2: the cassette is damaged"):
        await open_replay(tmp_path / "c", WIRE)


# --- through doors


class Doors:
    """Opens one door after the other and asks the same of each."""

    def __init__(self, folder: Path, model: Model) -> None:
        self.folder, self.model = folder, model

    async def ask(
        self, name: str, questions: Sequence[str], replay: str | None = None
    ) -> tuple[Usage, Replayed | None, list[tuple[int, bytes]]]:
        spec = DoorSpec(
            socket=self.folder / f"{name}.sock",
            model=self.model,
            key=None if replay else CANARY,
            transcript=self.folder / f"{name}.transcript",
            downloads=self.folder / f"{name}.downloads",
            cassette=self.folder / name,
            replay=self.folder / replay if replay else None,
        )
        replies = []
        async with open_gateway() as gateway, gateway.open_door(spec, lambda exchange: None) as door:
            door.begin_phase("build", Limits())
            headers = {"Authorization": f"Bearer {door.token}"}
            connector = aiohttp.UnixConnector(str(spec.socket))
            async with aiohttp.ClientSession(connector=connector, headers=headers) as client:
                for question in questions:
                    messages = [{"role": "user", "content": question}]
                    body = {"model": "m", "messages": messages, "stream": "stream" in question}
                    async with client.post(CHAT, json=body) as reply:
                        replies.append((reply.status, await reply.read()))
            return door.usage(), door.replayed, replies


@pytest.fixture
def doors(folder: Path, provider: Provider) -> Doors:
    return Doors(folder, MODEL.model_copy(update={"upstream": provider.url, "prices": PRICES}))


STREAM = [
    b'data: {"choices":[{"index":0,"delta":{"content":"Hel',
    b'lo"}}]}\n\ndata: {"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":7}}\n\n',
    b"data: [DONE]\n\n",
]


async def test_a_replay_through_a_door_gives_the_same_replies_and_totals(
    doors: Doors, provider: Provider
) -> None:
    provider.stream(STREAM)
    first = await doors.ask("stream", ["stream it"])
    provider.respond(completion("two"))
    second = await doors.ask("plain", ["now", "again"])
    seen = len(provider.bodies)
    for name, questions, (usage, _, replies) in (
        ("stream", ["stream it"], first),
        ("plain", ["now", "again"], second),
    ):
        again = await doors.ask(f"{name}2", questions, replay=name)
        assert again[0] == usage
        assert usage.cost_usd
        assert again[2] == replies
        assert again[1] is not None
        assert again[1].divergence is None
    assert len(provider.bodies) == seen  # nothing was asked


async def test_a_replay_of_a_replay_is_the_same_again(doors: Doors, provider: Provider) -> None:
    provider.stream(STREAM, cut=True)
    usage, _, replies = await doors.ask("a", ["stream"])
    await doors.ask("b", ["stream"], replay="a")
    again = await doors.ask("c", ["stream"], replay="b")
    assert (again[0], again[2]) == (usage, replies)
    assert (doors.folder / "b").read_bytes() == (doors.folder / "a").read_bytes()


async def test_the_providers_key_is_not_in_a_doors_cassette(doors: Doors, provider: Provider) -> None:
    provider.respond(completion(f"your key is {CANARY}"))
    await doors.ask("a", ["tell it"])
    kept = (doors.folder / "a").read_text()
    assert "your key is" in kept
    assert CANARY not in kept


async def test_a_run_without_an_exchange_has_a_cassette_all_the_same(doors: Doors) -> None:
    await doors.ask("a", [])
    assert await doors.ask("b", [], replay="a") == (
        Usage(),
        Replayed(requests=0, as_recorded=0, unplayed=0, divergence=None),
        [],
    )
