"""What pages are made of: turns, highlighted lines, pictures, the chart."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup, escape

from runner.report.site.chart import HEIGHT, WIDTH, chart_of, pareto_front
from runner.report.site.conversation import Block, blocks, history
from runner.report.site.files import shown_files
from runner.report.site.highlight import highlighted
from runner.report.site.naming import slug
from runner.report.site.png import checked
from runner.report.site.transcript import BLOCK_CHARACTERS, read_turns
from runner.report.site.visible import bounded, visible
from runner.report.site.wire import timelines
from tests.report.site.conftest import exchange, png, standing, tree_of, write_transcript


def test_a_turn_shows_only_what_is_new(tmp_path: Path) -> None:
    write_transcript(tmp_path / "t.jsonl", turns=4)
    turns = list(read_turns(tmp_path / "t.jsonl"))
    assert [[b.kind for b in turn.blocks] for turn in turns] == [
        ["system", "user", "assistant", "call"],
        *[["result", "assistant", "call"]] * 3,
    ]
    assert [turn.repeated for turn in turns] == [0, 2, 4, 6]
    shown = "\n".join(block.text for turn in turns for block in turn.blocks)
    assert [shown.count(f"needle-{n} ") for n in (1, 2, 3, 4)] == [1, 1, 1, 1]


def test_a_result_that_comes_twice_is_shown_twice(tmp_path: Path) -> None:
    same = {"role": "tool", "content": "ok"}
    (tmp_path / "t.jsonl").write_text(exchange(1, [same], "a") + exchange(2, [same, same], "b"))
    first, second = read_turns(tmp_path / "t.jsonl")
    assert [b.kind for b in first.blocks] == ["result", "assistant"]
    assert [b.kind for b in second.blocks] == ["result", "assistant"]


def test_a_mark_for_the_cache_is_nothing_new(tmp_path: Path) -> None:
    def user(**mark: Any) -> dict[str, Any]:
        return {"role": "user", "content": [{"type": "text", "text": "hello", **mark}]}

    marked = user(cache_control={"type": "ephemeral"})
    (tmp_path / "t.jsonl").write_text(exchange(1, [marked], "a") + exchange(2, [user()], "b"))
    assert [len(turn.blocks) for turn in read_turns(tmp_path / "t.jsonl")] == [2, 1]


def test_lines_that_are_no_exchange_and_huge_texts_do_no_harm(tmp_path: Path) -> None:
    huge = exchange(2, [{"role": "user", "content": "x" * 1_000_000}], "done")
    odd = '[1]\n{broken\nnull\n{"reply": 3, "request": "no", "usage": [], "n": "one"}\n'
    (tmp_path / "t.jsonl").write_text(odd + huge)
    turns = list(read_turns(tmp_path / "t.jsonl"))
    assert [turn.number for turn in turns] == [4, 2]
    assert len(turns[1].blocks[0].text) < BLOCK_CHARACTERS + 100
    assert "characters left out" in turns[1].blocks[0].text
    assert list(read_turns(tmp_path / "missing.jsonl")) == []


@pytest.mark.parametrize(
    ("request_body", "expected"),
    [
        (
            {"messages": [{"role": "user", "content": "hi"}], "system": "be good"},
            [Block("system", "be good"), Block("user", "hi")],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "out"}]}]},
            [Block("result", "out")],
        ),
        (
            {
                "instructions": "be good",
                "input": [
                    {"type": "function_call", "name": "sh", "arguments": '{"command": "ls"}'},
                    {"type": "function_call_output", "output": "a b"},
                ],
            },
            [Block("system", "be good"), Block("call", "ls", "sh"), Block("result", "a b")],
        ),
        (
            {
                "contents": [
                    {
                        "role": "model",
                        "parts": [{"functionCall": {"name": "run", "args": {"command": "ls"}}}],
                    },
                    {"role": "user", "parts": [{"functionResponse": {"response": {"output": "a"}}}]},
                ]
            },
            [Block("call", "ls", "run"), Block("result", "a")],
        ),
        ({"input": "plain"}, [Block("user", "plain")]),
        ("nonsense", []),
    ],
)
def test_every_wire_format_is_read(request_body: Any, expected: list[Block]) -> None:
    assert [block for item in history(request_body) for block in blocks(item)] == expected


@settings(max_examples=40)
@given(
    st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_any_json_is_a_message(item: Any) -> None:
    assert all(isinstance(block.text, str) for block in blocks(json.loads(json.dumps(item))))


@given(
    st.text(), st.sampled_from(["a.rb", "b.html.erb", "c.js", "d.css", "e.yml", "Dockerfile", "x.unknown"])
)
def test_highlighting_changes_nothing_but_colour(text: str, path: str) -> None:
    lines = highlighted(path, text)
    shown = "\n".join(Markup(line).striptags() if not line.strip() else _plain(line) for line in lines)
    assert _tidy(shown) == _tidy(visible(text))
    assert "<script" not in "".join(lines).lower()


def _plain(line: Markup) -> str:
    text = str(line)
    for name in "kscmnta":
        text = text.replace(f'<i class="{name}">', "")
    return Markup(text.replace("</i>", "")).unescape()


def _tidy(text: str) -> str:
    return "".join(text.split())


def test_code_is_coloured_and_escaped() -> None:
    (line,) = highlighted("a.rb", 'puts "<b>" # <i>')
    assert '<i class="s">' in line
    assert "<b>" not in line
    assert highlighted("a.unknown", "<b>") == (escape("<b>"),)


def test_files_are_shown_within_bounds() -> None:
    files = shown_files(
        tree_of({"big.rb": "x\n" * 100_000, "bin": "\0", "ok.rb": "1\n", "many.rb": "\n" * 5_000})
    )
    assert {file.path: bool(file.lines) for file in files} == {
        "big.rb": False,
        "bin": False,
        "many.rb": False,
        "ok.rb": True,
    }


def test_a_picture_is_checked() -> None:
    good = png(3, 4, extra=b"secret")
    content, width, height = checked(good) or (b"", 0, 0)
    assert (width, height) == (3, 4)
    assert b"secret" not in content
    assert checked(content) == (content, 3, 4)
    assert checked(good + b"<script>") == (content, 3, 4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg/>",
        png()[:-20],
        png().replace(b"IDAT", b"JDAT"),
        png(width=50_000, height=1),
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_what_is_no_picture_is_none(content: bytes) -> None:
    assert checked(content) is None


def test_the_front_is_what_nobody_beats() -> None:
    cheap, worse, best, same = (
        standing("cheap", 40, cost_usd=1.0),
        standing("worse", 30, cost_usd=2.0),
        standing("best", 90, cost_usd=5.0),
        standing("same", 90, cost_usd=6.0),
    )
    assert pareto_front([same, best, worse, cheap]) == [cheap, best]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 500)), min_size=2, max_size=30))
def test_a_chart_stays_in_its_frame(rows: list[tuple[float, float]]) -> None:
    chart = chart_of([standing(f"m{n}", score, cost_usd=cost) for n, (score, cost) in enumerate(rows)])
    assert (chart is None) == (max(cost for _, cost in rows) == 0)
    for point in chart.points if chart else ():
        assert 0 <= point.x <= WIDTH
        assert 0 <= point.y <= HEIGHT
    assert chart is None or 1 <= len(chart.x_ticks) <= 16


def test_names_in_a_chart_never_cover_one_another() -> None:
    rows = [standing(f"maker/model-{n}", 60 + n % 3, cost_usd=1 + n / 100) for n in range(24)]
    chart = chart_of(rows)
    assert chart
    labels = [p.label for p in chart.points if p.label]
    assert labels
    assert len(labels) < len(rows)
    assert all(
        abs(one.y - other.y) >= 14 or abs(one.x - other.x) >= 7 * 8 or one.anchor != other.anchor
        for one, other in combinations(labels, 2)
    )


def test_a_chart_leaves_out_what_has_no_price() -> None:
    rows = [standing("a", 90), standing("b", 50), standing("c", 70, cost_usd=None), standing("d", None)]
    chart = chart_of(rows)
    assert chart
    assert [s.model for s in chart.unpriced] == ["c"]
    assert chart_of(rows[2:]) is None


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_slug_is_a_plain_name_and_its_own(one: str, other: str) -> None:
    name = slug(one)
    assert name.isascii()
    assert not set(name) & set("/\\.%:\0")
    assert len(name) <= 69
    assert (slug(other) == name) == (one == other)


@given(st.text(max_size=300), st.integers(8, 100))
def test_a_text_is_bounded(text: str, limit: int) -> None:
    assert len(bounded(text, limit)) <= max(len(text), limit + 60)
    assert (bounded(text, limit) == text) == (len(text) <= limit)


def asked(n: int, at: float, **more: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    return {
        "n": n,
        "at": at,
        "method": "POST",
        "host": "api.example",
        "path": "/v1/chat",
        "body": body,
        **more,
    }


def test_the_wire_is_shown_as_labs_write_it(tmp_path: Path) -> None:
    """A request and what was answered are two lines; times are of the day."""
    folder = tmp_path / "visit-1" / "2"
    folder.mkdir(parents=True)
    answered = {"answered": 2, "at": 1001.4, "status": 500, "kind": "error"}
    lines = [asked(1, 1000.0, reply="Yes."), asked(2, 1001.25), answered]
    (folder / "wire.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (tmp_path / "failed_turn-1.wire.jsonl").write_text(json.dumps({"answered": 1, "status": 200}))
    [visit] = timelines(tmp_path)
    assert visit.name == "visit, start 2"
    first, second = visit.requests
    assert (first.at_s, first.method, first.host, first.path, first.model) == (
        0,
        "POST",
        "api.example",
        "/v1/chat",
        "m",
    )
    assert (first.reply, first.messages[0].text) == ("Yes.", "hello")
    assert (second.at_s, second.answer) == (1.25, "500, error")


@pytest.mark.parametrize("wrapped", [True, False])
def test_of_a_line_that_was_cut_off_the_beginning_is_shown(tmp_path: Path, wrapped: bool) -> None:
    line = json.dumps(asked(7, 5.0))[:120]
    (tmp_path / "a-1.wire.jsonl").write_text(f"{json.dumps({'cut': line}) if wrapped else line}\n{{nothing\n")
    [[request]] = [timeline.requests for timeline in timelines(tmp_path)]
    assert (request.method, request.host, request.path, request.at_s) == (
        "POST",
        "api.example",
        "/v1/chat",
        0,
    )
    assert request.body == "(cut off where it was kept)"
