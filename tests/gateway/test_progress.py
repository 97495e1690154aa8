"""A model that goes nowhere is told by its exchanges; a command may be silent for as long as it likes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fake_provider import Opened, Opening, Provider

from runner.core.records import Blame, Limits
from runner.gateway.calls.progress import SAME_WHATEVER_RESULT, SAME_WITH_SAME_RESULT, Progress
from runner.gateway.settings import GatewaySettings
from runner.gateway.wire import Reply, RequestSummary, ToolCall

LS = '{"command": "ls"}'


def asked(result: str = "same", *tools: str) -> RequestSummary:
    return RequestSummary("m", False, None, 3, 1, tools or ("bash",), result)


def calling(command: str = LS, id: str = "c", text: str = "") -> Reply:
    return Reply(text=text, tool_calls=(ToolCall(id, "bash", command),))


def code_of(progress: Progress, *turns: tuple[RequestSummary, Reply]) -> list[str | None]:
    failures = [progress.note("build", request, reply) for request, reply in turns]
    return [failure and failure.code for failure in failures]


def test_the_tenth_same_reply_to_the_same_result_is_a_loop() -> None:
    turns = [(asked(), calling(id=str(n))) for n in range(SAME_WITH_SAME_RESULT)]
    assert code_of(Progress(), *turns) == [None] * 9 + ["loop"]


def test_with_other_results_it_takes_fifty() -> None:
    turns = [(asked(str(n)), calling()) for n in range(SAME_WHATEVER_RESULT)]
    assert code_of(Progress(), *turns) == [None] * 49 + ["loop"]


def test_another_reply_starts_the_count_again() -> None:
    nine = [(asked(), calling())] * 9
    assert code_of(Progress(), *nine, (asked(), calling('{"command": "pwd"}')), *nine) == [None] * 19
    assert code_of(Progress(), *nine, (asked(), calling(text="Hm.")), *nine) == [None] * 19
    assert code_of(Progress(), *nine, (asked("new"), calling()), *[(asked("new"), calling())] * 8)[-1] is None


def test_empty_replies_count_as_the_same_one() -> None:
    assert code_of(Progress(), *[(asked(""), Reply())] * 10)[-1] == "loop"


def test_side_requests_neither_count_nor_interrupt() -> None:
    title = (RequestSummary("m", False, None, 1, 0), Reply(text="A title"))
    progress = Progress()
    for _ in range(9):
        assert code_of(progress, (asked(), calling()), title) == [None, None]
    assert code_of(progress, (asked(), calling())) == ["loop"]


def test_phases_are_told_apart() -> None:
    progress = Progress()
    for phase in ("build", "prove"):
        for _ in range(9):
            assert progress.note(phase, asked(), calling()) is None


def test_who_never_called_a_tool_or_gave_up() -> None:
    silent, quitter, builder, aider = Progress(), Progress(), Progress(), Progress()
    silent.note("build", asked(""), Reply(text="I cannot do that."))
    quitter.note("build", asked(), calling())
    quitter.note("build", asked(), Reply(text="Too hard."))
    for first in (True, False):
        failure = silent.given_up("build", first)
        assert failure is not None
        assert (failure.kind, failure.code) == (Blame.MODEL, "no_tool_call")
    failure = quitter.given_up("build", first=True)
    assert failure is not None
    assert (failure.kind, failure.code) == (Blame.MODEL, "gave_up")
    assert quitter.given_up("build", first=False) is None
    assert builder.given_up("build", first=True) is None, "nothing was answered, so nothing can be told"
    aider.note("build", RequestSummary("m", False, None, 1, 0), Reply(text="x"))
    assert aider.given_up("build", first=True) is None, "it was offered no tools"


# --- through a door


def reply(command: str | None) -> bytes:
    function = {"name": "bash", "arguments": json.dumps({"command": command})}
    calls = {"tool_calls": [{"id": "c", "type": "function", "function": function}]} if command else {}
    message = {"role": "assistant", "content": None if command else "done", **calls}
    return json.dumps({"choices": [{"message": message}]}).encode()


async def turn(opened: Opened, *results: str) -> int:
    tools = [{"type": "function", "function": {"name": "bash"}}]
    acted: list[dict[str, Any]] = [{"role": "user", "content": "go"}]
    for n, result in enumerate(results):
        acted += [{"role": "assistant"}, {"role": "tool", "tool_call_id": f"c{n}", "content": result}]
    return (await opened.ask(messages=acted, tools=tools))[0]


async def test_a_loop_stops_the_door_and_is_the_models_doing(open_door: Opening, provider: Provider) -> None:
    provider.respond(reply("ls"))
    opened = await open_door()
    results: list[str] = []
    for _ in range(10):
        assert await turn(opened, *results) == 200
        results.append("nothing here")
    assert not opened.door.stopped.is_set(), "the first came to no result"
    assert await turn(opened, *results) == 200
    assert opened.door.stopped.is_set()
    assert await turn(opened, *results) == 401
    assert len(provider.bodies) == 11
    failure = opened.door.verdict(agent_done=True)
    assert failure is not None
    assert (failure.kind, failure.code) == (Blame.MODEL, "loop")


async def test_a_benchmark_may_ask_the_same_for_ever(open_door: Opening, provider: Provider) -> None:
    provider.respond(reply("ls"))
    opened = await open_door(GatewaySettings(ends_loops=False))
    assert {await turn(opened) for _ in range(SAME_WHATEVER_RESULT + 1)} == {200}


async def test_a_long_quiet_command_is_no_loop(open_door: Opening, provider: Provider) -> None:
    """Time passes between two requests while a build says nothing: nobody asks a clock."""
    provider.respond(reply("docker build ."))
    opened = await open_door()
    assert await turn(opened) == 200
    await asyncio.sleep(0.3)
    assert not opened.door.stopped.is_set()
    assert await turn(opened, "built") == 200
    assert opened.door.verdict() is None


# --- an agent that ends by itself while the provider fails


@pytest.mark.parametrize(("last_said", "code"), [("ls", "provider_unavailable"), (None, None)])
async def test_an_exit_code_of_0_hides_no_outage(
    open_door: Opening, provider: Provider, last_said: str | None, code: str | None
) -> None:
    """Only if the model had come to its end before, for then the failing request was some side request."""
    provider.respond(reply(last_said))
    opened = await open_door()
    await turn(opened)
    provider.respond(b"{}", 500)
    await opened.ask()
    failure = opened.door.verdict(agent_done=True)
    assert (failure and failure.code) == code


# --- the breaker


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (401, "", "bad_key"),
        (403, "", "bad_key"),
        (402, "", "no_credit"),
        (429, "insufficient_quota", "no_credit"),
        (429, "limit of requests per day", "quota"),
        (404, "", "model_not_found"),
        (400, "Your organization must be verified to use this model", "request_refused"),
    ],
)
async def test_what_trying_again_cannot_mend_ends_the_run_at_once(
    open_door: Opening, provider: Provider, status: int, text: str, code: str
) -> None:
    provider.respond(json.dumps({"error": {"message": text}}).encode(), status)
    opened = await open_door()
    assert (await opened.ask())[0] == status
    assert opened.door.stopped.is_set()
    provider.respond(reply(None))
    assert (await opened.ask())[0] == 401, "the status that ends an agent of this wire for good"
    assert len(provider.bodies) == 1
    failure = opened.door.verdict(agent_done=True)
    assert failure is not None
    assert (failure.kind, failure.code) == (Blame.INFRA, code)
    opened.door.begin_phase("prove", Limits())
    assert opened.door.stopped.is_set()


async def test_a_mistake_of_the_agent_does_not_end_the_run(open_door: Opening, provider: Provider) -> None:
    provider.respond(b'{"error":{"message":"unknown parameter: frobnicate"}}', 400)
    opened = await open_door()
    for _ in range(5):
        assert (await opened.ask())[0] == 400
    assert not opened.door.stopped.is_set()
    assert len(provider.bodies) == 5


async def test_a_spent_budget_stops_the_phase_and_not_the_next(open_door: Opening) -> None:
    opened = await open_door(phase_limits=Limits(requests=1))
    await opened.ask()
    assert not opened.door.stopped.is_set()
    await opened.ask()
    assert opened.door.stopped.is_set()
    assert opened.door.ended_by is None
    opened.door.begin_phase("prove", Limits(requests=1))
    assert not opened.door.stopped.is_set()
    assert opened.door.spent_out() is None


async def test_a_run_whose_last_request_was_just_affordable_is_spent_out(open_door: Opening) -> None:
    opened = await open_door(limits=Limits(requests=1))
    assert opened.door.spent_out() is None
    await opened.ask()
    assert opened.door.spent_out() == "the run's budget of 1 requests leaves no room for this request"
