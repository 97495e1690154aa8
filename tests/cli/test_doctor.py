"""The doctor: each check with a healthy and an ill machine, and the command as a whole."""

from __future__ import annotations

import argparse
import json
import shutil
from collections import namedtuple
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from runner.cli import doctor as command
from runner.cli.settings import settings_from
from runner.pipeline.doctor import State, clock, diagnose, disk, keys, limits, memory, runtime
from runner.sandbox.lease import FOLDER, HOST, OWNER, host_id

INFO: dict[str, Any] = {
    "Runtimes": {"runc": {}, "runsc": {}},
    "MemTotal": 8 * 2**30,
    "MemoryLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
    "SystemTime": "2026-04-01T12:00:00.123456789Z",
}
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock", "PATH": "/usr/bin:/bin", "HOME": "/nowhere"}
Usage = namedtuple("Usage", "total used free")


def test_runtime() -> None:
    assert runtime(INFO, "runsc").state is State.OK
    missing = runtime(INFO, "kata")
    assert missing.state is State.BLOCKS
    assert "runc, runsc" in missing.mend


def test_memory() -> None:
    assert memory(INFO).state is State.OK
    assert memory(INFO | {"MemTotal": 2 * 2**30}).state is State.WARN


def test_limits() -> None:
    assert limits(INFO).state is State.OK
    missing = limits(INFO | {"PidsLimit": False})
    assert missing.state is State.WARN
    assert missing.detail.endswith("pids")


@pytest.mark.parametrize(
    ("off_s", "state", "word"),
    [(0, State.OK, "agree"), (1, State.OK, "agree"), (90, State.WARN, "behind"), (-90, State.WARN, "ahead")],
)
def test_clock(off_s: int, state: State, word: str) -> None:
    found = clock(INFO, NOON + timedelta(seconds=off_s))
    assert found.state is state
    assert word in found.detail


@pytest.mark.parametrize(("free_gb", "state"), [(80, State.OK), (3, State.WARN), (0.5, State.BLOCKS)])
def test_disk(free_gb: float, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, free_gb * 10**9))
    assert disk("archive disk", tmp_path / "not" / "there" / "yet").state is state


def test_keys_are_named() -> None:
    found = keys(["A_KEY", "B_KEY"], frozenset({"B_KEY", "PATH"}))
    assert found.detail == "set: B_KEY"
    assert "none set" in keys(["A_KEY"], frozenset()).detail


def run(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    code = command.main(parser.parse_args(options))
    return code, capsys.readouterr().out


def test_without_engine_it_blocks_and_still_checks_the_rest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NO_ENGINE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENROUTER_API_KEY", "canary-value")
    code, out = run(capsys)
    assert code == 2
    lines = out.splitlines()
    assert [line.split()[1] for line in lines] == ["python", "git", "archive", "keys", "engine"]
    assert lines[-1].startswith("blocks engine")
    assert "DOCKER_HOST" in lines[-1]
    assert "OPENROUTER_API_KEY" in out
    assert "canary-value" not in out


def test_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NO_ENGINE.items():
        monkeypatch.setenv(name, value)
    code, out = run(capsys, "--json")
    found = json.loads(out)
    assert code == 2
    assert {frozenset(one) for one in found} == {frozenset(("check", "state", "detail", "mend"))}
    assert found[-1]["state"] == "blocks"


@pytest.mark.parametrize(
    ("says", "state"),
    [
        ("git version 2.39.5", State.OK),
        ("git version 2.30.0.windows.1", State.OK),
        ("git version 3.0", State.OK),
        ("git version 2.25.1", State.BLOCKS),
        ("xcode-select: note: no developer tools were found", State.BLOCKS),
    ],
)
def test_git(says: str, state: State, tmp_path: Path) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\necho {says}\n")
    (tmp_path / "git").chmod(0o755)
    settings = settings_from(NO_ENGINE)
    settings = replace(settings, host=replace(settings.host, path=str(tmp_path)))
    assert next(d for d in diagnose(settings) if d.check == "git").state is state


def test_no_git(tmp_path: Path) -> None:
    settings = settings_from(NO_ENGINE)
    settings = replace(settings, host=replace(settings.host, path=str(tmp_path)))
    assert next(d for d in diagnose(settings) if d.check == "git").detail == "not found"


def test_a_broken_model_file_is_named(tmp_path: Path) -> None:
    models = tmp_path / "models.yaml"
    models.write_text("providers: [")
    found = next(
        d
        for d in diagnose(settings_from(NO_ENGINE | {"SHIPWORTHY_MODELS": str(models)}))
        if d.check == "keys"
    )
    assert found.state is State.WARN
    assert str(models) in found.detail


@pytest.mark.docker
def test_a_working_engine_blocks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "--json")
    found = {one["check"]: one for one in json.loads(out)}
    assert code == 0
    assert found["engine"]["detail"].startswith("Docker ")
    assert found["door"]["detail"].split(":")[0] in ("mount", "relay")
    assert {"runtime", "memory", "limits", "clock", "images", "leftovers"} <= found.keys()


@pytest.mark.docker
def test_a_door_that_was_asked_for_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWORTHY_DOOR", "relay")
    _, out = run(capsys, "--json")
    door = next(one for one in json.loads(out) if one["check"] == "door")
    assert door["detail"] == "relay: as SHIPWORTHY_DOOR says"


@pytest.mark.docker
def test_containers_of_a_dead_runner_are_told(
    engine: APIClient, images: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = {OWNER: "doctor-test", HOST: host_id(), FOLDER: str(tmp_path)}  # nobody holds this lease
    made = engine.create_container(images["base"], ["true"], labels=labels)
    try:
        name = engine.inspect_container(made["Id"])["Name"].lstrip("/")
        code, out = run(capsys, "--json")
    finally:
        engine.remove_container(made["Id"])
    left = next(one for one in json.loads(out) if one["check"] == "leftovers")
    assert code == 0
    assert left["state"] == "warn"
    assert name in left["detail"]
