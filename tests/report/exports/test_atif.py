"""ATIF by its specification and by the schema of harbor 0.26, which needs a newer Python than we do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from transcripts import ASKED, COMMAND, DONE, SEEN, WIRES, conversation, write_transcript

from runner.report.exports.atif import FORMAT
from runner.report.exports.kit.entry import Entry

SCHEMA = json.loads((Path(__file__).parent / "harbor-0.26-trajectory.schema.json").read_text())
AGENT_ONLY = {"model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics"}


def exported(entry: Entry) -> dict[str, Any]:
    [(name, content)] = FORMAT.documents([entry])
    assert name == f"{entry.run.trial.id}.1.json"
    document: dict[str, Any] = json.loads(content)
    Draft202012Validator(SCHEMA).validate(document)
    return document


def test_a_run_is_a_trajectory(scored: Entry) -> None:
    document = exported(scored)
    assert document["schema_version"] == "ATIF-v1.7"
    assert document["agent"] == {"name": "bash", "version": "1", "model_name": "demo/b"}
    asked, called, done = document["steps"]
    assert (asked["source"], asked["message"], done["message"]) == ("user", ASKED, DONE)
    assert called["tool_calls"] == [{"tool_call_id": "c1", "function_name": "bash", "arguments": COMMAND}]
    assert called["observation"] == {"results": [{"source_call_id": "c1", "content": SEEN}]}
    metrics = {"prompt_tokens": 11, "completion_tokens": 5, "cached_tokens": 3, "cost_usd": 0.25}
    assert called["metrics"] == metrics
    totals = document["final_metrics"]
    assert totals["total_prompt_tokens"] == 120_345
    assert "total_cost_usd" not in totals, "an unknown cost is left out"


@pytest.mark.parametrize("wire", WIRES)
def test_the_rules_of_the_specification_hold(wire: str, scored: Entry) -> None:
    write_transcript(scored.folder, conversation(wire))
    steps = exported(scored)["steps"]
    assert [step["step_id"] for step in steps] == [1, 2, 3]
    for step in steps:
        assert step["source"] == "agent" or not AGENT_ONLY & step.keys()
        calls = {call["tool_call_id"] for call in step.get("tool_calls", [])}
        results = step.get("observation", {"results": []})["results"]
        assert {result["source_call_id"] for result in results} <= calls


def test_a_run_without_a_transcript_has_no_trajectory(tmp_path: Path, infra: Entry) -> None:
    assert list(FORMAT.documents([infra])) == []
