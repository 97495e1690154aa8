"""The bash agent as a real process: its conversation, its commands, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from local_sandbox import LocalSandbox, StandIn, calls, runs, says

from runner import agents
from runner.agents.bash import AGENT, PROGRAM, BashAgent
from runner.core.protocols import Agent, Endpoint, ExecResult
from runner.core.records import Limits, Model, Prices
from runner.core.registry import names
from runner.gateway.door import Door, DoorSpec, open_gateway

TOKEN = "run-token-0123456789"


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    model = StandIn()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{tail:.*}", model.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield model
    await runner.cleanup()


@dataclass
class Ended:
    result: ExecResult
    sandbox: LocalSandbox

    @property
    def log(self) -> str:
        return self.result.stderr.decode()


Running = Callable[..., Awaitable[Ended]]


@pytest.fixture
def run(stand_in: StandIn, tmp_path: Path) -> Running:
    """Runs the agent against prepared answers; retries wait hardly at all."""

    async def running(*answers: Any, prompt: str = "Build it.", agent: Agent = AGENT, **limits: Any) -> Ended:
        stand_in.answers = list(answers)
        sandbox = LocalSandbox(tmp_path)
        endpoint = Endpoint(stand_in.url, "mock-1", TOKEN)
        given = Limits.model_validate({"wall_s": 60, "command_s": 30, **limits})
        return Ended((await agent.run(sandbox, prompt, endpoint, given)).result, sandbox)

    return running


def impatient() -> BashAgent:
    """The agent, with hardly a pause between tries."""
    return BashAgent(PROGRAM.read_text().replace("FIRST_WAIT_S = 1.0", "FIRST_WAIT_S = 0.01"))


# --- the conversation --------------------------------------------------------------------------


async def test_it_works_until_the_model_calls_no_tool(run: Running, stand_in: StandIn) -> None:
    ended = await run(runs("echo hello"), runs("false"), says("All built ✓"), prompt="Build 漢字.")
    assert (ended.result.exit_code, ended.result.stdout.decode()) == (0, "All built ✓\n")
    first, *_, last = stand_in.requests
    assert first["model"] == "mock-1"
    assert "stream" not in first
    assert [t["function"]["name"] for t in first["tools"]] == ["bash"]
    assert [m["role"] for m in first["messages"]] == ["system", "user"]
    assert first["messages"][1]["content"] == "Build 漢字."
    assert last["messages"][:2] == first["messages"]
    assert stand_in.results == ["hello\n[exit code 0]", "[exit code 1]"]
    assert last["messages"][3]["tool_call_id"] == "call_0"
    assert stand_in.tokens == {f"Bearer {TOKEN}"}
    assert len(stand_in.connections) == 1, "the connection is kept open"
    assert "$ echo hello" in ended.log


async def test_several_calls_of_one_reply_run_in_order(run: Running, stand_in: StandIn) -> None:
    await run(runs("echo a >> f", "echo b >> f", "cat f"), says("done"))
    assert stand_in.results == ["[exit code 0]", "[exit code 0]", "a\nb\n[exit code 0]"]


async def test_what_providers_want_back_goes_back(run: Running, stand_in: StandIn) -> None:
    message = runs("true") | {
        "reasoning_content": "hm",
        "reasoning_details": [{"a": 1}],
        "audio": None,
        "id": 3,
    }
    await run(message, says("done"))
    back = stand_in.requests[1]["messages"][2]
    assert back == {
        "role": "assistant",
        "content": None,
        "reasoning_content": "hm",
        "reasoning_details": [{"a": 1}],
        "tool_calls": message["tool_calls"],
    }


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("bash", "{not json", "the arguments are not JSON"),
        ("bash", "", "the arguments are not JSON"),
        ("bash", "[]", "the arguments are not JSON"),
        ("bash", '"ls"', "the arguments are not JSON"),
        ("bash", '{"cmd": "ls"}', "command"),
        ("bash", '{"command": 5}', "must be a text"),
        ("bash", '{"command": " "}', "must be a text"),
        ("bash", '{"command": "a\\u0000b"}', "must be a text"),
        ("bash", '{"command": "ls", "timeout_s": "soon"}', "soon"),
        ("bash", "[" * 100_000, "the arguments are not JSON"),
        ("python", '{"command": "ls"}', "there is no tool 'python'"),
    ],
)
async def test_a_broken_call_is_explained_to_the_model(
    run: Running, stand_in: StandIn, name: str, arguments: str, told: str
) -> None:
    ended = await run(calls((name, arguments)), says("done"))
    assert ended.result.exit_code == 0
    [result] = stand_in.results
    assert result.startswith("Error: ")
    assert told in result
    [back] = stand_in.requests[1]["messages"][2]["tool_calls"]
    assert isinstance(json.loads(back["function"]["arguments"]), dict), "providers refuse broken history"


@pytest.mark.parametrize("listed", [["text"], "text", [{"id": "x"}], [{"function": None}]])
async def test_odd_tool_calls_do_not_crash_it(run: Running, listed: object) -> None:
    ended = await run({"content": ["odd"], "tool_calls": listed}, says("done"))
    assert ended.result.exit_code == 0


# --- commands ----------------------------------------------------------------------------------


async def test_commands_see_neither_token_nor_endpoint_nor_input(run: Running, stand_in: StandIn) -> None:
    looks = [
        "env",
        "cat",
        "tr '\\0' ' ' < /proc/$PPID/cmdline",
        "cat /proc/$PPID/environ",
        "ls -l /proc/self/fd",
    ]
    ended = await run(runs(*looks, "pwd"), says("done"))
    everything = "\n".join(stand_in.results)
    assert "MARK=from-outside" in everything
    assert TOKEN not in everything
    assert stand_in.url not in everything
    assert "Build it." not in everything
    assert stand_in.results[1] == "[exit code 0]", "standard input is empty"
    assert stand_in.results[-1].startswith(str(ended.sandbox.folder))
    assert TOKEN not in ended.log + " ".join(ended.sandbox.argv)
    assert len(" ".join(ended.sandbox.argv)) < 300


async def test_output_and_errors_come_in_the_order_written(run: Running, stand_in: StandIn) -> None:
    await run(runs("echo one; echo two >&2; echo three; exit 7", "kill -9 $$"), says("done"))
    assert stand_in.results == ["one\ntwo\nthree\n[exit code 7]", "[killed by signal 9]"]


async def test_long_output_is_cut_in_the_middle_with_a_note(run: Running, stand_in: StandIn) -> None:
    await run(runs("seq 1 100000", "head -c 16000 /dev/zero | tr '\\0' x"), says("done"))
    long, exact = stand_in.results
    assert long.startswith("1\n2\n3\n")
    assert long.endswith("99999\n100000\n[exit code 0]")
    assert "\n[... 572895 of 588895 bytes left out ...]\n" in long
    assert len(long) < 16_200
    assert exact == "x" * 16_000 + "\n[exit code 0]"


async def test_output_that_is_not_text_is_told_as_well_as_possible(run: Running, stand_in: StandIn) -> None:
    await run(runs("printf '\\377a\\303\\251'"), says("done"))
    assert stand_in.results == ["\ufffdaé\n[exit code 0]"]


async def test_a_huge_output_does_not_fill_memory(run: Running, stand_in: StandIn) -> None:
    await run(runs("head -c 200000000 /dev/zero", "grep VmHWM /proc/$PPID/status"), says("done"))
    assert "of 200000000 bytes left out" in stand_in.results[0]
    assert int(stand_in.results[1].split()[1]) < 40_000


async def test_a_timed_out_command_dies_with_all_it_started(run: Running, stand_in: StandIn) -> None:
    hiding = "sleep 30.1 & setsid sleep 30.2 & (setsid sleep 30.3 &) ; echo begun; exec sleep 30.4"
    started = time.monotonic()
    await run(runs(hiding, timeout_s=0.5), runs("pgrep -f '^sleep 30[.]'"), says("done"))
    assert time.monotonic() - started < 10
    assert stand_in.results == [
        "begun\n[stopped after 0.5 s: the command and everything it started were killed]",
        "[exit code 1]",
    ]


async def test_a_time_out_spares_what_earlier_commands_left_running(run: Running, stand_in: StandIn) -> None:
    await run(
        runs("sleep 3.11 &"), runs("sleep 3.12", timeout_s=0.3), runs("pgrep -cf '^sleep 3[.]11'"), says("")
    )
    assert stand_in.results[2] == "1\n[exit code 0]"


async def test_no_command_may_take_longer_than_the_limit(run: Running, stand_in: StandIn) -> None:
    ended = await run(runs("sleep 100", timeout_s=9999), runs("sleep 100"), says("done"), command_s=0.3)
    assert ended.result.wall_s < 10
    assert [r.startswith("[stopped after 0.3 s") for r in stand_in.results] == [True, True]
    tool = stand_in.requests[0]["tools"][0]["function"]["parameters"]["properties"]["timeout_s"]
    assert tool["description"] == "Seconds it may take: 0.3 unless told, 0.3 at most."


async def test_background_processes_live_on_and_hang_nothing(run: Running, stand_in: StandIn) -> None:
    started = time.monotonic()
    server = "(sleep 1.5; echo still here > late) & echo started"
    await run(runs(server), runs("ls; sleep 2; cat late"), says("done"))
    assert time.monotonic() - started < 8
    assert stand_in.results == ["started\n[exit code 0]", "still here\n[exit code 0]"]


async def test_commands_larger_than_an_argument_may_be_still_run(run: Running, stand_in: StandIn) -> None:
    await run(
        runs("cat > big <<'END'\n" + "é漢" * 100_000 + "\nEND\nwc -c < big"), runs("ls -A"), says("done")
    )
    assert stand_in.results == ["500001\n[exit code 0]", "big\n[exit code 0]"]


async def test_nothing_is_left_in_tmp(run: Running) -> None:
    ended = await run(runs("true", "x" * 120_000), says("done"))
    assert not list(Path("/tmp").glob(f".agent-{ended.sandbox.pid}-*"))


async def test_a_lone_surrogate_in_a_command_is_no_crash(run: Running, stand_in: StandIn) -> None:
    ended = await run(calls(("bash", '{"command": "echo \\ud83d"}')), says("bye \ud83d"))
    assert (ended.result.exit_code, ended.result.stdout) == (0, b"bye ?\n")
    assert stand_in.results == ["?\n[exit code 0]"]


# --- how it ends -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 402, 403, 404])
async def test_a_final_refusal_ends_it_at_once_with_3(run: Running, stand_in: StandIn, status: int) -> None:
    ended = await run((status, '{"error":{"message":"the budget is spent"}}'))
    assert (ended.result.exit_code, len(stand_in.requests)) == (3, 1)
    assert "the budget is spent" in ended.log


async def test_passing_failures_are_tried_again(run: Running, stand_in: StandIn) -> None:
    bad = [None, (500, "no"), (429, "slow", {"Retry-After": "0"}), (200, "not json")]
    ended = await run(*bad, says("made it"), agent=impatient())
    assert (ended.result.exit_code, ended.result.stdout) == (0, b"made it\n")
    assert len(stand_in.requests) == 5
    assert "try 4 of 5" in ended.log


async def test_a_kept_connection_that_was_closed_is_opened_again(run: Running, stand_in: StandIn) -> None:
    ended = await run(runs("true"), None, says("done"))
    assert (ended.result.exit_code, len(stand_in.requests)) == (0, 3)
    assert "try" not in ended.log


async def test_a_provider_that_keeps_failing_ends_it_with_4(run: Running, stand_in: StandIn) -> None:
    ended = await run(*[(503, "down")] * 9, agent=impatient())
    assert (ended.result.exit_code, len(stand_in.requests)) == (4, 5)


async def test_retry_after_is_honoured(run: Running, stand_in: StandIn) -> None:
    await run((429, "slow", {"Retry-After": "0.6"}), says("done"), agent=impatient())
    first, second = stand_in.times
    assert 0.55 < second - first < 5


async def test_a_request_the_provider_cannot_take_ends_it_with_4(run: Running, stand_in: StandIn) -> None:
    ended = await run((400, "unknown parameter"))
    assert (ended.result.exit_code, len(stand_in.requests)) == (4, 1)


async def test_a_full_context_ends_it_with_5(run: Running) -> None:
    ended = await run((400, '{"error":{"code":"context_length_exceeded"}}'))
    assert ended.result.exit_code == 5


async def test_a_gateway_that_is_not_there_ends_it_with_4(tmp_path: Path) -> None:
    endpoint = Endpoint("http://127.0.0.1:1", "mock-1", TOKEN)
    session = await impatient().run(LocalSandbox(tmp_path), "go", endpoint, Limits())
    assert session.result.exit_code == 4


async def test_the_wall_clock_ends_it_whatever_it_does(run: Running) -> None:
    ended = await run(runs("sleep 4"), wall_s=0.5)
    assert ended.result.timed_out


# --- beside the gateway ------------------------------------------------------------------------


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[Callable[[Path], Awaitable[str]]]:
    """A forwarder as in the sandbox: a TCP port in front of a door's socket."""
    servers: list[asyncio.Server] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def bridging(socket: Path) -> str:
        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            remote, door = await asyncio.open_unix_connection(str(socket))
            await asyncio.gather(pump(reader, door), pump(remote, writer))

        servers.append(await asyncio.start_server(join, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield bridging
    for server in servers:
        server.close()


async def test_it_plays_a_whole_script_through_a_door(
    tmp_path: Path, bridge: Callable[[Path], Awaitable[str]]
) -> None:
    demo, workspace = tmp_path / "demo", tmp_path / "workspace"
    (demo / "files/bin").mkdir(parents=True)
    workspace.mkdir()
    content = b"#!/bin/sh\nprintf 'it runs\\n'\n"
    (demo / "files/bin/app").write_bytes(content)
    (demo / "files/bin/app").chmod(0o755)
    (demo / "files/logo.png").write_bytes(bytes(range(256)))
    steps = (
        "[{say: hi, run: mkdir -p log}, {write: [bin/app, logo.png]}, {run: bin/app > log/out}, {say: built}]"
    )
    (demo / "script.yaml").write_text(
        f"title: an app\nphases: {{build: {steps}, prove: [{{say: proven}}]}}\n"
    )
    socket = Path(f"/tmp/bash-agent-{os.getpid()}.sock")
    model = Model(
        id="demo/x",
        provider="demo",
        name="x",
        wire="openai_chat",
        script=str(demo),
        prices=Prices(input=1, output=1),
    )
    logs = tmp_path / "transcript.jsonl", tmp_path / "downloads.jsonl"
    spec = DoorSpec(socket, model, None, *logs, rendering=AGENT)
    async with open_gateway() as gateway, gateway.open_door(spec, lambda exchange: None) as door:
        endpoint = Endpoint(await bridge(socket), "x", door.token)
        door.begin_phase("build", Limits(requests=10))
        built = (await AGENT.run(LocalSandbox(workspace), "build", endpoint, Limits())).result
        assert (built.exit_code, built.stdout) == (0, b"built\n")
        door.begin_phase("prove", Limits(requests=10))
        proven = (await AGENT.run(LocalSandbox(workspace), "prove", endpoint, Limits())).result
        assert (proven.exit_code, proven.stdout) == (0, b"proven\n")
        assert (door.usage("build").requests, door.usage("prove").requests) == (4, 1)
        assert [e.command for e in door.exchanges][2] == "bin/app > log/out"
        assert await budget_end(door, workspace, endpoint) == 3
    assert (workspace / "bin/app").read_bytes() == content
    assert (workspace / "logo.png").read_bytes() == bytes(range(256))
    assert (workspace / "log/out").read_text() == "it runs\n"


async def budget_end(door: Door, workspace: Path, endpoint: Endpoint) -> int | None:
    door.begin_phase("build", Limits(requests=6))
    result = (await AGENT.run(LocalSandbox(workspace), "again", endpoint, Limits())).result
    assert door.refusal() is not None
    assert b"leaves no room" in result.stderr
    return result.exit_code


# --- as a plug-in ------------------------------------------------------------------------------


def test_only_adapters_are_discovered() -> None:
    assert "bash" in names(agents)
    assert {"inside", "kit"}.isdisjoint(names(agents))


def test_its_version_changes_with_its_program() -> None:
    source = PROGRAM.read_text()
    assert AGENT.version == BashAgent(source).version
    assert AGENT.version != BashAgent(source.replace("experienced", "good")).version
    assert AGENT.version.startswith("1-")


async def test_its_program_needs_nothing_heavy(tmp_path: Path) -> None:
    source = f"import sys; sys.modules['ssl'] = None\nexec({PROGRAM.read_text()!r}, {{'__name__': 'x'}})\n"
    heavy = "print({'asyncio', 'subprocess', 'typing', 'urllib.request', 'tempfile'} & set(sys.modules))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", source + heavy, stdout=asyncio.subprocess.PIPE
    )
    assert await process.stdout.read() == b"set()\n" if process.stdout else False
    assert await process.wait() == 0
