"""An agent's log is written by a model as well: whatever is in it, reading it does no harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.agents.aider import Aider
from runner.agents.gemini_cli import GeminiCli
from runner.agents.kit.cli import CliAgent
from runner.agents.mini_swe_agent import MiniSweAgent
from runner.agents.qwen_code import QwenCode

LOGS = Path(__file__).parent / "logs"
SAMPLES: dict[str, tuple[CliAgent, bytes]] = {
    "mini-swe-agent": (
        MiniSweAgent(),
        json.dumps(json.loads((LOGS / "mini_swe_agent.json").read_text())).encode(),
    ),
    "qwen-code": (QwenCode(), (LOGS / "qwen_code.jsonl").read_bytes()),
    "gemini-cli": (GeminiCli(), (LOGS / "gemini_cli.jsonl").read_bytes()),
    "aider": (Aider(), (LOGS / "aider.md").read_bytes()),
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
each = pytest.mark.parametrize(("agent", "log"), SAMPLES.values(), ids=list(SAMPLES))


@each
@given(noise=st.binary(max_size=40), at=st.integers(0, 10_000))
def test_bytes_anywhere_in_it(agent: CliAgent, log: bytes, noise: bytes, at: int) -> None:
    agent.read(noise)
    agent.read(log[:at] + noise + log[at + len(noise) :])
    agent.read(log[:at])


@each
@given(data=st.data())
def test_any_value_in_the_place_of_another(agent: CliAgent, log: bytes, data: st.DataObject) -> None:
    lines = log.decode().splitlines()
    number = data.draw(st.sampled_from([n for n, line in enumerate(lines) if line.startswith("{")]))
    lines[number] = json.dumps(_changed(json.loads(lines[number]), data))
    told = agent.read("\n".join(lines).encode())
    assert all(isinstance(step.text, str) for step in told.steps)


@each
def test_deep_nesting(agent: CliAgent, log: bytes) -> None:
    agent.read(b'{"event": ' + b"[" * 100_000)
    agent.read(b'{"messages": ' + b"[" * 100_000)


def _changed(value: Any, data: st.DataObject) -> Any:
    """The value with something else somewhere in it."""
    if isinstance(value, dict | list) and value and data.draw(st.integers(0, 5)):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = data.draw(st.sampled_from(keys))
        value[key] = _changed(value[key], data)
        return value
    return data.draw(ANYTHING)
