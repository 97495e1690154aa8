"""`shipworthy image`."""

from __future__ import annotations

import argparse
import json

import pytest

from runner.cli import image as command
from runner.core.errors import SetupError, UserError


def run(*options: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.main(parser.parse_args(options))


def test_a_wrong_name_is_told_before_an_engine_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(UserError, match="unknown image 'rials'; known: base, lab, rails"):
        run("build", "base", "rials")


def test_without_engine_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SetupError, match="no Docker engine answers"):
        run("list")


@pytest.mark.docker
def test_building_what_is_built_is_quiet_and_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("build", "base", "--json") == 0
    capsys.readouterr()
    assert run("build", "base", "--json") == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert run("list", "--json") == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert {"base", "rails"} <= listed.keys()
    assert listed["base"]["tag"] == json.loads(said.out)["base"]
    assert listed["base"]["present"]
    assert listed["base"]["size_mb"] > 0
    assert run("list") == 0
    assert listed["base"]["tag"] in capsys.readouterr().out
