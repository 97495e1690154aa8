"""What version 2 put right: the demo models under both versions, and which rule of version 1 moved whom.

The evidence is what the static probes find in the demos' own files; what only the Rails generator or a
running app can tell is given literally, per demo.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from probes.conftest import read_tree

from runner.core.protocols import Subject
from runner.core.records import Deduction, Evidence, Finding, Outcome, Rubric, Score
from runner.pipeline.grading.evidence import probes_for
from runner.report.rubric_diff import as_text, cause_words, move_words
from runner.scoring.evaluate import evaluate
from runner.scoring.rubric_diff import Mover, diff_of
from runner.spec.rubrics import load_rubric, rubric_notes

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "sandboxes/rails/manifests"
V1, V2 = (load_rubric(f"rails_chat@{version}", ROOT / "rubrics") for version in (1, 2))
WRONG = "ruby_llm_v1.only_known_calls"

# What the generator and its installers add to a demo's own files.
GENERATED = {
    "a": "deliverables.rails_app deliverables.turbo hotwire.turbo_streams",
    "b": "deliverables.rails_app deliverables.ruby_llm deliverables.rubocop deliverables.dockerfile"
    " deliverables.dockerfile_ruby production.csrf production.escaped_output production.multi_worker",
    "c": "deliverables.rails_app deliverables.ruby_llm deliverables.rubocop deliverables.stimulus"
    " production.csrf production.multi_worker",
    "d": "deliverables.rails_app deliverables.ruby_llm",
}
# What goes wrong in files that the generator made, or in the running app.
BROKEN = {
    "a": "",
    "b": "",
    "c": "chat_turn.request_sent production.escaped_output",
    "d": "deliverables.without_active_record chat_turn.request_sent suite.not_empty"
    " production.csrf production.escaped_output production.multi_worker",
}


@cache
def evidence_of(demo: str) -> Mapping[str, Outcome]:
    """The outcome of every check that either version names."""
    subject = Subject(
        tree=read_tree(ROOT / "tasks/rails_chat/demos" / demo / "files"), run="r", manifests=MANIFESTS
    )
    checks = V1.checks() | V2.checks()
    found = dict.fromkeys(checks, Outcome.PASS)
    for probe in probes_for(checks):
        if not probe.needs_lab:
            found |= {f.check: f.outcome for f in asyncio.run(probe.run(subject))}
    found |= dict.fromkeys(GENERATED[demo].split(), Outcome.PASS)
    return found | dict.fromkeys(BROKEN[demo].split(), Outcome.FAIL)


def scored(rubric: Rubric, outcomes: Mapping[str, Outcome]) -> Score:
    findings = tuple(Finding(check=c, outcome=o, message=c) for c, o in outcomes.items())
    evidence = Evidence(tree="t", probe="all", version=1, environment="e", findings=findings)
    return evaluate(rubric, "run/1", [evidence])


def without(rubric: Rubric, *deductions: str) -> Rubric:
    """The same rubric without some deductions."""

    def kept(all_of_them: tuple[Deduction, ...]) -> tuple[Deduction, ...]:
        return tuple(d for d in all_of_them if d.id not in deductions)

    dimensions = tuple(d.model_copy(update={"deductions": kept(d.deductions)}) for d in rubric.dimensions)
    return rubric.model_copy(update={"dimensions": dimensions})


@pytest.mark.parametrize(
    ("demo", "first", "second"),
    [
        ("a", (78, "B"), (100, "A")),
        ("b", (61, "B"), (68, "B")),
        ("c", (36.6, "D"), (58, "C")),
        ("d", (3.8, "D"), (4, "D")),
    ],
)
def test_the_demos_under_both_versions(
    demo: str, first: tuple[float, str], second: tuple[float, str]
) -> None:
    """The points are those of real runs."""
    scores = [scored(rubric, evidence_of(demo)) for rubric in (V1, V2)]
    assert [(score.high, score.tier) for score in scores] == [first, second]


def test_demo_a_lost_a_tier_to_real_calls_that_were_called_invented() -> None:
    found = evidence_of("a")
    assert found[WRONG] is Outcome.FAIL
    assert all(found[f"ruby_llm.{name}"] is Outcome.PASS for name in ("entry", "signature", "dsl"))
    assert scored(V1, found).high == 78
    assert scored(without(V1, "unknown_calls"), found).tier == "A"


def test_demo_c_lost_a_tier_to_the_weights_alone() -> None:
    """Each dimension's share as version 1 saw it, under version 2's points, is a tier higher."""
    found = evidence_of("c")
    first = scored(V1, found)
    assert scored(without(V1, "unknown_calls"), found).high == first.high
    weights = {dimension.id: dimension.points for dimension in V2.dimensions}
    again = sum(d.high / d.points * weights[d.id] for d in first.dimensions)
    assert first.high < 40 <= again < 60
    deliverables, ruby_llm = (
        {d.id: d.high / d.points for d in first.dimensions}[id] for id in ("deliverables", "ruby_llm")
    )
    assert deliverables > 0.8
    assert ruby_llm < 0.2


def test_a_half_finished_application_with_faultless_calls_ranked_as_ready_to_ship() -> None:
    """Demo b, had it replayed its history by other calls: no compose file, no README, hardly a CI tool."""
    found = {**evidence_of("b"), WRONG: Outcome.PASS}
    assert (scored(V1, found).high, scored(V1, found).tier) == (83, "A")
    assert (scored(V2, found).high, scored(V2, found).tier) == (68, "B")


def test_the_diff_tells_the_story_of_the_fix_in_words() -> None:
    """A faultless half moves down, as deliverables had weighed too little; real calls were no invention."""
    half = {**evidence_of("b"), WRONG: Outcome.PASS}
    runs = {"half": half, "real": evidence_of("a"), "weak": evidence_of("d")}
    pairs = []
    for run, outcomes in runs.items():
        old, new = (scored(rubric, outcomes).model_copy(update={"run": run}) for rubric in (V1, V2))
        pairs.append((old, new))
    diff = diff_of(V1, V2, [Mover(V1, V2).move(pair) for pair in pairs], {run: (run, "bash") for run in runs})
    moves = {move.run: move for move in diff.moves}
    assert (move_words(moves["half"]), move_words(moves["real"])) == (
        "half: 83 (A) -> 68 (B)",
        "real: 78 (B) -> 100 (A)",
    )
    (cause,) = moves["real"].causes
    assert cause_words(cause) == (
        "+22: unknown_calls (ruby_llm) is gone; it took 22. Calls are made that the auditors had not seen"
        " before and took for invented. (They exist.)"
    )
    causes = moves["half"].causes
    assert sum(c.shift_high for c in causes) == -15
    assert causes[0].dimension == "deliverables"
    assert sum(c.shift_high for c in causes if c.dimension == "deliverables") == -10
    assert {(r.contender[0], r.old_rank, r.new_rank) for r in diff.ranks} == {
        ("half", 1, 2),
        ("real", 2, 1),
        ("weak", 3, 3),
    }
    text = as_text(diff)
    assert "dimension deliverables is worth 25 (was: 10)" in text
    assert "dimension ruby_llm is worth 20 (was: 40)" in text
    assert "deduction unknown_calls of ruby_llm is gone (22 points" in text


def test_version_1_asks_for_nothing_beyond_version_2_but_its_wrong_check() -> None:
    """So archived evidence is enough to show what it would have said."""
    assert V1.checks() - V2.checks() == {WRONG}
    assert [(d.id, d.points) for d in V1.dimensions][:2] == [("deliverables", 10), ("ruby_llm", 40)]
    assert [d.id for d in V1.dimensions] == [d.id for d in V2.dimensions]


def test_only_version_1_charges_a_fact_twice_and_says_so() -> None:
    (note,) = rubric_notes(V1)
    assert note.startswith(
        "check 'ruby_llm.multi_turn' costs points in ruby_llm.history_not_replayed and again in"
        " persistence.no_multi_turn: Version 1 charged"
    )
    assert rubric_notes(V2) == []


def test_ci_tools_add_up_to_their_limit() -> None:
    tools = ["deliverables.brakeman", "deliverables.rubocop", "deliverables.simplecov"]
    fine = dict.fromkeys(V1.checks(), Outcome.PASS)
    lost = [
        10 - scored(V1, fine | dict.fromkeys(tools[:n], Outcome.FAIL)).dimensions[0].high for n in (1, 2, 3)
    ]
    assert lost == pytest.approx([0.4, 0.8, 1])


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("rails_chat@1", "f3c7782262d15d9c4882140ed7154d235036e74d51db03ecccc1e5ebe149a7dd"),
        ("rails_chat@2", "dff2e83d7cf974652a9dec4dfd7cfe1276d5b4b66bbde969e2befae3c69c10f8"),
        ("notes_cli@1", "86ad12808d5e4fec2f2bb8951236c1bbd3c32e421ea5e1a88d72db405634f6e2"),
    ],
)
def test_released_rubrics_keep_their_digest(name: str, digest: str) -> None:
    """Scores are kept under it: a new field of the records must not change it."""
    assert load_rubric(name, ROOT / "rubrics").digest() == digest
