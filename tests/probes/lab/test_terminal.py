"""What is read out of commands at a terminal, on literal reports."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.records import Outcome
from runner.probes.kit.notes.adverse import ADVERSE
from runner.probes.kit.notes.everyday import EVERYDAY
from runner.probes.kit.python.terminal import Did, Fault, Scenario, Session, Step, json_of
from runner.probes.notes_behaviour import PROBE

ADD = Step(
    ("python3", "-m", "notes", "--file", "{here}/a.json", "add", "Buy milk"), {"X": "{here}", "Y": None}
)


def did(code: int | None = 0, out: str = "", err: str = "", why: str = "") -> Did:
    return Did("notes list", code, out, err, why)


def result(**changes: Any) -> dict[str, Any]:
    return {"code": 0, "out": "", "err": "", "why": "", **changes}


def test_a_step_knows_its_folder_and_how_it_is_typed() -> None:
    step = ADD.at("/tmp/1")
    assert step.typed == "notes --file /tmp/1/a.json add 'Buy milk'"
    assert step.document()["env"] == {"X": "/tmp/1", "Y": None}
    assert Step(("sh", "-c", "cat {here}/a")).at("/tmp/1").typed == "cat /tmp/1/a"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (did(0), "ends with exit code 0; the exit code should be 1"),
        (did(2, err="usage"), "exit code 2: usage; the exit code should be 1"),
        (did(1), "says nothing on standard error"),
        (did(1, err="Traceback (most recent call last):\n  x\nKeyError: 9"), "in a traceback: KeyError: 9"),
        (did(None, why="did not end within 5 s"), "did not end within 5 s"),
    ],
)
def test_what_is_no_proper_refusal(seen: Did, said: str) -> None:
    with pytest.raises(Fault, match=said):
        seen.refused(1)


def test_a_proper_refusal() -> None:
    did(1, err="no note 9").refused(1)
    did(3, err="no note 9").refused()


@pytest.mark.parametrize("output", ["", "{", "[" * 100_000, "nonsense"])
def test_what_is_not_json(output: str) -> None:
    with pytest.raises(Fault, match="does not print JSON"):
        json_of(did(out=output))


def test_judges_whose_commands_were_not_reached_say_what_stood_in_the_way() -> None:
    def first(session: Session) -> str:
        return session[0].ok() or "fine"

    def last(session: Session) -> str:
        return session[2].ok()

    scenario = Scenario("x", (ADD, ADD, ADD), {"first": first, "last": last})
    found = scenario.verdicts("/tmp/1", [result(), result(code=None, why="did not end within 5 s")])
    assert found["first"].outcome is Outcome.PASS
    assert found["last"].outcome is Outcome.FAIL
    assert "did not end within 5 s" in found["last"].message
    assert "the time is used up" in scenario.verdicts("/tmp/1", [])["last"].message


def test_every_check_has_one_judge() -> None:
    judged = [name for scenario in (*EVERYDAY, *ADVERSE) for name in scenario.judges]
    assert sorted(f"notes_behaviour.{name}" for name in judged) == sorted(PROBE.checks)


@pytest.mark.parametrize(
    ("listing", "outcome"),
    [
        ("1 Buy MILK\n2 Call Ada\n", Outcome.PASS),
        ("Notes\n-----\n[001] [ ] Buy MILK (home)\n[002] [ ] Call Ada\n", Outcome.PASS),
        ("2 Call Ada\n1 Buy MILK\n", Outcome.FAIL),
        ("Buy MILK 1\nCall Ada 2\n", Outcome.FAIL),
        ("0 Buy MILK\n1 Call Ada\n", Outcome.FAIL),
        ("\n" * 7900 + "Buy MILK\nCall Ada\n", Outcome.FAIL),
    ],
)
def test_ids_stand_before_their_texts(listing: str, outcome: Outcome) -> None:
    (reads,) = (scenario for scenario in EVERYDAY if "adds" in scenario.judges)
    results = [result(out="[]"), result(), result(), result(out=listing)]
    assert reads.verdicts("/tmp/1", results)["adds"].outcome is outcome
