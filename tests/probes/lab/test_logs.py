"""Reading the output of hostile programs."""

from __future__ import annotations

import time

import pytest

from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.lab.logs import FLOOD_BYTES, KEPT_BYTES, Flood, Log, error_line, error_places


def tree(*paths: str) -> SourceTree:
    return SourceTree("t", {p: SourceFile(p, 0o100644, b"one\ntwo\nthree\n") for p in paths})


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("=> Booting Puma\n/workspace/config/x.rb:1:in `<main>': no Foo (NameError)\n\nFoo\n^^^", None),
        ("I, [2026]  INFO -- : hi\n\nNameError (uninitialized constant Foo):\n\napp/x.rb:3", "NameError"),
        ("bin/rails aborted!\nLoadError: cannot load such file -- webmock\n", "LoadError: cannot load"),
        ("bin/rails aborted!\nA::InvalidMessage: A::InvalidMessage\n\n(See --trace)", "A::InvalidMessage: A"),
        ("bin/rails aborted!\nNo Rakefile found (looking for: rakefile)\n", "No Rakefile found"),
        ("ActionView::Template::Error (undefined method):\n", "ActionView::Template::Error (und"),
        ("\x1b[31mFaraday::ConnectionFailed: refused\x1b[0m\n", "Faraday::ConnectionFailed: refused"),
        ("all is well\nstill well\n", "still well"),
        ("", ""),
    ],
)
def test_the_first_useful_line(output: str, line: str | None) -> None:
    log = Log()
    log.feed(output.encode())
    found = error_line(log.text)
    if line is None:
        assert found == "/workspace/config/x.rb:1:in `<main>': no Foo (NameError)"
    else:
        assert found.startswith(line)
        assert line or not found


def test_places_are_in_the_tree_and_have_a_line() -> None:
    output = (
        "app/early.rb:1: warning\nKeyError: key not found\n"
        "/usr/share/gems/a/app/x.rb:1:in `y'\n/workspace/chat/app/x.rb:2:in `z'\n"
        "  ./lib/y.rb:3\napp/x.rb:99\n/workspace/chat/Gemfile:1"
    )
    places = error_places(
        tree("chat/app/x.rb", "chat/lib/y.rb", "chat/Gemfile", "app/early.rb"), "chat/", output
    )
    assert [(p.path, p.line, p.text) for p in places] == [
        ("chat/app/x.rb", 2, "two"),
        ("chat/lib/y.rb", 3, "three"),
        ("chat/Gemfile", 1, "one"),
    ]


def test_a_log_keeps_head_and_tail_and_ends_a_flood() -> None:
    log = Log()
    log.feed(b"first\n")
    for _ in range(20):
        log.feed(b"x" * 99_999 + b"\n")
    log.feed(b"last")
    assert log.text.startswith("first\n")
    assert log.text.endswith("last")
    assert "bytes left out" in log.text
    assert len(log.text) < 3 * KEPT_BYTES
    with pytest.raises(Flood):
        log.feed(b"x" * FLOOD_BYTES)


@pytest.mark.parametrize("piece", ["a", "a/", "a.", "(A", "A::", "error ", "Failure:\n", " ", "\n", "(Error"])
def test_hostile_output_is_read_in_time(piece: str) -> None:
    log = Log()
    log.feed((piece * 400_000)[:400_000].encode())
    started = time.monotonic()
    error_line(log.text)
    error_places(tree("a.rb"), "", log.text)
    assert time.monotonic() - started < 5
