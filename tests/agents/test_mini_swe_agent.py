"""mini-swe-agent: its trajectory, and how it is told that the work is done."""

from __future__ import annotations

import json
from pathlib import Path

from runner.agents.kit.cli import AgentLog
from runner.agents.mini_swe_agent import AGENT, REQUIREMENTS, MiniSweAgent
from runner.core.protocols import Endpoint, Step, ToolUse
from runner.core.records import Limits, Usage

LOG = (Path(__file__).parent / "logs/mini_swe_agent.json").read_bytes()
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


def test_its_trajectory_is_told_without_the_prompts() -> None:
    log = MiniSweAgent().read(LOG)
    assert [(step.kind, step.tool) for step in log.steps] == [
        ("said", None),
        ("called", "bash"),
        ("returned", "bash"),
        ("said", None),
        ("called", "bash"),
        ("returned", "bash"),
        ("noted", None),
    ]
    assert [step.text for step in log.steps[:2]] == ["Look.", "echo hi; false"]
    assert '"returncode": 1' in log.steps[2].text
    assert log.steps[-1].text == "Submitted"


def test_each_replys_usage_is_added_up() -> None:
    assert MiniSweAgent().read(LOG).reported == Usage(
        requests=2, input_tokens=1764, output_tokens=23, cost_usd=None
    )


def test_a_reply_without_usage_leaves_the_sum_unknown() -> None:
    document = json.loads(LOG)
    del document["messages"][2]["extra"]["response"]["usage"]
    reported = MiniSweAgent().read(json.dumps(document).encode()).reported
    assert reported is not None
    assert (reported.requests, reported.input_tokens, reported.output_tokens) == (2, None, None)


def test_thinking_and_failures_are_told() -> None:
    messages = [
        {"role": "system", "content": "."},
        {"role": "user", "content": "."},
        {"role": "assistant", "content": None, "reasoning_content": "Hm.", "tool_calls": [{"function": {}}]},
        {"role": "exit", "content": "no route", "extra": {"exit_status": "APIError"}},
    ]
    log = MiniSweAgent().read(json.dumps({"messages": messages}).encode())
    expected = (Step("thought", "Hm."), Step("called", "", ""), Step("noted", "APIError\nno route"))
    assert log == AgentLog(expected, None)


def test_a_script_ends_its_work_by_the_command_it_waits_for() -> None:
    assert AGENT.finish(["bash"]) == ToolUse("bash", {"command": SUBMIT})


def test_all_it_installs_is_pinned_in_one_place() -> None:
    for requirement in REQUIREMENTS.split():
        assert requirement in AGENT.install
        assert requirement.count("==") == 1
    assert f"mini-swe-agent=={AGENT.version}" in REQUIREMENTS.split()
    assert "datasets" not in AGENT.install


def test_the_projects_modules_are_not_its_own() -> None:
    launch = MiniSweAgent().launch(
        "Build it.", Endpoint("http://127.0.0.1:1", "m", "t"), Limits(command_s=77)
    )
    assert launch.argv[:2] == ("/opt/mini-swe-agent/bin/python", "-I")
    assert "environment.timeout=77" in launch.argv
    assert not {name for name in launch.env if name.startswith(("PYTHON", "LD_", "VIRTUAL_ENV"))}
