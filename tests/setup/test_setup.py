"""bin/setup in a folder of its own, on a PATH that holds only stand-ins and plain system commands."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = (
    "bash",
    "sh",
    "env",
    "dirname",
    "cat",
    "cksum",
    "grep",
    "sleep",
    "mkdir",
    "rm",
    "tail",
    "cp",
    "chmod",
)

PYTHON = """#!/bin/sh
case "$*" in
  *version_info*) echo {version} ;;
  *ensurepip*) exit {venv_missing} ;;
  "-m venv .venv")
    echo "venv {version}" >>{calls}
    mkdir -p .venv/bin
    cp {folder}/venv-python .venv/bin/python
    echo "#!$PWD/.venv/bin/python" >.venv/bin/pip
    printf '#!/bin/sh\\necho "shipworthy $*" >>{calls}\\n' >.venv/bin/shipworthy
    chmod +x .venv/bin/shipworthy ;;
esac
"""

VENV_PYTHON = """#!/bin/sh
case "$*" in *pip*) echo "pip $*" | grep -o 'pip install.*' >>{calls}; {pip} ;; esac
"""

# A job in the background of a script, as CI may be, is started deaf to Ctrl-C.
HEARING = [
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
]


class Machine:
    """A fresh clone and the commands this machine has."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "a clone"
        self.commands = folder / "commands"
        self.calls = folder / "calls"
        (self.clone / "bin").mkdir(parents=True)
        self.commands.mkdir()
        self.calls.touch()
        shutil.copy(ROOT / "bin" / "setup", self.clone / "bin" / "setup")
        shutil.copy(ROOT / "pyproject.toml", self.clone)
        for name in PLAIN:
            (self.commands / name).symlink_to(shutil.which(name) or f"{name} is missing")
        self.add("id", "echo 1000")
        self.add("venv-python", VENV_PYTHON.format(calls=self.calls, pip=":"))

    def add(self, name: str, script: str) -> None:
        (self.commands / name).write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
        (self.commands / name).chmod(0o755)

    def add_python(self, name: str, version: str, has_venv: bool = True) -> None:
        script = PYTHON.format(
            version=version, venv_missing=int(not has_venv), calls=self.calls, folder=self.commands
        )
        self.add(name, script)

    def command(self, *options: str) -> list[str]:
        return [str(self.commands / "bash"), str(self.clone / "bin" / "setup"), *options]

    def environ(self, **more: str) -> dict[str, str]:
        return {"PATH": str(self.commands), **more}

    def setup(self, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*options),
            env=self.environ(**environ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def called(self) -> list[str]:
        """What was done since the last time this was asked."""
        lines = self.calls.read_text().splitlines()
        self.calls.write_text("")
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_first_call_makes_all_and_the_second_goes_straight_to_work(machine: Machine) -> None:
    machine.add_python("python3", "3.12")
    first = machine.setup()
    assert first.returncode == 0, first.stderr
    assert machine.called() == ["venv 3.12", "pip install --editable .", "shipworthy engine"]
    assert "installing Python packages" in first.stderr
    second = machine.setup()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert machine.called() == ["shipworthy engine"]


def test_tools_are_added_when_asked_for_and_stay(machine: Machine) -> None:
    machine.add_python("python3", "3.12")
    machine.setup("--no-engine")
    machine.called()
    machine.setup("--dev", "--no-engine")
    assert machine.called() == ["pip install --editable .[dev]"]
    machine.setup("--no-engine")
    assert machine.called() == []
    with (machine.clone / "pyproject.toml").open("a") as project:
        project.write("# another dependency\n")
    machine.setup("--no-engine")
    assert machine.called() == ["pip install --editable .[dev]"]


def test_a_moved_clone_gets_an_environment_of_its_own(machine: Machine, tmp_path: Path) -> None:
    machine.add_python("python3", "3.12")
    machine.setup("--no-engine")
    machine.called()
    machine.clone = machine.clone.rename(tmp_path / "moved")
    machine.setup("--no-engine")
    assert machine.called() == ["venv 3.12", "pip install --editable ."]


def test_an_environment_whose_python_is_gone_is_made_again(machine: Machine) -> None:
    machine.add_python("python3", "3.12")
    machine.setup("--no-engine")
    machine.called()
    (machine.clone / ".venv/bin/python").unlink()
    machine.setup("--no-engine")
    assert machine.called() == ["venv 3.12", "pip install --editable ."]


def test_an_environment_somebody_else_made_is_kept(machine: Machine) -> None:
    machine.add_python("python3", "3.12")
    machine.setup("--no-engine")
    (machine.clone / ".venv/made-from").unlink()
    machine.called()
    machine.setup("--no-engine")
    assert machine.called() == ["pip install --editable ."]


def test_a_failed_install_is_shown_and_tried_again(machine: Machine) -> None:
    machine.add_python("python3", "3.12")
    machine.add("venv-python", VENV_PYTHON.format(calls=machine.calls, pip="echo no route to index; exit 1"))
    failed = machine.setup()
    assert failed.returncode == 2
    assert "no route to index" in failed.stderr
    assert str(machine.clone / ".cache/logs/setup.log") in failed.stderr
    assert "shipworthy engine" not in machine.called()
    assert machine.setup().returncode == 2
    assert machine.called() == ["pip install --editable ."]


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        ({"python3.13": "3.13", "python3.11": "3.11", "python3": "3.9"}, "3.13"),
        ({"python3": "3.14"}, "3.14"),
        ({"python3.11": "3.11", "python3": "3.10"}, "3.11"),
    ],
)
def test_a_new_enough_python_is_found(machine: Machine, pythons: dict[str, str], chosen: str) -> None:
    for name, version in pythons.items():
        machine.add_python(name, version)
    machine.add("python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")  # an empty shim
    assert machine.setup("--no-engine").returncode == 0
    assert machine.called()[0] == f"venv {chosen}"


