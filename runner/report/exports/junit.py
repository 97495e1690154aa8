"""JUnit XML for CI: a suite for each run, a case for each check that its rubric names, and for each ceiling.

A case fails if its check does, with the reason, what it costs and the places; what is unknown or does not
apply is skipped. A run that the model failed has one case that fails, one that infrastructure or harness
failed one in error, one without a score one skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from runner.core.records import AppliedDeduction, Blame, Finding, Outcome, Score
from runner.report.exports.kit.entry import Document, Entry, Format

NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _documents(entries: Sequence[Entry]) -> Iterator[Document]:
    root = Element("testsuites", name="shipworthy")
    for entry in entries:
        root.append(_suite(entry))
    _count(root)
    indent(root)
    yield "junit.xml", tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _suite(entry: Entry) -> Element:
    run, score = entry.run, entry.score
    suite = Element("testsuite", name=_clean(run.id), timestamp=run.started.isoformat())
    if run.imported is None:
        suite.set("time", f"{run.wall_s:.3f}")
    told = {"model": run.trial.model, "agent": run.trial.agent, "task": run.trial.task}
    if score is not None:
        told |= {"rubric": score.rubric, "low": f"{score.low:g}", "high": f"{score.high:g}"}
        told |= {"tier": score.tier or "undecided"}
    properties = SubElement(suite, "properties")
    for name, value in told.items():
        SubElement(properties, "property", name=name, value=_clean(value))
    if score is None:
        _unscored(_case(suite, entry, "run"), entry)
        return suite
    costs = _costs(score)
    for finding in _findings(entry, score):
        _check(_case(suite, entry, finding.check), finding, costs.get(finding.check, []))
    for ceiling in score.ceilings:
        _ceiling(_case(suite, entry, f"ceiling.{ceiling.id}"), ceiling)
    return suite


def _unscored(case: Element, entry: Entry) -> None:
    failure = entry.run.failure
    if failure is None:
        _say(case, "skipped", entry.why_not or "not scored")
    elif failure.kind is Blame.MODEL:
        _say(case, "failure", f"{failure.code}: {failure.message}")
    else:
        _say(case, "error", f"{failure.kind.value}: {failure.code}: {failure.message}")


def _findings(entry: Entry, score: Score) -> list[Finding]:
    """Every check's finding; without the evidence, those that the score tells of."""
    told = [f for d in score.dimensions for each in (*d.applied, *d.unknown) for f in each.findings]
    told += [f for each in score.ceilings for f in each.findings]
    known = {finding.check: finding for finding in [*told, *entry.findings]}
    return sorted(known.values(), key=lambda finding: finding.check)


def _costs(score: Score) -> dict[str, list[str]]:
    """What each check costs, or might, in words."""
    costs: dict[str, list[str]] = {}
    for dimension in score.dimensions:
        for each in dimension.applied:
            _add(costs, each, f"-{each.points:g} {dimension.title}: {each.because}")
        for each in dimension.unknown:
            _add(costs, each, f"perhaps -{each.points:g} {dimension.title}: {each.because}")
    return costs


def _add(costs: dict[str, list[str]], deduction: AppliedDeduction, words: str) -> None:
    for finding in deduction.findings:
        costs.setdefault(finding.check, []).append(words)


def _check(case: Element, finding: Finding, costs: Sequence[str]) -> None:
    places = [f"{place.path}:{place.line}" if place.line else place.path for place in finding.locations]
    if finding.locations:
        case.set("file", _clean(finding.locations[0].path))
        case.set("line", str(finding.locations[0].line or 1))
    text = "\n".join([*costs, finding.message, *places])
    if finding.outcome is Outcome.FAIL:
        _say(case, "failure", finding.message, text)
    elif finding.outcome is not Outcome.PASS:
        _say(case, "skipped", f"{finding.outcome.value.replace('_', ' ')}: {finding.message}", text)


def _ceiling(case: Element, ceiling: AppliedDeduction) -> None:
    undecided = any(finding.outcome is Outcome.UNKNOWN for finding in ceiling.findings)
    caps = f"takes {ceiling.points:g} points: {ceiling.because}"
    told = f"undecided: {caps}" if undecided else caps
    _say(case, "skipped" if undecided else "failure", told, _reasons([ceiling]))


def _reasons(deductions: Sequence[AppliedDeduction]) -> str:
    lines = []
    for each in deductions:
        lines.append(f"{each.id} ({each.points:g}): {each.because}")
        for finding in each.findings:
            lines.append(f"  {finding.check}: {finding.message}")
            lines += [f"    {place.path}:{place.line or ''}" for place in finding.locations]
    return "\n".join(lines)


def _case(suite: Element, entry: Entry, name: str) -> Element:
    trial = entry.run.trial
    place = ".".join(word for word in (trial.task, trial.variant, trial.model, trial.agent) if word)
    return SubElement(suite, "testcase", classname=_clean(place), name=_clean(name))


def _say(case: Element, tag: str, message: str, text: str = "") -> None:
    SubElement(case, tag, message=_clean(message)).text = _clean(text) or None


def _count(root: Element) -> None:
    for element in (root, *root):
        element.set("tests", str(len(list(element.iter("testcase")))))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            element.set(name, str(len(list(element.iter(tag)))))


def _clean(text: str) -> str:
    """Without what XML cannot hold: control characters and lone surrogates."""
    return NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


FORMAT = Format(_documents, by_check=True)
