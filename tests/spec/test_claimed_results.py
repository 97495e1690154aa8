from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.core.errors import SpecError
from runner.spec.claimed_results import read_result

CLAUDE = {
    "main_model": "opus",
    "command": ["claude", "-p"],
    "status": "completed",
    "started_at": "2026-04-18T14:44:09+00:00",
    "elapsed_seconds": 661.77,
    "total_cost_usd": 6.75,
    "usage_total": {
        "input_tokens": 5,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 10,
        "output_tokens": 7,
    },
}
TOKENS = {"cache": {"read": 80, "write": 0}, "input": 12, "output": 3, "reasoning": 1, "total": 96}
OPENCODE = {
    "model": {"id": "ollama/qwen"},
    "command": ["opencode"],
    "status": "timeout",
    "tokens": TOKENS,
    "phases": [{"tokens": TOKENS}, {"tokens": TOKENS}],
}
TOTALS = {
    "slug": "v2_opus",
    "harness": "claude",
    "cost_usd_total": 44.283,
    "elapsed_seconds_total": 2623.08,
    "phases": [
        {"exit_code": 0, "timed_out": False, "started_at": "2026-07-27T17:03:38+00:00", "tokens": TOKENS}
    ],
}


def written(folder: Path, data: Any) -> Path:
    path = folder / "result.json"
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (CLAUDE, ("opus", "claude", "completed", 661.77, 115, 100, 7, 6.75)),
        (OPENCODE, ("ollama/qwen", "opencode", "timeout", None, 184, 160, 6, None)),
        (TOTALS, ("v2_opus", "claude", "completed", 2623.08, 92, 80, 3, 44.283)),
        ({"slug": "bare"}, ("bare", None, "unknown", None, None, None, None, None)),
    ],
)
def test_every_known_form_says_the_same_things(tmp_path: Path, data: Any, says: tuple[Any, ...]) -> None:
    claimed = read_result(written(tmp_path, data))
    usage = claimed.usage
    tokens = (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
    assert (claimed.model, claimed.agent, claimed.status, claimed.wall_s, *tokens, usage.cost_usd) == says


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ([], "is not an object"),
        ({"status": "completed"}, "names no model"),
        ({**CLAUDE, "started_at": "yesterday"}, "yesterday"),
        ({**CLAUDE, "started_at": "2026-04-18T14:44:09"}, "no time zone"),
    ],
)
def test_what_is_none_of_them_is_refused_by_name(tmp_path: Path, data: Any, why: str) -> None:
    with pytest.raises(SpecError, match=why) as caught:
        read_result(written(tmp_path, data))
    assert "result.json" in str(caught.value)
