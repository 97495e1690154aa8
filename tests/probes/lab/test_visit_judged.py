"""What the visit probe makes of requests, sights and events: literal ones, no container."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from runner.core.records import Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.probes.kit.lab.browser import Report, Sent, Sight
from runner.probes.kit.lab.stub import Request
from runner.probes.kit.visit import models, screen, wire
from runner.probes.kit.visit.scenario import SLOW_WORDS, Visit, new_script
from runner.probes.kit.visit.turns import Taken, Turn, new_turns

PASS, FAIL, MOOT, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN
ONE, TWO, THREE = (
    Turn(f"What of {key}?", key, nonce) for key, nonce in (("k1", "n1"), ("k2", "n2"), ("k3", "n3"))
)
Messages = list[tuple[str, str]]
FIRST: Messages = [("system", "Be brief."), ("user", ONE.text)]
SECOND: Messages = [*FIRST, ("assistant", ONE.reply), ("user", TWO.text)]
THIRD: Messages = [*SECOND, ("assistant", TWO.reply), ("user", THREE.text)]
USABLE = Sight(composer={"enabled": True})


def chat(messages: Messages, **body: Any) -> Request:
    said = [{"role": role, "content": content} for role, content in messages]
    return Request(
        "POST", "openrouter.ai", "/api/v1/chat/completions", {"messages": said, **body}, "", "reply"
    )


def sent(by: str = "enter", why: str = "") -> Sent:
    return Sent(by, why, since=0, loads=1, sight=USABLE)


def taken(turn: Turn, shown: str = "page", loads: int = 0) -> Taken:
    return Taken(turn, sent(), 200, asked=True, shown=shown, loads=loads)


def report(*events: dict[str, Any], named: tuple[str, ...] = (), connected: tuple[str, ...] = ()) -> Report:
    return Report(tuple({"at": n, **event} for n, event in enumerate(events)), named, connected)


def visit(*events: dict[str, Any], **more: Any) -> Visit:
    found = Visit(new_script(), first=USABLE, talk=[taken(ONE), taken(TWO), taken(THREE)])
    found.reports = {"anna": report(*events), "ben": report()}
    for name, value in more.items():
        setattr(found, name, value)
    return found


TALK = [taken(ONE), taken(TWO), taken(THREE)]


@pytest.mark.parametrize(
    ("requests", "outcome", "says"),
    [
        ([FIRST, SECOND, THIRD], PASS, ""),
        ([FIRST, SECOND, THIRD, [("user", f"A title for {THREE.text}")]], PASS, ""),
        ([FIRST, [*SECOND, ("user", TWO.text)], THIRD], FAIL, "2 times"),
        ([[*FIRST, ("user", ONE.text)], SECOND, THIRD], FAIL, "turn 1"),
        ([FIRST, SECOND, [*FIRST, ("user", THREE.text)]], FAIL, "lacks the model's message"),
        ([FIRST, [("user", f"{ONE.text} {ONE.reply} {TWO.text}")], THIRD], FAIL, "the role user"),
        ([FIRST, SECOND], FAIL, "turn 3 did not reach"),
        (
            [FIRST, [("assistant", ONE.reply), ("user", ONE.text), ("user", TWO.text)], THIRD],
            FAIL,
            "out of order",
        ),
    ],
)
def test_history(requests: list[Messages], outcome: Outcome, says: str) -> None:
    verdict = wire.judged_history([chat(messages) for messages in requests], TALK)
    assert (verdict.outcome, says in verdict.message) == (outcome, True), verdict.message


def test_a_history_needs_a_conversation() -> None:
    assert wire.judged_history([chat(FIRST)], [taken(ONE)]).outcome is MOOT


def test_the_other_visitor() -> None:
    own, carried = chat([("user", THREE.text)]), chat(THIRD)
    assert wire.judged_own([own], taken(THREE), "Welcome", [ONE]).outcome is PASS
    assert wire.judged_own([carried], taken(THREE), "Welcome", [ONE]).outcome is FAIL
    assert wire.judged_own([own], taken(THREE), f"Welcome {ONE.nonce}", [ONE]).outcome is FAIL
    assert wire.judged_own([], taken(THREE), "Welcome", [ONE]).outcome is UNKNOWN
    assert wire.judged_own([], None, "", []).outcome is MOOT


def test_system_prompt() -> None:
    assert wire.judged_system([chat(FIRST)]).outcome is PASS
    assert wire.judged_system([chat([("user", "Hi")], instructions="Be kind.")]).outcome is PASS
    assert wire.judged_system([chat([("system", " "), ("user", "Hi")])]).outcome is FAIL
    assert wire.judged_system([]).outcome is MOOT


@pytest.mark.parametrize(
    ("model", "outcome"),
    [
        ("anthropic/claude-sonnet-4.6", PASS),
        ("claude-sonnet-4-6", PASS),
        ("claude-sonnet-4-6-20260217", PASS),
        ("us.anthropic.claude-sonnet-4-6-v1:0", PASS),
        ("~anthropic/claude-sonnet-latest", PASS),
        ("anthropic/claude-sonnet-4.6:beta", PASS),
        ("anthropic/claude-3.5-sonnet", FAIL),
        ("claude-sonnet-4-0", FAIL),
        ("openai/gpt-4o-mini", FAIL),
        ("anthropic/claude-opus-4.8", FAIL),
        ("", FAIL),
        ("anthropic/claude-sonnet-9", UNKNOWN),
    ],
)
def test_current_models(model: str, outcome: Outcome) -> None:
    assert models.judged_model(model).outcome is outcome


def test_what_is_current_depends_on_the_day() -> None:
    assert models.current(date(2025, 10, 1)) == [
        "claude-sonnet-4.5",
        "claude-sonnet-4",
        "claude-sonnet-latest",
    ]
    assert models.current(models.checked())[0] == models.sonnets()[0].name
    assert all(
        one.since >= other.since for one, other in zip(models.sonnets(), models.sonnets()[1:], strict=False)
    )


def tree(**files: str) -> SourceTree:
    paths = {name.replace("__", "/").replace("_rb", ".rb"): text for name, text in files.items()}
    return SourceTree("t", {p: SourceFile(p, 0o100644, text.encode()) for p, text in paths.items()})


def test_the_model_is_a_setting() -> None:
    by_env = tree(config__llm_rb='x = ENV.fetch("LLM_MODEL", "m-1")\n', app__a_rb='y = ENV["CHAT_MODEL"]\n')
    assert models.settings(by_env) == ["CHAT_MODEL", "LLM_MODEL"]
    assert models.judged_setting(by_env, "m-1", ("LLM_MODEL",), "m-2").outcome is PASS
    assert models.judged_setting(by_env, "m-1", ("LLM_MODEL",), "m-1").outcome is FAIL
    assert models.judged_setting(tree(config__llm_rb='"m-1"\n'), "m-1").outcome is PASS
    assert models.judged_setting(tree(app__a_rb='\n"m-1"\n'), "m-1").locations[0].line == 2
    assert models.judged_setting(tree(app__a_rb='"m-1"\n'), "m-1").outcome is FAIL
    assert models.judged_setting(tree(config__llm_rb='"m-1"\n', app__a_rb='"m-1"\n'), "m-1").outcome is FAIL
    assert models.judged_setting(tree(), "m-1").outcome is FAIL


def slow(step_s: float, words: int = SLOW_WORDS) -> dict[str, Any]:
    return {"slow": taken(ONE), "slow_seen": {f"w{n}": 5 + n * step_s for n in range(words)}}


def test_streaming() -> None:
    assert screen.streams(visit(**slow(0.24)), True).outcome is PASS
    assert screen.streams(visit(**slow(0.24)), False).outcome is FAIL
    assert screen.streams(visit(**slow(0.0)), True).outcome is FAIL
    assert screen.streams(visit(**slow(0.24, words=3)), True).outcome is FAIL
    assert screen.streams(visit(), True).outcome is MOOT


def test_reload() -> None:
    seen = dict.fromkeys(("n1", "n2", "n3"), 1.0)
    assert screen.survives_reload(visit(reloaded=Sight(seen=seen))).outcome is PASS
    assert screen.survives_reload(visit(reloaded=Sight(seen={"n1": 1.0}))).outcome is FAIL
    assert screen.survives_reload(visit()).outcome is MOOT


ANSWER = {"what": "answer", "method": "POST", "url": "http://localhost:3000/messages"}


def test_empty_messages() -> None:
    empty = (replace(USABLE, events=5), 0, 0)
    assert screen.bears_empty(visit(empty=empty)).outcome is PASS
    assert screen.bears_empty(visit(empty=empty, empty_asked=1)).outcome is FAIL
    assert screen.bears_empty(visit({**ANSWER, "status": 500}, empty=empty)).outcome is FAIL
    assert screen.bears_empty(visit(empty=(Sight(events=5), 0, 0))).outcome is FAIL
    assert screen.bears_empty(visit()).outcome is MOOT


def test_long_messages() -> None:
    goes_on = {"long": sent(), "after_long": taken(TWO)}
    assert screen.bears_long(visit(**goes_on)).outcome is PASS
    assert screen.bears_long(visit(long=sent(), after_long=taken(TWO, shown=""))).outcome is FAIL
    broken = visit(**goes_on)
    broken.reports["ben"] = report({**ANSWER, "status": 500})
    assert screen.bears_long(broken).outcome is FAIL
    assert screen.bears_long(visit()).outcome is MOOT


def test_markup() -> None:
    ran = {"what": "ran", "mark": "reply"}
    assert screen.inert(visit(markup=taken(ONE))).outcome is PASS
    assert screen.inert(visit(ran, markup=taken(ONE))).outcome is FAIL
    assert screen.inert(visit({**ran, "mark": "text"}, markup=taken(ONE))).outcome is FAIL
    assert screen.inert(visit(ran)).outcome is MOOT


def test_secrets_and_third_parties() -> None:
    leak = {"what": "leak", "needle": "sk-or-v1", "where": "/"}
    assert screen.keeps_secrets(visit(), {}).outcome is PASS
    assert "KEY is sent" in screen.keeps_secrets(visit(leak), {"KEY": "sk-or-v1-dummy"}).message
    asked = {"what": "request", "url": "https://cdn.example/x.js", "own": False}
    assert screen.stays_home(visit({**asked, "own": True})).outcome is PASS
    assert "cdn.example" in screen.stays_home(visit(asked)).message


STREAM = {"what": "stream", "action": "append", "target": "messages"}
BY_SOCKET = {"what": "message", "by": "socket", "turbo": True}


def test_turbo_streams() -> None:
    in_answer = {**ANSWER, "type": "text/vnd.turbo-stream.html"}
    assert "in the answer" in screen.by_turbo(visit(in_answer, STREAM)).message
    assert "over a socket" in screen.by_turbo(visit(BY_SOCKET, STREAM)).message
    assert screen.by_turbo(visit(in_answer)).outcome is FAIL
    assert "whole page" in screen.by_turbo(visit(talk=[taken(ONE, loads=1)])).message
    assert screen.by_turbo(visit(talk=[taken(ONE, shown="")])).outcome is MOOT


def test_controllers() -> None:
    def of(named: tuple[str, ...], connected: tuple[str, ...]) -> Outcome:
        return screen.controllers(visit(reports={"anna": report(named=named, connected=connected)})).outcome

    assert of(("a", "b"), ("b", "a")) is PASS
    assert of(("a", "b"), ("a",)) is FAIL
    assert of((), ()) is MOOT


def test_ways_of_sending() -> None:
    sends = {"enter": sent(), "button": sent("", "there is no button that sends")}
    assert screen.sends_by(visit(sends=sends), "enter", "Enter").outcome is PASS
    assert screen.sends_by(visit(sends=sends), "button", "the button").outcome is FAIL
    assert screen.sends_by(visit(first=Sight()), "enter", "Enter").outcome is MOOT


def test_scripts_of_a_third_party_excuse_a_page() -> None:
    failed = {"what": "failed", "type": "script", "own": False, "url": "https://cdn.example/turbo.js"}
    for events, outcome in (((failed,), UNKNOWN), (({**failed, "type": "image"},), FAIL), ((), FAIL)):
        here = visit(*events, talk=[taken(ONE, loads=1)])
        assert screen.excused_page(here, screen.by_turbo(here)).outcome is outcome


def test_turns_have_words_of_their_own() -> None:
    turns = new_turns(8)
    assert len({word for turn in turns for word in (turn.key, turn.nonce)}) == 16
    assert all(turn.key in turn.text and turn.nonce in turn.reply for turn in turns)
