"""The names and values of `--json`."""

from __future__ import annotations

import json

from runner.core.records import Calibration, Improvement, Run, Score, Usage
from runner.report.as_json import run_json


def test_every_name_and_value(run: Run, score: Score) -> None:
    data = run_json(run, score)
    assert json.loads(json.dumps(data)) == data
    assert {k: v for k, v in data.items() if k not in ("dimensions", "ceilings")} == {
        "run": run.id,
        "model": "demo/b",
        "agent": "bash",
        "task": "rails_chat",
        "epoch": 1,
        "status": "completed",
        "rubric": "rails_chat@2",
        "low": 59,
        "high": 68,
        "tier": None,
        "calibration": None,
        "improvements": [],
        "cost_usd": None,
        "wall_s": 84.2,
        "requests": 23,
        "tokens": {
            "input": 120_345,
            "cached_input": 80_000,
            "cache_write": 0,
            "output": 12_001,
            "reasoning": 0,
        },
        "stopped_by": {"build": "done"},
        "disagreements": [],
        "replay_of": None,
        "imported": None,
        "failure": None,
        "variant": None,
    }


def test_a_dimension(run: Run, score: Score) -> None:
    assert run_json(run, score)["dimensions"][1] == {
        "id": "errors",
        "title": "Error handling",
        "points": 40,
        "low": 5,
        "high": 13,
        "lost": [
            {
                "id": "blind",
                "points": 27,
                "because": "Everything is caught alike.",
                "findings": [
                    {
                        "check": "error_handling.typed",
                        "outcome": "fail",
                        "message": "rescues StandardError",
                        "locations": [
                            {
                                "path": "app/services/chat_turn.rb",
                                "line": 12,
                                "text": "    rescue StandardError => e\n",
                            }
                        ],
                        "values": {},
                    }
                ],
            }
        ],
        "unknown": [
            {
                "id": "suite",
                "points": 8,
                "because": "The suite does not load.",
                "findings": [
                    {
                        "check": "suite.loads",
                        "outcome": "unknown",
                        "message": "a gem could not be had",
                        "locations": [],
                        "values": {},
                    }
                ],
            }
        ],
    }


def test_ceilings(run: Run, score: Score) -> None:
    (ceiling,) = run_json(run, score)["ceilings"]
    assert (ceiling["id"], ceiling["points"]) == ("does_not_boot", 1)


def test_an_unscored_failed_run_has_the_same_names(run: Run, failed_run: Run, score: Score) -> None:
    data = run_json(failed_run.model_copy(update={"usage": Usage(cost_usd=None)}), None)
    assert list(data) == list(run_json(run, score))
    assert (data["low"], data["high"], data["tier"], data["dimensions"]) == (None, None, None, [])
    assert data["status"] == "failed"
    assert data["failure"] == {"kind": "infra", "code": "upstream", "message": "the provider\nanswered 503"}


def test_what_review_and_repair_were_worth(
    run: Run, score: Score, calibration: Calibration, improvement: Improvement
) -> None:
    data = run_json(run, score, calibration, [improvement])
    assert json.loads(json.dumps(data)) == data
    assert list(data) == list(run_json(run, score))
    review = data["calibration"]
    assert {k: v for k, v in review.items() if k != "goals"} == {
        "file": "SELF_REVIEW.md",
        "file_found": True,
        "counts": {"over_claim": 1, "undecided": 1, "missing": 1, "holds": 0},
        "changed": [],
    }
    first = review["goals"][0]
    assert (first["goal"], first["claimed"], first["found"]) == ("compose", "pass", "fails")
    assert (first["comparison"], first["findings"][0]["check"]) == ("over_claim", "deliverables.compose")
    assert data["improvements"] == [
        {
            "phase": "repair",
            "rubric": "rails_chat@2",
            "before_low": 50,
            "before_high": 58,
            "after_low": 70,
            "after_high": 70,
            "gained_low": 12,
            "gained_high": 20,
            "asked": ["deliverables.compose", "deliverables.readme"],
            "fixed": ["deliverables.compose"],
            "broken": [],
        }
    ]
