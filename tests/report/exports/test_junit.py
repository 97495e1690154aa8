from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from runner.core.records import Blame, Failure, Finding, Outcome, Score
from runner.report.exports.junit import FORMAT
from runner.report.exports.kit.entry import Entry


def parsed(*entries: Entry) -> ElementTree.Element:
    [(_, content)] = FORMAT.documents(entries)
    return ElementTree.fromstring(content)


def test_a_check_is_a_case_that_fails_skips_or_passes(scored: Entry) -> None:
    holds = Finding(check="boot.serves", outcome=Outcome.PASS, message="it answers")
    moot = Finding(check="suite.covers", outcome=Outcome.NOT_APPLICABLE, message="there is no suite")
    [suite] = parsed(replace(scored, findings=(holds, moot)))
    told = {str(case.get("name")): [each.tag for each in case] for case in suite.iter("testcase")}
    assert told == {
        "boot.boots": ["skipped"],
        "boot.serves": [],
        "deliverables.compose": ["failure"],
        "error_handling.typed": ["failure"],
        "suite.covers": ["skipped"],
        "suite.loads": ["skipped"],
        "ceiling.does_not_boot": ["skipped"],
    }
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("7", "2", "4")


def test_a_failure_has_its_reason_its_cost_and_its_place(scored: Entry) -> None:
    [suite] = parsed(scored)
    [case] = [each for each in suite.iter("testcase") if each.get("name") == "error_handling.typed"]
    assert (case.get("file"), case.get("line")) == ("app/services/chat_turn.rb", "12")
    [failure] = case
    assert failure.get("message") == "rescues StandardError"
    assert (failure.text or "").splitlines() == [
        "-27 Error handling: Everything is caught alike.",
        "rescues StandardError",
        "app/services/chat_turn.rb:12",
    ]


def test_names_and_findings_of_a_hostile_repository_are_text(scored: Entry, hostile_score: Score) -> None:
    [suite] = parsed(replace(scored, score=hostile_score))
    [case, *_] = [each for each in suite.iter("testcase") if each.get("name") == "x.y"]
    assert "[link=http://evil]here[/link]" in (case[0].text or "")
    assert "\x1b" not in ElementTree.tostring(suite, "unicode")


def test_blame_decides_between_failure_and_error(infra: Entry) -> None:
    gave_up = Failure(kind=Blame.MODEL, code="gave_up", message="nothing")
    model = replace(infra, run=infra.run.model_copy(update={"failure": gave_up}))
    unscored = replace(infra, run=infra.run.model_copy(update={"failure": None}))
    root = parsed(infra, model, unscored)
    assert [next(suite.iter("testcase"))[0].tag for suite in root] == ["error", "failure", "skipped"]
    counted = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {"tests": "3", "failures": "1", "errors": "1", "skipped": "1"}


def test_what_xml_cannot_hold_is_replaced(infra: Entry) -> None:
    said = Failure(kind=Blame.INFRA, code="x", message="a\x00\x1b[31m\ud800<&>\U0001f6a2")
    [suite] = parsed(replace(infra, run=infra.run.model_copy(update={"failure": said})))
    message = next(suite.iter("error")).get("message")
    assert message == "infra: x: a\ufffd\ufffd[31m\ufffd<&>\U0001f6a2"
