"""What a model says of its own work: its review file, read into one claim a goal at most.

The form that prompts ask for is a line a goal, `3. PASS - because`. As models write, tables, headings with
a verdict below them, goal ids, bold, emoji and any separator are read as well. The first verdict on a goal is
its claim; what a reader does not see (HTML comments, struck-out text) does not count, and neither does a list
of all the verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from runner.core.records import Claim, Goal

READING = 1  # raise it when another claim can be read from the same file
MAX_CHARACTERS = 200_000
MAX_LINE = 2_000

_VERDICTS = {
    **dict.fromkeys(("PASS", "PASSED", "PASSES"), Claim.PASS),
    **dict.fromkeys(("PARTIAL", "PARTIALLY"), Claim.PARTIAL),
    **dict.fromkeys(("FAIL", "FAILED", "FAILS"), Claim.FAIL),
}
_MARKS = {
    **dict.fromkeys("\u2705\u2714\u2611\U0001f7e2\U0001f7e9", Claim.PASS),
    **dict.fromkeys("\u26a0\U0001f7e1\U0001f7e8\U0001f7e0\U0001f7e7", Claim.PARTIAL),
    **dict.fromkeys("\u274c\u2716\u2718\U0001f534\U0001f7e5\u26d4", Claim.FAIL),
}
_WORD = re.compile(r"[A-Za-z]+")
_DECORATION = "*_`~>#|[](){}:.,;=-\u2013\u2014\u2022+ \t\ufe0f\ufeff"
_BOX = re.compile(r"[-*+\s]{0,9}\[[ xX]?\]")
_NUMBER = re.compile(r"(?:goal|g|no|nr)?[\s#.:_-]{0,3}([0-9]{1,4})(?![0-9A-Za-z_]|\.[0-9])", re.IGNORECASE)
_LABEL = re.compile(r"(?:(?:my|self)[ -])?(?:verdict|status|result|grade|claim)s?\b", re.IGNORECASE)


def read_claims(text: str, goals: Sequence[Goal]) -> dict[str, Claim]:
    """The claims by goal id; of a file too large only the beginning is read."""
    claims: dict[str, Claim] = {}
    current: str | None = None
    for line in _lines(text[:MAX_CHARACTERS]):
        goal, rest = _goal(line, goals)
        if goal is None:
            verdict = _leading_verdict(line) if current else None
            goal = current
        else:
            verdict = _verdict(rest)
            current = goal
        if goal is not None and verdict is not None:
            claims.setdefault(goal, verdict)
            current = None
    return claims


def _lines(text: str) -> Iterator[str]:
    for line in _without(_without(text, "<!--", "-->"), "~~", "~~", within_line=True).splitlines():
        yield line[:MAX_LINE].strip()


def _without(text: str, start: str, end: str, within_line: bool = False) -> str:
    """The text without what stands between two marks; without the rest of it after one that is left open,
    unless marks only count within a line."""
    kept, place = [], 0
    while (begin := text.find(start, place)) >= 0:
        stop = text.find(end, begin + len(start))
        newline = text.find("\n", begin) if within_line else -1
        if within_line and (stop < 0 or -1 < newline < stop):
            stop = len(text) if newline < 0 else newline
            kept.append(text[place:stop])
            place = stop
            continue
        kept.append(text[place:begin])
        if stop < 0:
            return "".join(kept)
        place = stop + len(end)
    return "".join([*kept, text[place:]])


def _goal(line: str, goals: Sequence[Goal], after_verdict: bool = False) -> tuple[str | None, str]:
    """The goal a line begins with, by number or id, perhaps after its verdict, and what tells of it."""
    start = (line[box.end() :] if (box := _BOX.match(line)) else line).lstrip(_DECORATION + "".join(_MARKS))
    for goal in goals:
        for name in (goal.id, goal.id.replace("_", "-"), goal.id.replace("_", " ")):
            rest = start[len(name) :]
            if start[: len(name)].lower() == name and _introduces(rest):
                return goal.id, line if _begins_with_mark(line) else rest
    number = _NUMBER.match(start)
    labelled = number is not None and number.start(1) > 0
    if number and 1 <= int(number[1]) <= len(goals) and (labelled or _introduces(start[number.end() :])):
        return goals[int(number[1]) - 1].id, line if _begins_with_mark(line) else start[number.end() :]
    verdict = _WORD.match(start)
    if not after_verdict and verdict and verdict[0] in _VERDICTS:  # `PASS: 3. ...`
        goal_id, _ = _goal(start[verdict.end() :], goals, after_verdict=True)
        return goal_id, start
    return None, line


def _introduces(rest: str) -> bool:
    """Whether what follows shows that a number or an id is meant as one: `12 tests PASS` is prose."""
    word = _WORD.match(rest.lstrip())
    alone = not rest[:1].isalnum() and rest[:1] != "_"
    return alone and (word is None or word[0].upper() in _VERDICTS)


def _begins_with_mark(line: str) -> bool:
    return line.lstrip(_DECORATION)[:1] in _MARKS


def _verdict(rest: str) -> Claim | None:
    """A cell of its own, else the first word in capitals, else one at the beginning or end, else a mark."""
    for cell in rest.split("|"):
        alone = _VERDICTS.get(cell.strip(_DECORATION + "".join(_MARKS)).upper())
        if alone is not None:
            return alone
    if _is_list_of_verdicts(rest):
        return None
    words = _WORD.findall(rest)
    loud = next((_VERDICTS[word] for word in words if word in _VERDICTS), None)
    if loud is not None:
        return loud
    ends = [_VERDICTS[word.upper()] for word in [*words[:1], *words[-1:]] if word.upper() in _VERDICTS]
    return ends[0] if ends else _mark(rest)


def _is_list_of_verdicts(rest: str) -> bool:
    """`PASS / PARTIAL / FAIL`, as a form says that nobody filled in."""
    named = re.findall(r"\b(PASS|PARTIAL|FAIL)\b[*_`]{0,3}\s{0,3}(?:/|\bor\b|,)", rest)
    return len(set(named)) > 1


def _mark(rest: str) -> Claim | None:
    return next((_MARKS[character] for character in rest if character in _MARKS), None)


def _leading_verdict(line: str) -> Claim | None:
    """The verdict of a line below a goal's heading: at its beginning, perhaps after `Verdict:`."""
    start = line.lstrip(_DECORATION)
    label = _LABEL.match(start)
    if label:
        return _verdict(start[label.end() :])
    word = _WORD.match(start.lstrip(_DECORATION + "".join(_MARKS)))
    if word and word[0] in _VERDICTS and not _is_list_of_verdicts(start):
        return _VERDICTS[word[0]]
    return _mark(start[:1])
