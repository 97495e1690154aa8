"""`shipworthy agents`."""

from __future__ import annotations

import argparse
import json
from typing import Any

import pytest

from runner import agents
from runner.cli import agents as command
from runner.core.registry import names


def run(*options: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.main(parser.parse_args(options))


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert run("--json") == 0
    return {state.pop("id"): state for state in json.loads(capsys.readouterr().out)}


def test_without_engine_all_but_the_sizes_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    states = listed(capsys)
    assert list(states) == names(agents)
    assert states["claude-code"] == {
        "version": "2.1.328",
        "wires": ["anthropic_messages"],
        "size_mb": None,
    }
    assert states["bash"]["size_mb"] == 0
    assert run() == 0
    assert "not built" in capsys.readouterr().out


@pytest.mark.docker
def test_a_size_is_the_agents_own(capsys: pytest.CaptureFixture[str]) -> None:
    states = listed(capsys)
    assert 150 < states["opencode"]["size_mb"] < 250
    assert 300 < states["claude-code"]["size_mb"] < 450
    assert run() == 0
    assert f"{states['opencode']['size_mb']} MB" in capsys.readouterr().out
