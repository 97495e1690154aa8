"""aider: edits as text that its own code turns into the same bytes, its tests' runner, and its log."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runner.agents.aider import AGENT, PYTHON, RUN, RUN_TESTS, Aider
from runner.core.protocols import Endpoint, SandboxSpec, Step
from runner.core.records import Limits, Usage
from runner.sandbox.docker import DockerBackend

LOG = (Path(__file__).parent / "logs/aider.md").read_bytes()
EXACT = {
    "plain.py": b"def x():\n\treturn 'a'\n",
    "deep/er/named.py": b"# named.py\nx = 1\n",
    "README.md": b"```bash\nls\n```\n\nText `code` <<<<<<< SEARCH here\n\n~~~\n```\n",
    "Dockerfile": b"FROM x\n\n\n# end\n\n\n",
    "blank.txt": b"\n",
    "blanks.txt": b"\n\n  \n\n",
    "accents.txt": 'ç 漢 🎉 \\n $HOME `x` "y"  \n'.encode(),
    "indented.txt": b"    a\n  b\n",
    "fence.md": b"```\n<x>\n```\n",
}
WITH_A_LINE_FEED = {"empty": b"", "unended.txt": b"a\nb"}
NOT_TEXT = {"binary": b"\xff\xfe", "returns.txt": b"a\r\nb\r\n", "rule.rst": b"Title\n=====\n"}


@pytest.mark.docker
async def test_its_own_code_writes_the_files_byte_for_byte(
    backend: DockerBackend, images: dict[str, str]
) -> None:
    text = AGENT.write_files(EXACT | WITH_A_LINE_FEED | NOT_TEXT)
    assert text is not None
    async with backend.open(SandboxSpec(image=images["base+aider"], run="test/1")) as sandbox:
        await sandbox.put({"reply.md": text.encode()}, "/tmp")
        launch = Aider().launch("x", Endpoint("http://127.0.0.1:8080", "m", "t"), Limits())
        await sandbox.put({path.lstrip("/"): content.encode() for path, content in launch.files.items()}, "/")
        options = launch.argv[launch.argv.index("--model") : launch.argv.index("--message")]
        command = [*PYTHON, "-m", "aider", *options, "--apply", "/tmp/reply.md"]
        applied = await sandbox.exec(command, env=launch.env, timeout_s=120)
        assert applied.ok, applied.stdout + applied.stderr
        for path, content in (EXACT | {p: c + b"\n" for p, c in WITH_A_LINE_FEED.items()}).items():
            written = await sandbox.exec(["cat", path])
            assert (path, written.stdout) == (path, content)
        found = await sandbox.exec(["find", ".", "-type", "f"])
    names = {line.removeprefix("./") for line in found.stdout.decode().splitlines()}
    assert names == EXACT.keys() | WITH_A_LINE_FEED.keys()


def test_files_it_cannot_tell_are_named() -> None:
    text = AGENT.write_files(NOT_TEXT)
    assert text == "These files cannot be told in SEARCH/REPLACE blocks: binary, returns.txt, rule.rst"


def test_a_command_is_only_words() -> None:
    assert AGENT.run_command("ls\npwd", []) == "To be run by hand:\n\n    ls\n    pwd"


def test_its_chat_is_told_without_the_prompt() -> None:
    steps = Aider().read(LOG).steps
    assert [step.kind for step in steps] == ["noted", "noted", "said", "noted", "said", "noted"]
    assert steps[2].text.startswith("A test.\n\ntest_x.py\n```\n<<<<<<< SEARCH\n")
    assert "import t\n\n\nclass X" in steps[2].text
    assert steps[2].text.endswith("\n\nIt fails.")
    assert "Applied edit to test_x.py" in steps[3].text
    assert "Second line." not in "".join(step.text for step in steps[1:])


def test_its_usage_is_that_of_all_its_requests() -> None:
    assert Aider().read(LOG).reported == Usage(
        requests=2,
        input_tokens=2032 + 2656,
        output_tokens=46 + 18,
        cached_input_tokens=None,
        cache_write_tokens=None,
        reasoning_tokens=None,
        cost_usd=None,
    )


def test_a_log_without_figures_reports_nothing() -> None:
    log = Aider().read(b"#### x\n\nHello.\n")
    assert (log.steps, log.reported) == ((Step("said", "Hello."),), None)


def test_it_is_given_the_texts_of_the_workspace(tmp_path: Path) -> None:
    files = {"a b.py": "x\n", "sub/c.txt": "y\n", ".hidden/d": "z\n", "node_modules/e.js": "z\n", "empty": ""}
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    (tmp_path / "binary").write_bytes(b"\0\1\2")
    (tmp_path / "long").write_text("x" * 100_000)
    assert _given(tmp_path) == ["./a b.py", "./sub/c.txt"]
    for n in range(9):
        (tmp_path / f"z{n}").write_text("x" * 60_000)
    assert _given(tmp_path)[2:] == ["./z0", "./z1", "./z2"]


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({}, 0, ""),
        ({"x.py": "x = 1"}, 0, ""),
        ({"test_x.py": "x = 1"}, 0, "0 tests"),
        (
            {"test_x.py": "import unittest\nclass X(unittest.TestCase):\n  def test(self): assert 0"},
            1,
            "assert 0",
        ),
        ({"test_x.py": "import unittest\nclass X(unittest.TestCase):\n  def test(self): pass"}, 0, "1 "),
        ({"package.json": '{"scripts": {"test": "jest"}}'}, 3, "npm test"),
        ({"package.json": "{}"}, 0, ""),
    ],
    ids=["empty", "untested", "no-test", "fails", "passes", "npm", "npm-untested"],
)
def test_the_workspaces_own_tests_decide(tmp_path: Path, files: dict[str, str], code: int, said: str) -> None:
    for path, content in files.items():
        (tmp_path / path).write_text(content)
    script = tmp_path / ".run-tests.sh"
    script.write_text(RUN_TESTS.format(seconds=60))
    npm = tmp_path / ".bin/npm"
    npm.parent.mkdir()
    npm.write_text('#!/bin/sh\necho npm "$@"\nexit 3\n')
    npm.chmod(0o755)
    environment = {"PATH": f"{npm.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    ran = subprocess.run(["sh", script], cwd=tmp_path, env=environment, capture_output=True, check=False)
    output = (ran.stdout + ran.stderr).decode()
    assert (ran.returncode, said in output) == (code, True), output
    assert not (tmp_path / "__pycache__").exists()


def _given(workspace: Path) -> list[str]:
    show = ["sh", "-c", RUN, "x", "printf", "%s\\n"]
    printed = subprocess.run(show, cwd=workspace, capture_output=True, check=True, text=True).stdout
    return printed.splitlines()
