from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from runner.core.records import Blame, Failure
from runner.report.exports.junit import FORMAT
from runner.report.exports.kit.entry import Entry


def parsed(*entries: Entry) -> ElementTree.Element:
    [(_, content)] = FORMAT.documents(entries)
    return ElementTree.fromstring(content)


def test_a_dimension_is_a_case_that_fails_skips_or_passes(scored: Entry) -> None:
    assert scored.score is not None
    [suite] = parsed(scored)
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    for dimension in scored.score.dimensions:
        [*told] = cases[dimension.id]
        expected = ["failure"] if dimension.applied else ["skipped"] if dimension.unknown else []
        assert [each.tag for each in told] == expected
        for lost in dimension.applied:
            assert lost.because in (told[0].text or "")
    assert cases["ceiling.does_not_boot"][0].tag == "skipped", "it could not be decided"
    assert suite.get("tests") == str(len(cases))


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
