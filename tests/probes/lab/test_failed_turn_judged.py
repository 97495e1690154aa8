"""What failed_turn and endurance make of conversations: without a container."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runner.core.records import Outcome
from runner.probes import endurance, failed_turn
from runner.probes.failed_turn import Fault, Seen, judged
from runner.probes.kit.lab.browser import Sight
from runner.probes.kit.lab.lab import RootPage, Start
from runner.probes.kit.lab.recipes import recipes
from runner.probes.kit.lab.stub import Provider, Request
from runner.probes.kit.lab.workers import busy
from runner.probes.kit.visit.talk import Came
from runner.probes.kit.visit.turns import Turn

COMPOSER = {"enabled": True}
OK, BAD, MOOT, OPEN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN
FIRST, FAILED, NEXT = (Turn(f"about k{n}", f"k{n}", f"zq{n}") for n in range(3))


def sight(text: str, composer: Any = COMPOSER) -> Sight:
    return Sight(text=text, composer=composer)


def request(*texts: str) -> Request:
    body = {"messages": [{"role": "user", "content": text} for text in texts]}
    return Request("POST", "h", "/v1/chat/completions", body, "", "said")


def seen(after: str, status: int = 302, **more: Any) -> Seen:
    """One failed turn after which the page reads `after`; then a good one."""
    first = Came(FIRST, sight(""), sight("about k0\nzq0"), True, 200, True, shown=True)
    composer = more.pop("composer", COMPOSER)
    failed = Came(FAILED, first.after, sight(f"about k0\nzq0\n{after}", composer), True, status, True)
    then = Came(NEXT, failed.after, sight("zq2"), True, 302, True, shown=True)
    provider = Provider(requests=more.pop("requests", [request("k0"), request("k1"), request("k0", "k2")]))
    fault = Fault("401", failed, more.pop("then", then))
    return Seen(first, (fault,), provider, more.pop("leaked", False))


@pytest.mark.parametrize(
    ("case", "outcomes"),
    [
        (seen("Sorry, that failed."), (OK, OK, OK, OK)),
        (seen("about k1"), (BAD, OK, OK, OK)),
        (seen("Bitte warten"), (OPEN, OK, OK, OK)),
        (seen("We're sorry, but something went wrong", 500, composer=None, then=None), (BAD, BAD, MOOT, BAD)),
        (seen("app/models/x.rb:12:in `ask'\nSorry"), (OK, OK, OK, BAD)),
        (seen("Sorry: no answer app/models/x.rb:12:in 'Turn#ask' app/y.rb:3:in 'run'"), (OK, OK, OK, BAD)),
        (seen("Sorry", leaked=True), (OK, OK, OK, BAD)),
        (seen("Sorry", requests=[request("k1"), request("k0", "k1", "k2")]), (OK, OK, BAD, OK)),
        (seen("Sorry", requests=[request("k2"), request("k2", "k1")]), (OK, OK, OK, OK)),
    ],
)
def test_failed_turns(case: Seen, outcomes: tuple[Outcome, ...]) -> None:
    assert tuple(verdict.outcome for verdict in judged(case)) == outcomes


def test_without_a_good_turn_nothing_is_judged() -> None:
    case = seen("Sorry")
    nothing = judged(replace(case, first=replace(case.first, shown=False)))
    assert {verdict.outcome for verdict in nothing} == {MOOT}
    fault = case.faults[0]
    unasked = replace(fault, failed=replace(fault.failed, asked=False))
    assert {verdict.outcome for verdict in judged(replace(case, faults=(unasked,)))} == {OPEN}


def test_the_part_of_a_reply_that_came_is_no_message() -> None:
    came = Came(FAILED, sight(""), sight("One two three"), True, 200, True)
    case = Seen(seen("").first, (Fault("a reply that breaks off", came, None),), Provider())
    assert judged(case)[0].outcome is BAD
    assert failed_turn.FAULTS["a reply that breaks off"].say.startswith("One two three")


def lived(**more: Any) -> endurance.Seen:
    """An app that bears everything."""
    plan = endurance.new_plan()
    one, two = plan.before
    pair = [Came(line, sight(""), sight(""), True, 200, True, shown=True) for line in plan.before]
    chats = [request(one.key), request(one.key, one.nonce, two.key)]
    words = [word for line in plan.many for word in (line.key, line.nonce)]
    chats += [request(*words[: 2 * n + 1]) for n in range(len(plan.many))]
    served = RootPage(status=200)
    found = endurance.Seen(
        plan,
        mode="production",
        before=pair,
        restarted=served,
        reopened=f"{one.nonce} {two.nonce}",
        workers=2,
        busy=2,
        keyless=served,
        keyless_text="OPENROUTER_API_KEY is missing",
        chats=chats,
    )
    return replace(found, **more)


def outcomes(case: endurance.Seen) -> tuple[Outcome, ...]:
    return tuple(verdict.outcome for verdict in endurance.judged(case))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (OK, OK, OK, OK)),
        ({"mode": ""}, (MOOT, MOOT, MOOT, MOOT)),
        ({"reopened": "Hello"}, (BAD, OK, OK, OK)),
        ({"restarted": RootPage(died=True)}, (OPEN, MOOT, OK, OK)),
        ({"before": []}, (MOOT, OK, OK, OK)),
        ({"before": [], "chats": []}, (MOOT, MOOT, OK, OK)),
        ({"workers": 1}, (OK, MOOT, OK, OK)),
        ({"busy": 1}, (OK, OPEN, OK, OK)),
        ({"keyless": RootPage(died=True)}, (OK, OK, BAD, MOOT)),
        ({"keyless": RootPage(status=500)}, (OK, OK, BAD, MOOT)),
        ({"keyless_text": "Hello"}, (OK, OK, OK, BAD)),
    ],
)
def test_endurance(more: dict[str, Any], expected: tuple[Outcome, ...]) -> None:
    assert outcomes(lived(**more)) == expected


def test_a_turn_that_a_worker_never_heard_of_is_a_failure() -> None:
    case = lived()
    alone = [request(line.key) for line in case.plan.many]
    assert outcomes(replace(case, chats=[*case.chats[:2], *alone]))[1] is BAD
    few = lived()
    assert outcomes(replace(few, chats=few.chats[:3]))[1] is OPEN


def test_an_answer_that_names_no_key_does_not_say_so() -> None:
    case = lived(keyless_text="")
    told = Came(case.plan.keyless, sight(""), sight("Something went wrong"), True, 302, False)
    assert outcomes(replace(case, keyless_turn=told))[3] is BAD
    named = replace(told, after=sight("The API key is missing"))
    assert outcomes(replace(case, keyless_turn=named))[3] is OK


def test_starts_of_an_app() -> None:
    (rails, *_) = recipes()
    usual, keyless = Start().env(rails), Start("production", workers=2, keyless=True).env(rails)
    assert (usual["RAILS_ENV"], "OPENROUTER_API_KEY" in usual) == ("development", True)
    assert "WEB_CONCURRENCY" not in usual
    assert (keyless["RAILS_ENV"], keyless["WEB_CONCURRENCY"]) == ("production", "2")
    assert not {*rails.keys} & {*keyless}


def test_a_worker_is_busy_when_its_time_grows() -> None:
    assert busy({1: 0.5, 2: 0.5}, {1: 0.6, 2: 0.501, 3: 9.0}) == 1
