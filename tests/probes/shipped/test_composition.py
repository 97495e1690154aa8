"""What a compose file comes to: merged files, variables, files that are handed in, health checks."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.shipped.build import Built
from runner.probes.kit.shipped.composition import Composition
from runner.probes.kit.shipped.services import health_check, seconds, service_of
from runner.probes.kit.shipped.serving import Service
from runner.probes.kit.shipped.state import State
from runner.probes.kit.shipped.variables import GIVEN, interpolated

STATE = State(
    env={"A": "image"}, folder="/rails", user="app", command=("serve",), ports=(80,), health=("up",)
)


def composition(files: dict[str, Any]) -> Composition:
    texts = {p: t if isinstance(t, str) else yaml.safe_dump(t) for p, t in files.items()}
    made = {path: SourceFile(path, 0o100644, text.encode()) for path, text in texts.items()}
    return Composition(SourceTree("t", made), "compose.yaml")


def service(item: dict[str, Any], **more: Any) -> Service:
    files = more.pop("files", {})
    whole = composition({"compose.yaml": {"services": {"web": {"image": "x", **item}}, **more}, **files})
    return service_of(whole, "web", whole.services()["web"], Built("sha256:x", STATE))


def test_an_override_is_laid_over_the_file() -> None:
    base = {"image": "a", "environment": {"X": "1", "Y": "1"}, "ports": ["1:1"], "command": ["a"]}
    over = {"image": "b", "environment": ["Y=2"], "ports": ["2:2"], "command": ["b"]}
    files = {"compose.yaml": {"services": {"web": base}}, "compose.override.yml": {"services": {"web": over}}}
    assert composition(files).services()["web"] == {
        "image": "b",
        "environment": {"X": "1", "Y": "2"},
        "ports": ["1:1", "2:2"],
        "command": ["b"],
    }


def test_services_extend_and_files_include_each_other() -> None:
    files = {
        "compose.yaml": {
            "include": ["more/db.yaml"],
            "services": {
                "web": {"extends": {"file": "more/base.yaml", "service": "app"}, "user": "me"},
                "job": {"extends": {"service": "web"}, "command": "work"},
                "debug": {"image": "x", "profiles": ["debug"]},
            },
        },
        "more/base.yaml": {"services": {"app": {"build": ".", "user": "you"}, "other": {"image": "no"}}},
        "more/db.yaml": {"services": {"db": {"image": "db"}}},
    }
    found = composition(files).services()
    assert sorted(found) == ["db", "job", "web"]
    assert (found["job"]["build"], found["job"]["user"], found["job"]["command"]) == (".", "me", "work")


def test_files_outside_are_never_looked_for() -> None:
    whole = composition({"compose.yaml": {"include": ["/etc/passwd", "../x.yaml"], "services": {}}})
    assert list(whole.parts) == ["compose.yaml"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A:-x}", "x"),
        ("${E-x}${E:-y}", "y"),
        ("${S:+set}${N:+set}", "set"),
        ("${N:-${M:-${S}}}", "s"),
        ("$S$$S ${S:?must} $", "s$S s $"),
        ("${OPENROUTER_API_KEY:?set it}", GIVEN["OPENROUTER_API_KEY"]),
        (7, 7),
    ],
)
def test_interpolated(text: object, expected: object) -> None:
    assert interpolated([text], {"S": "s", "E": "", **GIVEN}) == [
        expected if text != "${E-x}${E:-y}" else "xy"
    ]


def test_variables_that_double_stay_small() -> None:
    lines = ["A0=xxxxxxxxxx", *(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}" for n in range(1, 100))]
    whole = composition({".env": "\n".join(lines), "compose.yaml": "services: {web: {image: '${A99}'}}"})
    assert len(whole.services()["web"]["image"]) <= 16_000


def test_a_service_overrides_its_image() -> None:
    found = service(
        {"user": 5, "working_dir": "/w", "entrypoint": "run it", "ports": ["127.0.0.1:8000:9000/tcp"]}
    )
    assert (found.state.argv, found.state.user, found.state.folder, found.port) == (
        ("run", "it"),
        "5",
        "/w",
        9000,
    )
    found = service({"command": "go 'a b'", "ports": [{"target": 99999}]})
    assert (found.state.argv, found.port) == (("go", "a b"), 80)


def test_its_environment_comes_of_files_and_the_lab_never_of_the_host() -> None:
    found = service(
        {
            "env_file": [".env.app", {"path": "none", "required": False}],
            "environment": ["A=1", "SECRET_KEY_BASE", "HOME"],
        },
        files={".env.app": "# x\nB='two'\nA=0\n"},
    )
    assert found.env == {"A": "1", "B": "two", "SECRET_KEY_BASE": GIVEN["SECRET_KEY_BASE"]}


def test_files_that_it_is_handed() -> None:
    found = service(
        {
            "volumes": [
                "./config:/etc/app:ro",
                {"type": "bind", "source": "./one", "target": "/one"},
                "v:/v",
            ],
            "secrets": ["key", {"source": "token", "target": "/t"}],
            "configs": [{"source": "text"}],
        },
        secrets={"key": {"file": "./key.txt"}, "token": {"environment": "OPENROUTER_API_KEY"}},
        configs={"text": {"content": "hello"}},
        files={"config/a/b": "ab", "one": "1", "key.txt": "k"},
    )
    assert {path: file.content.decode() for path, file in found.files.items()} == {
        "/etc/app/a/b": "ab",
        "/one": "1",
        "/run/secrets/key": "k",
        "/t": GIVEN["OPENROUTER_API_KEY"],
        "/text": "hello",
    }


@pytest.mark.parametrize(
    ("told", "argv"),
    [
        (None, ("up",)),
        ({"test": ["CMD", "curl", "x"]}, ("curl", "x")),
        ({"test": ["CMD-SHELL", "curl x || exit 1"]}, ("/bin/sh", "-c", "curl x || exit 1")),
        ({"test": "curl x || exit 1"}, ("/bin/sh", "-c", "curl x || exit 1")),
        ({"test": ["NONE"]}, ()),
        ({"disable": True}, ()),
        ([1], ("up",)),
    ],
)
def test_a_health_check_s_command(told: Any, argv: tuple[str, ...]) -> None:
    assert health_check(service({}), told).argv == argv


def test_a_health_check_is_tried_within_bounds() -> None:
    check = health_check(service({}), {"retries": 99, "interval": "1h", "timeout": "500ms"})
    assert (check.retries, check.interval_s, check.timeout_s) == (5, 5.0, 1.0)
    assert health_check(service({}), {"retries": -5}).retries == 0


@pytest.mark.parametrize(("text", "value"), [("1m30s", 90.0), ("500ms", 0.5), ("x", 7.0), (None, 7.0)])
def test_durations(text: str | None, value: float) -> None:
    assert seconds(text, 7.0) == value
