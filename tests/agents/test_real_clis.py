"""Every agent as it really is, in a sealed sandbox, against a provider that plays a script in its format."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from provider import KEY, SECOND_PROMPT, Provider, serving

from runner import agents
from runner.agents.codex import AGENT as CODEX
from runner.cli.settings import settings_from
from runner.core.protocols import Agent, Endpoint, Sandbox, Session, ToolUse
from runner.core.records import Limits, Run, RunStatus
from runner.core.registry import load, names
from runner.gateway import wires
from runner.pipeline.grading.checkout import read_tree
from runner.pipeline.settings import Settings
from runner.pipeline.trials.benchmark import trial_of
from runner.pipeline.trials.trial import TrialJob, run_attempt
from runner.pipeline.workbench import Workbench, open_workbench
from runner.spec.tasks import load_task

pytestmark = pytest.mark.docker
PROJECT = Path(__file__).parents[2]
RESOURCES = {"cpus": 2, "memory_mb": 2048, "disk_mb": 256, "pids": 512}
BROKEN = "def total(numbers):\n    return sum(numbers) + 1\n"
MENDED = BROKEN.replace(" + 1", "")
TEST = """\
import unittest
from sums import total


class TotalTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)
"""
PROSE = "Ünïcödé, $HOME, `backticks`, \\\\ and 'quotes'\n" * 1200
CHECK = "python3 -m unittest 2>&1"
BUILD = [
    {"say": "The files first.", "write": ["sums.py", "test_sums.py", "docs"]},
    {"say": "Do the tests pass?", "run": CHECK},
    {"run": "cat sums.py"},
    {"say": "Off by one.", "run": "sed -i 's/ + 1//' sums.py"},
    {"run": f"{CHECK} && echo passed > built.txt"},
    {"say": "It is built."},
]
PROVE = [
    {"say": "Once more.", "run": f"{CHECK} && env > environment.txt && echo passed > proved.txt"},
    {"say": "It is proved."},
]
HANG = [{"run": "touch started; sleep 1000"}]
# For one without tools: its own test runs bring the failures back.
HANGING = "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(1000)\n"
TOLD = [
    {"say": "The test first.", "write": ["test_sums.py"]},
    {"say": "It must fail."},
    {"say": "Some prose.", "write": ["docs/prose.md"]},
    {"say": "It fails still."},
    {"say": "Now the code.", "write": ["sums"]},
    {"say": "It is built."},
]
TOLD_HANG = [{"write": ["test_hanging.py"]}]

AGENTS: list[Agent] = [load(agents, name, "agent").AGENT for name in names(agents)]
TOOLLESS = [agent for agent in AGENTS if isinstance(agent.run_command("true", ["bash"]), str)]
SPEAKING = [(agent, wire) for agent in AGENTS if agent not in TOOLLESS for wire in agent.wires]
# Their own logs say nothing of tokens.
SILENT = {"bash"}


class Watched:
    """An agent whose sessions are kept."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.sessions: list[Session] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._agent, name)

    async def run(self, sandbox: Sandbox, prompt: str, endpoint: Endpoint, limits: Limits) -> Session:
        self.sessions.append(await self._agent.run(sandbox, prompt, endpoint, limits))
        return self.sessions[-1]


# A refusal looks alike to all agents of a wire; killing is the sandbox's work, not the agent's.
ONE_A_WIRE = [a for a in AGENTS if a.id in ("bash", "claude-code", "codex", "gemini-cli")]
STUBBORN = [a for a in AGENTS if a.id in ("bash", "gemini-cli", "aider")]


