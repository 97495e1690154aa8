"""The key is nowhere, even when it comes in pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.gateway.recording.redaction import PLACEHOLDER, Redactor

KEY = "sk-abcabcabd"


@given(
    st.lists(st.sampled_from([KEY, "sk-abc", "sk-", "abd", "x", KEY[:7], "s"]), max_size=12),
    st.lists(st.integers(0, 100), max_size=8),
)
def test_a_stream_is_cleaned_however_it_is_cut(parts: list[str], cuts: list[int]) -> None:
    data, start, out = "".join(parts).encode(), 0, b""
    stream = Redactor(KEY).stream()
    for end in [*sorted(cuts), len(data)]:
        out += stream.feed(data[start:end])
        start = max(start, end)
    out += stream.end()
    assert out == data.replace(KEY.encode(), PLACEHOLDER)


def test_nothing_is_held_back_that_cannot_begin_a_key() -> None:
    stream = Redactor(KEY).stream()
    assert stream.feed(b'data: {"a":1}\n\n') == b'data: {"a":1}\n\n'
    assert stream.feed(b"sk-abc") == b""
    assert stream.feed(b"x") == b"sk-abcx"


def test_a_key_is_also_found_in_its_json_form() -> None:
    redactor = Redactor('a"quoted\\key')
    assert redactor.clean(b'{"k":"a\\"quoted\\\\key"}') == b'{"k":"[key removed]"}'
    assert redactor.clean_text('a"quoted\\key') == "[key removed]"


def test_short_stand_ins_for_a_key_are_left_alone() -> None:
    assert Redactor("none").clean(b"none at all") == b"none at all"
    assert Redactor(None).stream().feed(b"x") == b"x"
