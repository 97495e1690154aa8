"""The story of the methodology fix, through the commands, with the demos' evidence under versions 1 and 2.

One model moves up a tier because complete deliverables had counted too little, another because real calls of
the library had been called invented, and a half-finished one comes down. The evidence is that of
tests/scoring/test_rails_chat_versions.py: the probes' own findings in the demos' files.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.cli.main import main
from runner.cli.settings import settings_from
from runner.core.records import Evidence, Finding, Outcome, Run, RunStatus, Trial, Usage
from runner.pipeline.archives import Archive, open_archive
from runner.pipeline.grading.evidence import probes_for, source_environment
from tests.pipeline.test_grading import AT
from tests.scoring.test_rails_chat_versions import MANIFESTS, V1, V2, WRONG, evidence_of

FAULTLESS = {WRONG: Outcome.PASS}  # demo b, had it replayed its history by calls that the auditors knew


def add(
    archive: Archive, model: str, outcomes: Mapping[str, Outcome], epoch: int = 1, variant: str | None = None
) -> Run:
    tree = f"{model} {epoch} {variant}".encode().hex()
    fields = {"task": "rails_chat", "task_digest": "d", "model": model, "model_digest": "m"}
    fields |= {"agent": "bash", "agent_version": "1"}
    trial = Trial.model_validate(fields | {"epoch": epoch, "variant": variant})
    attempt = archive.new_attempt(trial)
    done = {"status": RunStatus.COMPLETED, "started": AT, "finished": AT, "phases": (), "usage": Usage()}
    run = Run.model_validate({"trial": trial, "attempt": attempt.number, "image": "i", "tree": tree} | done)
    for probe in probes_for(V1.checks() | V2.checks()):
        found = {"tree": tree, "probe": probe.id, "version": probe.version, "environment": "lab"}
        if not probe.needs_lab:
            found["environment"] = source_environment(MANIFESTS)
        findings = tuple(
            Finding(check=c, outcome=outcomes.get(c, Outcome.PASS), message=c) for c in probe.checks
        )
        archive.add_evidence(Evidence.model_validate(found | {"findings": findings}))
    return archive.seal(attempt, run)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fix") / "archive"
    archive = open_archive(settings_from(os.environ, root))
    for letter in "abcd":
        add(archive, f"demo/{letter}", evidence_of(letter))
    add(archive, "demo/half", {**evidence_of("b"), **FAULTLESS})
    where = ("--all", "--archive", str(root))
    assert main(["rescore", "--rubric", "rails_chat@1", *where]) == 0
    assert main(["rescore", "--rubric", "rails_chat@2", *where]) == 0
    return root


@pytest.fixture
def diff(root: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def told(format: str) -> str:
        capsys.readouterr()
        command = ("rubric", "diff", "rails_chat@1", "rails_chat@2", "--all", "--format", format)
        assert main([*command, "--archive", str(root)]) == 0
        return capsys.readouterr().out

    return told


def test_two_move_up_a_tier_each_for_its_own_reason(diff: Any) -> None:
    found = {move["run"].split(".")[1]: move for move in json.loads(diff("json"))["moves"]}
    tiers = {name: (move["old"]["tier"], move["new"]["tier"]) for name, move in found.items()}
    assert tiers == {
        **{"demo-a": ("B", "A"), "demo-b": ("B", "B"), "demo-c": ("D", "C")},
        **{"demo-d": ("D", "D"), "demo-half": ("A", "B")},
    }
    assert found["demo-c"]["mainly"].startswith("mainly +12.")
    assert "deliverables counts 25 points, not 10" in found["demo-c"]["mainly"]
    assert found["demo-a"]["mainly"] == (
        "mainly +22: unknown_calls (ruby_llm) is gone; it took 22. Calls are made that the auditors had not"
        " seen before and took for invented. (They exist.)"
    )
    assert "ruby_llm counts 20 points, not 40" in found["demo-half"]["mainly"]
    for move in found.values():  # what is told adds up to the move
        shift = sum(cause["shift_high"] for cause in move["causes"])
        assert shift == pytest.approx(move["new"]["high"] - move["old"]["high"])


@pytest.mark.parametrize("format", ["text", "markdown", "html"])
def test_every_form_says_so_in_words(diff: Any, format: str) -> None:
    told = html.unescape(diff(format)).replace("\\", "")
    for words in (
        "dimension deliverables is worth 25 (was: 10)",
        "deduction unknown_calls of ruby_llm is gone",
        "5 of 5 runs moved, 3 into another tier",
        "36.6 (D) -> 58 (C)",
        "78 (B) -> 100 (A)",
        "83 (A) -> 68 (B)",
        "deliverables counts 25 points, not 10",
        "took for invented. (They exist.)",
        "no rank moved by more than chance leaves open, of 5",
    ):
        assert words in told, told


def test_history_tells_one_runs_part_of_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "demo/a", "--archive", str(root)]) == 0
    told = capsys.readouterr().out
    assert "rails_chat@1: 78 points, tier B" in told
    assert "since the one before: another rubric (rails_chat@1 -> rails_chat@2)" in told
    assert "+22: unknown_calls (ruby_llm) is gone" in told


def test_standings_under_either_version(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = {}
    for version in ("1", "2"):
        capsys.readouterr()
        where = ("--rubric", f"rails_chat@{version}", "--archive", str(root), "--json")
        assert main(["standings", *where]) == 0
        rows = json.loads(capsys.readouterr().out)["standings"]
        places[version] = [row["model"] for row in rows]
        assert all(row["rank"] == [1, 5] for row in rows)  # one trial each: nobody is surely better
        assert all(row["score"]["interval"] is None for row in rows)
    assert places["1"][:2] == ["demo/half", "demo/a"]
    assert places["2"][:2] == ["demo/a", "demo/b"]
