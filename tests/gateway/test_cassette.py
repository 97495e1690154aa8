"""Recording: every try with its reply, chunk by chunk, without the key and without delay."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fake_provider import CANARY
from hypothesis import given
from hypothesis import strategies as st
from tape import MODEL, Tape, call, heard

from runner.core.errors import ArchiveError, UpstreamError
from runner.gateway.calls.upstream import Call, NeverSent
from runner.gateway.recording.cassette import LEFT, Requests, Take, read_takes, recorded_model, recording
from runner.gateway.recording.redaction import Redactor


async def record(path: Path, tape: Tape, *calls: Call, key: str | None = None) -> list[Take]:
    """What is in a cassette after these calls were answered from `tape`."""
    with recording(tape, path, MODEL, Redactor(key), pytest.fail) as recorder:
        for this in calls or (call(),):
            with suppress(*[type(fault) for fault in (tape.refused, tape.broken) if fault]):
                await heard(recorder, this)
    return list(read_takes(path))


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_chunks_come_back_byte_for_byte_with_their_boundaries(chunks: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        [take] = asyncio.run(record(Path(folder, "c"), Tape(chunks)))
    assert take.chunks == chunks
    assert take.error is None


@given(st.lists(st.binary(max_size=300), max_size=12))
def test_requests_come_back_byte_for_byte(bodies: list[bytes]) -> None:
    packing, unpacking = Requests(), Requests()
    packed = [json.loads(json.dumps(packing.pack(n, body))) for n, body in enumerate(bodies)]
    assert [unpacking.unpack(n, one) for n, one in enumerate(packed)] == bodies


@given(st.integers(0, 200_000), st.binary(max_size=9), st.binary(max_size=9))
def test_a_changed_middle_is_all_that_is_kept(at: int, was: bytes, now: bytes) -> None:
    around = os.urandom(200_000)
    bodies = [around[:at] + middle + around[at:] for middle in (was, now)]
    packing, unpacking = Requests(), Requests()
    packed = [packing.pack(n, body) for n, body in enumerate(bodies)]
    assert packed[1]["head"] + packed[1]["tail"] >= len(around)
    assert [unpacking.unpack(n, one) for n, one in enumerate(packed)] == bodies


async def test_a_growing_conversation_is_kept_once_beside_side_requests(tmp_path: Path) -> None:
    bodies = []
    for turn in range(40):
        messages = [{"role": "user", "content": f"{n} " + "x" * 1000} for n in range(turn)]
        bodies += [json.dumps({"messages": messages, "tools": []}), json.dumps({"title": turn})]
    calls = [call(body.encode()) for body in bodies]
    takes = await record(tmp_path / "c", Tape(), *calls)
    assert [take.request.decode() for take in takes] == bodies
    assert (tmp_path / "c").stat().st_size < 100_000 < sum(map(len, bodies)) / 8


async def test_the_first_line_names_the_model(tmp_path: Path) -> None:
    await record(tmp_path / "c", Tape())
    assert recorded_model(tmp_path / "c") == MODEL


@pytest.mark.parametrize("cut", range(1, len(CANARY)))
async def test_the_key_gets_in_neither_whole_nor_cut(tmp_path: Path, cut: int) -> None:
    sent = f"your key is {CANARY}!".encode()
    at = sent.index(CANARY.encode()) + cut
    chunks = [b"\xff" + sent[:at], sent[at:]]
    tape = Tape(chunks, headers={"Retry-After": CANARY})
    [take] = await record(tmp_path / "c", tape, call(json.dumps({"k": CANARY}).encode()), key=CANARY)
    assert b"".join(take.chunks) == b"\xffyour key is [key removed]!"
    assert CANARY not in (tmp_path / "c").read_text()
    assert b"[key removed]" in take.request


async def test_without_the_key_in_it_a_reply_keeps_its_boundaries(tmp_path: Path) -> None:
    chunks = [b"abc" + CANARY.encode()[:5], b"xyz"]
    [take] = await record(tmp_path / "c", Tape(chunks), key=CANARY)
    assert take.chunks == chunks


@pytest.mark.parametrize(
    ("tape", "expected"),
    [
        (Tape([b"no"], status=429, headers={"Retry-After": "9"}), (429, [b"no"], None, True)),
        (Tape([b"a", b"b"], broken=UpstreamError("broke off")), (200, [b"a", b"b"], "broke off", True)),
        (Tape(refused=UpstreamError("silent")), (None, [], "silent", True)),
        (Tape(refused=NeverSent("no route")), (None, [], "no route", False)),
    ],
)
async def test_faults_are_recorded_too(tmp_path: Path, tape: Tape, expected: tuple[Any, ...]) -> None:
    [take] = await record(tmp_path / "c", tape)
    assert (take.status, take.chunks, take.error, take.sent) == expected
    assert take.headers == (tape.headers if take.status else {})


async def test_an_agent_that_leaves_is_recorded_with_what_it_had(tmp_path: Path) -> None:
    with recording(Tape([b"a", b"b"]), tmp_path / "c", MODEL, Redactor(None), pytest.fail) as recorder:
        async with recorder.send(call()) as answer:
            await anext(answer.chunks)
    [take] = read_takes(tmp_path / "c")
    assert (take.chunks, take.error) == ([b"a"], LEFT)


async def test_numbers_are_of_sending_and_lines_of_ending(tmp_path: Path) -> None:
    with recording(Tape(), tmp_path / "c", MODEL, Redactor(None), pytest.fail) as recorder:
        async with recorder.send(call(b"first")) as answer:
            await heard(recorder, call(b"second"))
            assert [chunk async for chunk in answer.chunks] == [b"hello"]
    takes = list(read_takes(tmp_path / "c"))
    assert [(take.n, take.request) for take in takes] == [(2, b"second"), (1, b"first")]


async def test_nothing_is_written_before_the_agent_has_its_reply(tmp_path: Path) -> None:
    with recording(Tape(), tmp_path / "c", MODEL, Redactor(None), pytest.fail) as recorder:
        await heard(recorder)
        assert list(read_takes(tmp_path / "c")) == []
        await asyncio.sleep(0)
        assert len(list(read_takes(tmp_path / "c"))) == 1


async def test_a_full_disk_is_told_and_holds_nobody_up() -> None:
    lost: list[str] = []
    with (
        pytest.raises(OSError, match="No space left"),
        recording(Tape(), Path("/dev/full"), MODEL, Redactor(None), lost.append),
    ):
        pass  # its first line tells at once


async def test_a_disk_that_fills_up_on_the_way_is_told(tmp_path: Path) -> None:
    lost: list[str] = []
    with recording(Tape(), tmp_path / "c", MODEL, Redactor(None), lost.append) as recorder:
        assert hasattr(recorder, "_lines")
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, recorder._lines._file.fileno())
        os.close(full)
        assert await heard(recorder) == [b"hello"]
        await asyncio.sleep(0)
    assert len(lost) == 1
    assert "No space left" in lost[0]


async def test_without_a_path_nothing_is_recorded() -> None:
    tape = Tape()
    with recording(tape, None, MODEL, Redactor(None), pytest.fail) as upstream:
        assert upstream is tape


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "damaged"),
        (b"nonsense\n", "damaged"),
        (b"[]\n", "damaged"),
        (b'{"cassette": 99}\n', "no cassette that this version can replay"),
        (b'{"cassette": 1, "model": {"id": 3}}\n', "damaged"),
    ],
)
def test_what_is_no_cassette_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(ArchiveError, match=said):
        recorded_model(tmp_path / "c")


async def test_a_broken_line_is_named(tmp_path: Path) -> None:
    await record(tmp_path / "c", Tape(), call(), call())
    lines = (tmp_path / "c").read_bytes().splitlines(keepends=True)
    (tmp_path / "c").write_bytes(lines[0] + lines[2])  # told by a request that is gone
    with pytest.raises(ArchiveError, match="line 2"):
        list(read_takes(tmp_path / "c"))
