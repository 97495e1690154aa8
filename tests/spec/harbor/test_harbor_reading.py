"""Harbor task directories as people write them, and as they get them wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.errors import SpecError
from runner.spec.harbor.reading import read_harbor, slug

PLAIN = '[task]\nname = "acme/hello-world"\ndescription = "Says  hello"\n'


def write(folder: Path, config: str = PLAIN, **more: str) -> Path:
    files = {
        "task.toml": config,
        "instruction.md": "Say hello.\n",
        "environment/Dockerfile": "FROM debian AS first\nWORKDIR /old\nFROM debian\nWORKDIR /app\n",
        "tests/test.sh": "echo 1 > /logs/verifier/reward.txt\n",
        **more,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_task_is_read(tmp_path: Path) -> None:
    found = read_harbor(write(tmp_path, **{"solution/solve.sh": "echo hi\n", "environment/data/a.txt": "a"}))
    assert (found.id, found.title, found.workdir) == ("hello_world", "Says hello", "/app")
    (phase,) = found.phases
    assert (phase.id, phase.instruction, phase.wall_s) == ("build", "Say hello.\n", 3600)
    assert phase.solution == {"solve.sh": (False, b"echo hi\n")}
    assert found.image.files == {"data/a.txt": (False, b"a")}
    assert found.tests.image is None
    assert found.notes == (
        "network: the whole network there, none here; list hosts to download from under `egress`",
    )


def test_marks_against_training_are_not_shown(tmp_path: Path) -> None:
    marked = "<!-- harbor-canary GUID 1 -->\n# CANARY here\n\nDo it. # canary stays\n"
    (phase,) = read_harbor(write(tmp_path, **{"instruction.md": marked})).phases
    assert phase.instruction == "Do it. # canary stays\n"


def test_limits_and_hosts_come_along(tmp_path: Path) -> None:
    config = """
    [agent]
    timeout_sec = 90
    [verifier]
    timeout_sec = 30
    env = { MODE = "strict", KEY = "${API_KEY}", LEVEL = "${LEVEL:-3}" }
    [environment]
    cpus = 1
    memory = "2G"
    storage_mb = 512
    network_mode = "allowlist"
    allowed_hosts = ["pypi.org", "*.example.com", "10.0.0.0/8"]
    env = { HOME_PAGE = "https://example.com" }
    healthcheck = { command = "true" }
    """
    found = read_harbor(write(tmp_path / "my Task!", config))
    have = found.resources
    assert (have.cpus, have.memory_mb, have.disk_mb) == (1, 2048, 512)
    assert found.id == "my_task"
    assert found.egress == ("pypi.org",)
    assert found.phases[0].wall_s == 90
    assert (found.tests.timeout_s, found.tests.env) == (30, {"MODE": "strict", "LEVEL": "3"})
    assert found.image.env == {"HOME_PAGE": "https://example.com"}
    told = "\n".join(found.notes)
    assert all(word in told for word in ("*.example.com", "10.0.0.0/8", "API_KEY", "healthcheck"))


def test_older_files_say_whether_there_is_internet(tmp_path: Path) -> None:
    closed = read_harbor(write(tmp_path, "version = '1.0'\n[environment]\nallow_internet = false\n"))
    assert (closed.egress, closed.notes) == ((), ())


def test_steps_become_phases_and_the_last_ones_tests_count(tmp_path: Path) -> None:
    config = PLAIN + '[[steps]]\nname = "Lay-out"\n[[steps]]\nname = "finish"\nagent = { timeout_sec = 5 }\n'
    more = {
        "steps/Lay-out/instruction.md": "First.\n",
        "steps/finish/instruction.md": "Then.\n",
        "steps/finish/tests/test.sh": "echo 0.5 > /logs/verifier/reward.txt\n",
        "tests/shared.py": "x = 1\n",
    }
    found = read_harbor(write(tmp_path, config, **more))
    assert [(p.id, p.instruction, p.wall_s) for p in found.phases] == [
        ("lay_out", "First.\n", 3600),
        ("finish", "Then.\n", 5),
    ]
    assert found.tests.files["test.sh"][1].startswith(b"echo 0.5")
    assert "shared.py" in found.tests.files
    assert "only the tests of the last one" in found.notes[-1]


def test_a_verifier_apart_has_an_image_of_its_own(tmp_path: Path) -> None:
    config = PLAIN + '[verifier]\nenvironment_mode = "separate"\n'
    found = read_harbor(write(tmp_path, config, **{"tests/Dockerfile": "FROM scratch\n"}))
    assert found.tests.image is not None
    assert found.tests.image.dockerfile == "FROM scratch\n"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"task.toml": "a = "}, "task.toml: is not TOML"),
        ({"task.toml": "[agent]\ntimeout_sec = 'soon'"}, "task.toml: agent.timeout_sec: "),
        ({"task.toml": "[environment]\nos = 'windows'"}, "environment.os: 'windows' cannot be run"),
        ({"task.toml": "[environment]\ngpus = 1"}, "environment.gpus: a sandbox offers none"),
        ({"task.toml": '[[steps]]\nname = "../../etc"'}, "steps: '../../etc' is no folder's name"),
        ({"environment/docker-compose.yaml": "services: {}"}, "make one Dockerfile of them"),
        ({"instruction.md": "<!-- canary -->\n\n"}, "instruction.md: is empty"),
    ],
)
def test_what_cannot_be_read_names_its_field(tmp_path: Path, change: dict[str, str], fault: str) -> None:
    with pytest.raises(SpecError) as raised:
        read_harbor(write(tmp_path, **{"config": PLAIN, **change} if "task.toml" not in change else change))
    assert fault in str(raised.value)


@pytest.mark.parametrize(
    ("missing", "fault"),
    [
        ("task.toml", "is that a Harbor task|is .* a Harbor task"),
        ("environment/Dockerfile", "neither a Dockerfile nor a docker_image"),
        ("tests/test.sh", "is missing; nothing would say how much"),
        ("instruction.md", "cannot be read"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, missing: str, fault: str) -> None:
    (write(tmp_path) / missing).unlink()
    with pytest.raises(SpecError, match=fault):
        read_harbor(tmp_path)


def test_no_link_is_followed(tmp_path: Path) -> None:
    (write(tmp_path) / "tests/secret").symlink_to("/etc/passwd")
    with pytest.raises(SpecError, match="secret: is a link"):
        read_harbor(tmp_path)


@pytest.mark.parametrize(
    ("name", "identity"), [("Hello-World", "hello_world"), ("3d--Print", "task_3d_print"), ("日本", "task")]
)
def test_any_name_becomes_an_id(name: str, identity: str) -> None:
    assert slug(name) == identity


def test_a_ready_image_stands_for_a_dockerfile(tmp_path: Path) -> None:
    write(tmp_path, '[environment]\ndocker_image = "registry.example/org/image:1"\nworkdir = "/srv"\n')
    (tmp_path / "environment/Dockerfile").unlink()
    found = read_harbor(tmp_path)
    assert found.image.dockerfile == "FROM registry.example/org/image:1\n"
    assert found.workdir == "/srv"