@pytest.mark.parametrize("pythons", [{}, {"python3": "3.10"}, {"python3": "3.9"}, {"python3": "2.7"}])
def test_without_python_it_says_what_to_install(machine: Machine, pythons: dict[str, str]) -> None:
    for name, version in pythons.items():
        machine.add_python(name, version)
    found = machine.setup()
    assert found.returncode == 2
    assert "Python 3.11 or newer is needed" in found.stderr
    assert "apt-get install python3-venv" in found.stderr
    assert not (machine.clone / ".venv").exists()


def test_a_python_without_venv_names_the_package(machine: Machine) -> None:
    machine.add_python("python3", "3.11", has_venv=False)
    found = machine.setup()
    assert found.returncode == 2
    assert "apt-get install python3.11-venv" in found.stderr


def apt(machine: Machine) -> str:
    """Stands in for apt-get: what it installs is a Python that has venv."""
    machine.add_python("whole-python", "3.11")
    return (
        f'echo "apt-get $*" >>{machine.calls}\n'
        f'case "$1" in install) cp {machine.commands}/whole-python {machine.commands}/python3 ;; esac'
    )


def test_root_on_debian_gets_the_venv_package_installed(machine: Machine) -> None:
    machine.add_python("python3", "3.11", has_venv=False)
    machine.add("id", "echo 0")
    machine.add("apt-get", apt(machine))
    assert machine.setup("--no-engine").returncode == 0
    assert machine.called()[:3] == [
        "apt-get update",
        "apt-get install --yes --no-install-recommends python3.11-venv",
        "venv 3.11",
    ]


@pytest.mark.parametrize(("uid", "environ"), [("1000", {}), ("0", {"SHIPWORTHY_NO_INSTALL": "1"})])
def test_nothing_is_installed_without_right_or_leave(
    machine: Machine, uid: str, environ: dict[str, str]
) -> None:
    machine.add_python("python3", "3.11", has_venv=False)
    machine.add("id", f"echo {uid}")
    machine.add("apt-get", apt(machine))
    assert machine.setup(**environ).returncode == 2
    assert machine.called() == []


def test_an_unknown_option_is_refused(machine: Machine) -> None:
    assert machine.setup("--all").returncode == 2


def test_an_interrupt_stops_it_and_the_next_call_mends(machine: Machine) -> None:
    machine.add_python("python3", "3.12")
    machine.add("venv-python", VENV_PYTHON.format(calls=machine.calls, pip="exec sleep 30"))
    command = [*HEARING, *machine.command()]
    with subprocess.Popen(command, env=machine.environ(), stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while "pip" not in machine.calls.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    machine.called()
    machine.add("venv-python", VENV_PYTHON.format(calls=machine.calls, pip=":"))
    shutil.copy(machine.commands / "venv-python", machine.clone / ".venv/bin/python")
    assert machine.setup("--no-engine").returncode == 0
    assert machine.called() == ["pip install --editable ."]
