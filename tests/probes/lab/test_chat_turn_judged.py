"""What the chat probe makes of a conversation: literal wires and reports, no container."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.records import Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.lab.recipes import find_app
from runner.probes.kit.lab.stub import Provider, Request
from runner.probes.kit.visit.turns import Turn, new_turns
from runner.probes.kit.visit.two_turns import Seen, judged

PASS, FAIL, MOOT, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN
TREE = SourceTree("t", {"config/application.rb": SourceFile("config/application.rb", 0o100644, b"1\n")})
ONE, TWO = Turn("first?", "first", "n1"), Turn("second?", "second", "n2")
Messages = list[tuple[str, Any]]
FIRST: Messages = [("developer", "Be brief."), ("user", ONE.text)]
SECOND: Messages = [*FIRST, ("assistant", ONE.reply), ("user", TWO.text)]
TURN = {"status": 200, "type": "text/html", "taken": True, "reached": True, "seen": "text", "by": "answer"}


def chat(messages: Messages) -> Request:
    body = {"model": "m", "messages": [{"role": role, "content": content} for role, content in messages]}
    return Request("POST", "openrouter.ai", "/api/v1/chat/completions", body, "", "reply")


def seen(*requests: Request, alive: bool = True, log: str = "", turns: Any = None, **report: Any) -> Seen:
    told = [{**TURN, "url": "/", "wall_s": 0.1, **turn} for turn in (turns or [{}, {}])]
    whole = {"way": "plain", "signs": [], "loose": 0, "turns": told, **report}
    return Seen((ONE, TWO), whole, Provider(requests=list(requests)), log, alive)


def outcomes(conversation: Seen) -> tuple[Outcome, ...]:
    app = find_app(TREE)
    assert app is not None
    return tuple(verdict.outcome for verdict in judged(TREE, app, conversation))


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        (SECOND, PASS),
        ([("user", [{"type": "text", "text": ONE.text}]), *SECOND[2:]], PASS),
        ([("user", f"{ONE.text} {ONE.reply} {TWO.text}")], PASS),
        ([("user", TWO.text)], FAIL),
        ([*SECOND, ("user", TWO.text)], FAIL),
        ([*FIRST, ("user", TWO.text)], FAIL),
        ([("assistant", ONE.reply), ("user", ONE.text), ("user", TWO.text)], FAIL),
        (FIRST, FAIL),
    ],
)
def test_history(second: Messages, outcome: Outcome) -> None:
    assert outcomes(seen(chat(FIRST), chat(second))) == (PASS, PASS, PASS, outcome)


def test_one_request_with_the_history_is_enough() -> None:
    title = chat([("user", f"A title for: {TWO.text}")])
    assert outcomes(seen(chat(FIRST), title, chat(SECOND), title))[3] is PASS


def test_the_history_of_a_scripted_page_is_its_own_affair() -> None:
    wire = chat(FIRST), chat([("user", TWO.text)])
    assert outcomes(seen(*wire, way="fetch"))[3] is UNKNOWN
    assert outcomes(seen(*wire, turns=[{"type": "application/json"}]))[3] is UNKNOWN


def test_text_under_another_role() -> None:
    assert outcomes(seen(chat([("system", ONE.text)])))[1] is FAIL
    assert outcomes(seen(chat([("user", "[object Object]")])))[1] is FAIL


def test_a_text_that_got_lost_is_blamed_once() -> None:
    greeting: Messages = [("user", "Hello there")]
    kept: Messages = [("user", ONE.text), ("assistant", "Good day"), *greeting]
    for second in (greeting, kept):
        lost = seen(chat(greeting), chat(second), turns=[{"seen": ""}, {}])
        assert outcomes(lost) == (PASS, FAIL, MOOT, MOOT)


@pytest.mark.parametrize(
    ("turn", "signs", "outcome"),
    [
        ({"seen": ""}, [], FAIL),
        ({"seen": ""}, ["cable"], UNKNOWN),
        ({"seen": "source"}, [], UNKNOWN),
        ({"seen": "", "status": 500}, ["cable"], FAIL),
    ],
)
def test_a_reply_that_is_not_seen(turn: dict[str, Any], signs: list[str], outcome: Outcome) -> None:
    found = outcomes(seen(chat(FIRST), turns=[turn], signs=signs))
    assert found[2] is outcome


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({}, FAIL),
        ({"turns": [{"status": 500}]}, FAIL),
        ({"turns": [{"status": 404, "taken": False}]}, FAIL),
        ({"turns": [{"status": 404, "taken": False}], "signs": ["fetch"]}, UNKNOWN),
        ({"turns": [{"status": 0, "taken": False}], "signs": ["fetch"], "alive": False}, FAIL),
        ({"way": "fetch"}, UNKNOWN),
        ({"way": ""}, FAIL),
        ({"way": "", "loose": 1}, UNKNOWN),
        ({"way": "", "signs": ["markup"]}, UNKNOWN),
    ],
)
def test_nothing_reached_the_provider(more: dict[str, Any], outcome: Outcome) -> None:
    rest = MOOT if outcome is FAIL else UNKNOWN
    assert outcomes(seen(**more)) == (outcome, rest, rest, rest)


def test_a_format_that_the_lab_does_not_speak() -> None:
    alien = Request("POST", "api.anthropic.com", "/v1/messages", {"messages": ONE.text}, "", None)
    assert outcomes(seen(alien)) == (PASS, UNKNOWN, UNKNOWN, UNKNOWN)


def test_words_are_new_each_time() -> None:
    turns = [turn for _ in range(20) for turn in new_turns(2)]
    assert len({turn.text for turn in turns} | {turn.nonce for turn in turns}) == 80
