"""What holds for every wire format: what is read back, and that nothing a provider sends can raise."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_samples import SAMPLES, Sample

from runner.core.registry import names
from runner.gateway import wires
from runner.gateway.wire import Reply, RequestSummary, Tokens, ToolCall, Wire
from runner.gateway.wires.kit.sse import KEPT_CALLS, KEPT_CHARACTERS, LINE_BYTES
from runner.spec.models import WIRES

ASKED = RequestSummary(model="m", stream=True, max_output_tokens=None, messages=1, turn=3)
PLAIN = RequestSummary(model="m", stream=False, max_output_tokens=None, messages=1, turn=3)
steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
every_wire = pytest.mark.parametrize("sample", SAMPLES, ids=repr)


def tapped(wire: Wire, stream: bytes, cuts: list[int] | None = None) -> Reply:
    tap, start = wire.tap(), 0
    for end in [*sorted(cuts or []), len(stream)]:
        tap.feed(stream[start:end])
        start = max(start, end)
    return tap.reply()


def test_models_may_name_exactly_the_formats_that_exist() -> None:
    assert sorted(WIRES) == names(wires) == sorted(s.wire for s in SAMPLES)
    assert [s.speaker.id for s in SAMPLES] == [s.wire for s in SAMPLES]


@every_wire
def test_a_documented_reply_is_read_the_same_streamed_and_plain(sample: Sample) -> None:
    assert tapped(sample.speaker, b"".join(sample.chunks)) == sample.reply
    assert sample.speaker.plain_reply(sample.plain) == sample.reply


@every_wire
def test_a_documented_stream_is_incomplete_until_its_finish_marker(sample: Sample) -> None:
    """Whatever is lost at the end of a stream, its usage is unknown rather than wrong, or it was all told."""
    stream = b"".join(sample.chunks)
    states = [tapped(sample.speaker, stream[:end]) for end in range(len(stream))]
    assert all(sample.marker in stream[:end] for end, state in enumerate(states) if state.complete)
    assert {state.tokens for state in states} <= {None, sample.reply.tokens}
    assert all(sample.reply.text.startswith(state.text) for state in states)
    assert {state.error for state in states} == {None}


texts = st.text(st.characters(codec="utf-8"), max_size=300)
objects = st.dictionaries(texts, texts | st.integers() | st.none() | st.lists(texts, max_size=2), max_size=3)


@every_wire
@steady
@given(
    text=texts,
    calls=st.lists(st.tuples(texts, objects), max_size=3),
    cuts=st.lists(st.integers(0, 5000), max_size=20),
)
def test_what_is_rendered_is_read_back_however_it_is_cut(
    sample: Sample, text: str, calls: list[tuple[str, object]], cuts: list[int]
) -> None:
    wire = sample.speaker
    written = 0 if sample.wire == "gemini" else 1
    named = tuple(ToolCall(f"c{i}", name, json.dumps(args)) for i, (name, args) in enumerate(calls))
    turn = Reply(text=text, tool_calls=named, tokens=Tokens(5, 2, 3, cache_write=written, reasoning=1))
    assert tapped(wire, b"".join(wire.render(turn, ASKED)), cuts) == turn
    [whole] = wire.render(turn, PLAIN)
    assert wire.plain_reply(whole) == turn


@every_wire
def test_a_long_turn_comes_in_several_chunks(sample: Sample) -> None:
    turn = Reply("a text " * 100, tool_calls=(ToolCall("c", "bash", json.dumps({"command": "x" * 9000})),))
    chunks = list(sample.speaker.render(turn, ASKED))
    assert len(chunks) > 10
    assert tapped(sample.speaker, b"".join(chunks)) == turn


@every_wire
@steady
@given(noise=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_nonsense_never_raises(sample: Sample, noise: bytes, cuts: list[int]) -> None:
    tapped(sample.speaker, b"data: " + noise + b"\n\ndata:" + noise + b"\n", cuts)
    sample.speaker.plain_reply(noise)
    sample.speaker.fault(400, noise)


def mutations(value: object) -> st.SearchStrategy[object]:
    """`value` with parts of it replaced by something of a wrong type."""
    odd = st.sampled_from([None, True, -1, 1.5, "x", [], [None], {}, {"type": None}, {"message": 1}])
    if isinstance(value, dict):
        return odd | st.fixed_dictionaries({k: mutations(v) | st.just(v) for k, v in value.items()})
    if isinstance(value, list):
        return odd | st.tuples(*(mutations(v) | st.just(v) for v in value)).map(list)
    return odd | st.just(value)


EVENTS = {
    s.wire: [
        json.loads(line.removeprefix(b"data: "))
        for line in b"".join(s.chunks).splitlines()
        if line.startswith(b"data: {")
    ]
    for s in SAMPLES
}


@every_wire
@steady
@given(data=st.data())
def test_objects_of_a_wrong_shape_never_raise(sample: Sample, data: st.DataObject) -> None:
    wire = sample.speaker
    events = data.draw(st.lists(st.sampled_from(EVENTS[sample.wire]).flatmap(mutations), max_size=4))
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    assert isinstance(tapped(wire, stream).text, str)
    whole = data.draw(mutations(json.loads(sample.plain)))
    assert isinstance(wire.plain_reply(json.dumps(whole).encode()).text, str)
    request = data.draw(mutations(json.loads(sample.body(True, **sample.tools, **sample.results(2)))))
    if isinstance(request, dict):
        with suppress(ValueError):
            wire.summary(sample.stream_path, request)
        wire.output_limit(request, 9)
        wire.additions(request)


@every_wire
def test_deep_nesting_never_raises(sample: Sample) -> None:
    """Also not just below the depth at which parsing gives up."""
    wire = sample.speaker
    for depth in [*range(850, 1010, 7), 100_000]:
        deep = "[" * depth + "]" * depth
        for event in EVENTS[sample.wire]:
            text = json.dumps(event).replace("{}", f'{{"a":{deep}}}').replace('"I will"', deep)
            tapped(wire, f'data: {text[:-1]},"error":{deep}}}\n\n'.encode())
        wire.plain_reply(sample.plain.replace(b'"ls -la"', deep.encode()))


@every_wire
def test_what_is_no_reply_is_an_error(sample: Sample) -> None:
    for body in (b"", b"<html>", b"[]", b"null", b"{}", b'{"ok": true}'):
        reply = sample.speaker.plain_reply(body)
        assert (reply.complete, bool(reply.error), reply.tokens) == (False, True, None)
    assert tapped(sample.speaker, b'data: {"cut\n\n').error == "the provider sent a malformed event"


@every_wire
def test_the_end_of_a_broken_stream_is_an_error_and_a_finish(sample: Sample) -> None:
    stream = b"".join(sample.chunks)
    for end in range(0, len(stream) // 2, 11):
        reply = tapped(sample.speaker, stream[:end] + sample.speaker.broken_stream("cut"))
        assert (reply.complete, reply.tokens) == (True, None)
        assert str(reply.error).endswith(": cut")
    assert sample.speaker.broken_stream("cut").endswith(sample.final)


@every_wire
def test_usage_that_is_not_told_is_unknown(sample: Sample) -> None:
    turn = Reply(text="a", tokens=None)
    assert tapped(sample.speaker, b"".join(sample.speaker.render(turn, ASKED))).tokens is None
    [whole] = sample.speaker.render(turn, PLAIN)
    assert sample.speaker.plain_reply(whole) == turn


def growing(sample: Sample, text: str) -> bytes:
    """The sample's events of text, with another text."""
    events = [json.dumps(e) for e in EVENTS[sample.wire] if '"I will"' in json.dumps(e)]
    return "".join(f"data: {e.replace('I will', text)}\n\n" for e in events).encode()


