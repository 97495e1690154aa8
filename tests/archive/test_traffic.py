"""Times and tool calls from a transcript."""

from __future__ import annotations

import json
from pathlib import Path

from runner.archive.traffic import request_seconds


def line(
    n: int, second: float, wall_s: float, calls: int = 0, requests: int = 1, phase: str = "build"
) -> str:
    record = {
        "n": n,
        "phase": phase,
        "at": f"2026-01-05T08:00:{second:06.3f}+00:00",
        "wall_s": wall_s,
        "usage": {"requests": requests},
        "reply": {"text": 'says ,"request":{ in its text', "tool_calls": [{}] * calls} if calls else None,
    }
    return json.dumps(record, separators=(",", ":"))[:-1] + ',"request":{"messages":["' + "x" * 500 + '"]}}'


def test_tries_are_requests_and_all_tries_of_one_are_a_turn(tmp_path: Path) -> None:
    lines = [
        line(1, 1.0, 0.5),  # refused, waits two seconds, then tried again
        line(2, 1.2, 4.0, calls=2),  # beside it
        line(1, 3.5, 1.5, calls=1),
        line(3, 9.0, 0.0, requests=0),  # never sent
        line(1, 20.0, 1.0, phase="prove"),
    ]
    (tmp_path / "t").write_text("\n".join([*lines, "{broken", '{"other": 1}']) + "\n")
    requests, turns, calls = request_seconds(tmp_path / "t")
    assert requests == [0.5, 4.0, 1.5, 1.0]
    assert turns == [4.0, 4.0, 1.0]
    assert calls == 3


def test_no_transcript_is_no_traffic(tmp_path: Path) -> None:
    assert request_seconds(tmp_path / "none") == ([], [], 0)