@pytest.fixture(params=AGENTS, ids=lambda agent: agent.id)
def agent(request: pytest.FixtureRequest) -> Watched:
    """Each agent there is."""
    return Watched(request.param)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A root with one small task, and an empty archive."""
    root = tmp_path / "root"
    (root / "tasks/tiny").mkdir(parents=True)
    for name in ("sandboxes", "rubrics", "runner"):
        (root / name).symlink_to(PROJECT / name)
    for name, prompt in (("build", "Build it."), ("prove", SECOND_PROMPT)):
        (root / "tasks/tiny" / f"{name}.md.j2").write_text(prompt)
    phases = [
        {"id": name, "prompt": f"{name}.md.j2", "limits": {"wall_s": 300}} for name in ("build", "prove")
    ]
    task = {"id": "tiny", "title": "Tiny", "sandbox": "base", "rubric": "rails_chat@2", "phases": phases}
    (root / "tasks/tiny/task.yaml").write_text(yaml.safe_dump({**task, "resources": RESOURCES}))
    return replace(
        settings_from(os.environ), root=root, archive=tmp_path / "archive", models=tmp_path / "none"
    )


@pytest.fixture
async def bench(settings: Settings, images: dict[str, str]) -> AsyncIterator[Workbench]:
    """Engine, gateway and archive."""
    async with open_workbench(settings, images) as bench:
        yield bench


def without_tools(agent: Watched) -> bool:
    return agent.id in {toolless.id for toolless in TOOLLESS}


def provider_of(
    agent: Watched, folder: Path, build: list[dict[str, Any]], speaking: str | None = None
) -> AbstractAsyncContextManager[Provider]:
    files = {
        "sums.py": BROKEN,
        "test_sums.py": TEST,
        "docs/prose.md": PROSE,
        "docs/empty": "",
        "sums/__init__.py": MENDED,
        "test_hanging.py": HANGING,
    }
    for path, text in files.items():
        (folder / "files" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / path).write_text(text)
    script = {"title": "sums", "phases": {"build": build, "prove": PROVE}}
    (folder / "script.yaml").write_text(yaml.safe_dump(script))
    wire = load(wires, speaking or agent.wires[0], "wire format").WIRE
    return serving(Provider(agent, wire, folder))


async def attempt(bench: Workbench, provider: Provider, phases: int = 2, **limits: float) -> Run:
    task = load_task("tiny", bench.settings.tasks)
    bounded = [phase.limits.model_copy(update=limits) for phase in task.phases]
    given = [p.model_copy(update={"limits": b}) for p, b in zip(task.phases, bounded, strict=True)]
    task = task.model_copy(update={"phases": tuple(given[:phases])})
    model, agent = provider.model, provider.agent
    job = TrialJob(trial_of(task, model, agent, 1), task, model, agent, KEY)
    return await run_attempt(bench, job, lambda event: None)


def lines(bench: Workbench, run: Run, name: str) -> list[dict[str, Any]]:
    text = (bench.archive.folder(run) / name).read_text()
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(("agent", "wire"), SPEAKING, ids=lambda value: getattr(value, "id", value))
async def test_it_builds_over_many_turns_and_two_phases(
    bench: Workbench, agent: Agent, wire: str, tmp_path: Path
) -> None:
    watched = Watched(agent)
    async with provider_of(watched, tmp_path, BUILD, wire) as provider:
        run = await attempt(bench, provider)
    assert (run.status, run.failure) == (RunStatus.COMPLETED, None)
    assert [phase.stopped_by for phase in run.phases] == ["done", "done"]
    tree = read_tree(bench.archive, run)
    assert tree.text("sums.py") == MENDED
    assert tree.text("test_sums.py") == TEST
    assert tree.text("docs/prose.md") == PROSE
    assert tree.text("docs/empty") == ""
    assert (tree.text("built.txt"), tree.text("proved.txt")) == ("passed\n", "passed\n")
    assert {path for path in tree if "pycache" not in path} == {
        *("sums.py", "test_sums.py", "docs/prose.md", "docs/empty"),
        *("built.txt", "proved.txt", "environment.txt"),
    }
    _the_ledger_holds_to_the_token(bench, run, provider)
    environment = tree.text("environment.txt") or ""
    assert "PATH=" in environment
    assert KEY not in environment
    _it_had_only_the_gateway(bench, run, provider)
    _its_own_log_tells_the_same(bench, run, watched)


@pytest.mark.parametrize("agent", TOOLLESS, ids=lambda agent: agent.id)
async def test_one_without_tools_builds_from_what_its_test_runs_say(
    bench: Workbench, agent: Agent, tmp_path: Path
) -> None:
    watched = Watched(agent)
    async with provider_of(watched, tmp_path, TOLD) as provider:
        run = await attempt(bench, provider)
    assert (run.status, run.failure) == (RunStatus.COMPLETED, None)
    assert [phase.stopped_by for phase in run.phases] == ["done", "done"]
    assert [phase.usage.requests for phase in run.phases] == [3, 1]
    tree = read_tree(bench.archive, run)
    assert {path: tree.text(path) for path in tree} == {
        "sums/__init__.py": MENDED,
        "test_sums.py": TEST,
        "docs/prose.md": PROSE,
    }
    requests = (bench.archive.folder(run) / "transcript.jsonl").read_text().splitlines()
    assert ["ModuleNotFoundError" in request for request in requests] == [False, True, True, False]
    assert "def total" in requests[-1]  # a later phase sees the files
    _the_ledger_holds_to_the_token(bench, run, provider)
    _it_had_only_the_gateway(bench, run, provider)
    _its_own_log_tells_the_same(bench, run, watched)


def _the_ledger_holds_to_the_token(bench: Workbench, run: Run, provider: Provider) -> None:
    usages = [exchange["usage"] for exchange in lines(bench, run, "transcript.jsonl")]
    for meter in ("requests", "input_tokens", "output_tokens"):
        issued = getattr(provider.issued, meter)
        assert issued == getattr(run.usage, meter) == sum(usage[meter] for usage in usages) > 0
    assert provider.requests == provider.issued.requests
    assert run.usage == run.phases[0].usage + run.phases[1].usage


def _it_had_only_the_gateway(bench: Workbench, run: Run, provider: Provider) -> None:
    assert lines(bench, run, "egress.jsonl") == []
    assert provider.keys == {KEY}
    kept = b"\n".join(p.read_bytes() for p in bench.archive.root.rglob("*") if p.is_file())
    assert KEY.encode() not in kept


def _its_own_log_tells_the_same(bench: Workbench, run: Run, agent: Watched) -> None:
    assert (run.trial.agent, run.trial.agent_version) == (agent.id, agent.version)
    build, prove = run.phases
    assert build.configuration == prove.configuration is not None
    steps = lines(bench, run, "logs/build.steps.jsonl")
    reports = [session.reported for session in agent.sessions]
    if agent.id in SILENT:
        assert reports == [None, None]
        return
    for report, phase in zip(reports, run.phases, strict=True):
        assert report is not None
        told = (report.input_tokens, report.output_tokens)
        assert told == (phase.usage.input_tokens, phase.usage.output_tokens)
    said = "\n".join(step["text"] for step in steps if step["kind"] == "said")
    assert "It is built." in said
    if isinstance(agent.run_command("true", ["bash"]), ToolUse):
        commands = "\n".join(step["text"] for step in steps if step["kind"] == "called")
        assert CHECK in commands
        assert "s/ + 1//" in commands
        returned = "\n".join(step["text"] for step in steps if step["kind"] == "returned")
        assert "AssertionError: 4 != 3" in returned


async def test_a_refused_key_ends_it_without_a_storm(
    bench: Workbench, agent: Watched, tmp_path: Path
) -> None:
    async with provider_of(agent, tmp_path, BUILD) as provider:
        provider.status = provider.wire.stop_status
        run = await attempt(bench, provider)
    assert run.failure is not None
    assert run.failure.kind == "infra", run.failure
    assert 1 <= provider.requests <= 5


@pytest.mark.parametrize("agent", ONE_A_WIRE, indirect=True, ids=lambda agent: agent.id)
async def test_a_spent_budget_ends_it_without_a_storm(
    bench: Workbench, agent: Watched, tmp_path: Path
) -> None:
    async with provider_of(agent, tmp_path, TOLD if without_tools(agent) else BUILD) as provider:
        run = await attempt(bench, provider, phases=1, requests=2)
    assert run.failure is None
    assert run.phases[0].stopped_by == "budget"
    assert provider.requests == 2
    assert len(lines(bench, run, "transcript.jsonl")) <= 7


async def test_those_that_hang_are_killed(bench: Workbench, tmp_path: Path) -> None:
    """All at once: what is waited for is the end of their time."""
    runs = await asyncio.gather(*(_hanging(bench, Watched(agent), tmp_path / agent.id) for agent in STUBBORN))
    for run in runs:
        assert run.failure is None, run.failure
        assert run.phases[0].stopped_by == "wall_time"
        # A busy machine may not come so far.
        assert set(read_tree(bench.archive, run)) <= {"started", "test_hanging.py"}


async def _hanging(bench: Workbench, agent: Watched, folder: Path) -> Run:
    async with provider_of(agent, folder, TOLD_HANG if without_tools(agent) else HANG) as provider:
        return await attempt(bench, provider, phases=1, wall_s=10)


async def test_codexs_model_waits_for_a_long_command(bench: Workbench, tmp_path: Path) -> None:
    """Its tool comes back after 30 seconds at most, whatever is asked for."""
    build = [{"run": "sleep 32; echo slept > slept"}, {"run": "cat slept > seen"}, {"say": "done"}]
    async with provider_of(Watched(CODEX), tmp_path, build) as provider:
        run = await attempt(bench, provider, phases=1)
    assert (run.failure, run.usage.requests) == (None, 4)
    assert read_tree(bench.archive, run).text("seen") == "slept\n"