@every_wire
def test_the_tap_keeps_a_bounded_amount(sample: Sample) -> None:
    tap = sample.speaker.tap()
    for _ in range(10):
        tap.feed(growing(sample, "x" * 1_000_000))
    assert len(tap.reply().text) == KEPT_CHARACTERS
    tap.feed(b"data: " + b"y" * LINE_BYTES)
    tap.feed(b"y\n\n" + sample.speaker.broken_stream("cut"))
    assert tap.reply().complete
    many = tuple(ToolCall(f"c{i}", "bash", "{}") for i in range(KEPT_CALLS + 5))
    stream = b"".join(sample.speaker.render(Reply(tool_calls=many), ASKED))
    assert tapped(sample.speaker, stream).tool_calls == many[:KEPT_CALLS]


@every_wire
def test_a_request_is_summed_up(sample: Sample) -> None:
    document = json.loads(sample.body(True, **sample.tools, **sample.results(2)))
    summary = sample.speaker.summary(sample.stream_path, document)
    assert (summary.model, summary.stream, summary.turn, summary.tools) == ("mock-1", True, 2, ("bash",))
    assert summary.messages == 5
    assert summary.max_output_tokens == 100
    without_tools = json.loads(sample.body(False, **sample.results(0)))
    summary = sample.speaker.summary(sample.path, without_tools)
    assert (summary.stream, summary.turn, summary.tools, summary.result) == (False, 0, (), "")


@every_wire
def test_the_digest_of_results_tells_their_content_and_not_their_ids(sample: Sample) -> None:
    def digest(text: str) -> str:
        document = json.loads(sample.body(True, **sample.tools, **sample.results(1)))
        changed = json.loads(json.dumps(document).replace('"ok"', '"other"') if text == "other" else text)
        return sample.speaker.summary(sample.stream_path, changed).result

    same = json.dumps(json.loads(sample.body(True, **sample.tools, **sample.results(1))))
    other_ids = same.replace('_id": "t"', '_id": "u"').replace('_id": "c"', '_id": "d"')
    other_ids = other_ids.replace('"functionResponse": {', '"functionResponse": {"id": "7", ')
    assert other_ids != same
    assert digest(same) == digest(other_ids) != digest("other")
    assert digest(same)


@every_wire
def test_an_output_limit_is_what_the_request_then_asks_for(sample: Sample) -> None:
    document = json.loads(sample.body(False))
    limited = document | sample.speaker.output_limit(document, 17)
    assert sample.speaker.summary(sample.path, limited).max_output_tokens == 17


@every_wire
def test_calls_and_nothing_else_are_served(sample: Sample) -> None:
    wire = sample.speaker
    path = sample.path
    assert wire.serves(path)
    for other in (path + "/x", path[:-1], "/v1/completions", "/v1/messages/count_tokens", "/", path + "?a=b"):
        assert not wire.serves(other)
    base = sample.upstream + "/"
    assert wire.upstream_path(sample.stream_path) == sample.stream_path.removeprefix(base)
