"""One attempt, in real containers: what is archived, who is blamed, what a sandbox cannot reach."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from runner.agents.bash import AGENT
from runner.core.protocols import Endpoint, Sandbox, SandboxSpec, Session
from runner.core.records import Blame, Limits, Model, Prices, Run, RunStatus, Usage
from runner.core.tree import SourceTree
from runner.pipeline.grading.checkout import read_tree
from runner.pipeline.grading.grader import ungradable
from runner.pipeline.settings import DoorMode, Settings
from runner.pipeline.trials.benchmark import FINAL_CODES
from runner.pipeline.trials.endings import supervised
from runner.pipeline.trials.trial import TrialJob, run_attempt, seal_abandoned
from runner.pipeline.workbench import Workbench, open_workbench

pytestmark = pytest.mark.docker
MakeJob = Callable[..., TrialJob]
each_door = pytest.mark.parametrize("door", [DoorMode.MOUNT, DoorMode.RELAY])
SOCKETS = {DoorMode.MOUNT: "/run/shipworthy.sock", DoorMode.RELAY: "/run/shipworthy/door.sock"}
CANARY = "sk-or-v1-canary0123456789abcdef0123456789abcdef"


async def attempt(bench: Workbench, job: TrialJob) -> tuple[Run, SourceTree]:
    run = await run_attempt(bench, job, lambda event: None)
    return run, read_tree(bench.archive, run)


def git(bench: Workbench, run: Run, *arguments: str) -> str:
    repository = bench.archive.folder(run) / "repo.git"
    done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, check=True, text=True)
    return done.stdout.strip()


# --- what is archived


@each_door
async def test_phases_share_a_workspace_and_end_with_a_snapshot_each(bench: Workbench, job: MakeJob) -> None:
    run, tree = await attempt(bench, job("echo one > a", prove=("cat a a > b",)))
    assert run.status is RunStatus.COMPLETED
    assert [p.stopped_by for p in run.phases] == ["done", "done"]
    assert tree.text("b") == "one\none\n"
    assert git(bench, run, "log", "--format=%s", "refs/phases/prove").splitlines() == [
        "prove: the workspace when the phase ended",
        "build: the workspace when the phase ended",
    ]
    assert [list(bench.archive.verify())] == [[(f"runs/{run.id}", [])]]


async def test_the_transcript_and_the_meter_tell_everything(bench: Workbench, job: MakeJob) -> None:
    run, _ = await attempt(bench, job("echo hello | tee a", prove=("true",)))
    lines = (bench.archive.folder(run) / "transcript.jsonl").read_text().splitlines()
    exchanges = [json.loads(line) for line in lines]
    assert [e["phase"] for e in exchanges] == ["build", "build", "prove", "prove"]
    assert "hello" in lines[1]
    assert run.usage.requests == 4
    assert run.usage.cost_usd == 0
    assert run.usage.input_tokens == sum(e["usage"]["input_tokens"] for e in exchanges) > 0
    assert run.usage == run.phases[0].usage + run.phases[1].usage


async def test_the_agents_own_history_is_kept_beside_the_snapshots(bench: Workbench, job: MakeJob) -> None:
    commands = "git init -q; echo x > a; git add a; git commit -q -m mine; git branch idea; echo y > a"
    run, tree = await attempt(bench, job(commands))
    assert git(bench, run, "log", "--format=%s", "refs/agent/heads/idea") == "mine"
    assert tree.text("a") == "y\n"


async def test_a_snapshot_is_what_a_clone_would_hold(bench: Workbench, job: MakeJob) -> None:
    commands = (
        "echo secret.key > .gitignore; echo k > secret.key; ln -s a link; mkdir -p sub/app",
        "cd sub/app && git init -q && echo nested > file && git add . && git commit -q -m nested",
        "mkdir empty && cd empty && git init -q && echo unborn > file",
        "truncate -s 30M huge; mkfifo pipe; touch unreadable; chmod 000 unreadable",
        "printf 'a\\r\\n' > 'odd [x]*!'",
    )
    run, tree = await attempt(bench, job(*commands))
    assert run.failure is None
    assert set(tree) == {".gitignore", "link", "sub/app/file", "empty/file", "odd [x]*!"}
    events = (bench.archive.folder(run) / "events.jsonl").read_text()
    assert "huge: larger than 20000000 bytes" in events


async def test_what_an_agent_left_in_git_settings_does_not_run(bench: Workbench, job: MakeJob) -> None:
    trap = "#!/bin/sh\ntouch /workspace/ran\n"
    commands = (
        f"git init -q; printf '{trap}' > .git/hooks/post-index-change; printf '{trap}' > trap.sh",
        "chmod +x .git/hooks/* trap.sh; git config core.fsmonitor /workspace/trap.sh",
        "git config filter.x.clean /workspace/trap.sh; echo '* filter=x' > .gitattributes",
        "git config --global core.fsmonitor /workspace/trap.sh; rm -f ran",
    )
    run, tree = await attempt(bench, job(*commands))
    assert run.failure is None
    assert "trap.sh" in tree
    assert "ran" not in tree


@pytest.mark.parametrize(("build", "code"), [((), "no_tool_call"), (("true",), "gave_up")])
async def test_an_empty_workspace_is_the_models_doing_and_a_result_too(
    bench: Workbench, job: MakeJob, build: tuple[str, ...], code: str
) -> None:
    run, tree = await attempt(bench, job(*build))
    assert run.failure is not None
    assert (run.failure.kind, run.failure.code) == (Blame.MODEL, code)
    assert [p.stopped_by for p in run.phases] == ["done"]
    assert list(tree) == []
    assert ungradable(run) is None


# --- how phases end


async def test_wall_time_ends_a_phase_and_what_is_there_is_kept(bench: Workbench, job: MakeJob) -> None:
    base = job("echo x > a", "sleep 1000", prove=("echo y > b",))
    phases = (base.task.phases[0].model_copy(update={"limits": Limits(wall_s=4)}), base.task.phases[1])
    run, tree = await attempt(bench, job("echo x > a", "sleep 1000", prove=("echo y > b",), phases=phases))
    assert [p.stopped_by for p in run.phases] == ["wall_time", "done"]
    assert run.status is RunStatus.COMPLETED
    assert set(tree) == {"a", "b"}


async def test_a_budget_ends_a_phase_before_the_request_is_sent(bench: Workbench, job: MakeJob) -> None:
    commands = ("echo x > a", "echo x > b", "echo x > c")
    base = job(*commands)
    phases = (base.task.phases[0].model_copy(update={"limits": Limits(requests=2)}),)
    run, tree = await attempt(bench, job(*commands, phases=phases))
    assert [p.stopped_by for p in run.phases] == ["budget"]
    assert run.failure is None
    assert run.usage.requests == 2
    assert set(tree) == {"a", "b"}


async def test_a_spent_budget_of_the_run_leaves_no_phase_to_begin(bench: Workbench, job: MakeJob) -> None:
    run, tree = await attempt(bench, job("echo x > a", "true", prove=("true",), limits=Limits(requests=3)))
    assert [(p.id, p.stopped_by) for p in run.phases] == [("build", "done"), ("prove", "budget")]
    assert (run.phases[1].usage.requests, run.phases[1].tree) == (0, None)
    assert run.status is RunStatus.COMPLETED
    assert set(tree) == {"a"}
    assert run.tree == run.phases[0].tree


async def test_wall_time_of_the_run_is_shared_by_its_phases(bench: Workbench, job: MakeJob) -> None:
    limits = Limits(wall_s=4)
    run, tree = await attempt(bench, job("echo x > a", "sleep 1000", prove=("echo y > b",), limits=limits))
    assert [p.stopped_by for p in run.phases] == ["wall_time", "wall_time"]
    assert run.phases[1].wall_s == 0
    assert run.status is RunStatus.COMPLETED
    assert set(tree) == {"a"}


async def test_a_loop_ends_the_run_and_what_is_there_is_graded(bench: Workbench, job: MakeJob) -> None:
    run, tree = await attempt(bench, job("echo x > a", *["cat a"] * 40, prove=("true",)))
    assert run.failure is not None
    assert (run.failure.kind, run.failure.code) == (Blame.MODEL, "loop")
    assert [p.stopped_by for p in run.phases] == ["loop"]
    assert run.usage.requests < 15
    assert set(tree) == {"a"}
    assert ungradable(run) is None


async def test_an_agent_that_ignores_its_end_is_killed(bench: Workbench) -> None:
    image = next(iter(bench.images.values()))
    async with bench.backend.open(SandboxSpec(image=image, run="stubborn")) as sandbox:

        async def work() -> Session:
            forever = "echo asking; while true; do sleep 1; done"
            return Session(await sandbox.exec(["sh", "-c", forever], timeout_s=600), "{}")

        async with asyncio.timeout(60):
            session = await supervised(work(), StoppedDoor(), sandbox, grace_s=1)  # type: ignore[arg-type]
    assert session.result.exit_code == 137
    assert session.result.stdout == b"asking\n", "what it said until then is kept"


class Boastful:
    """The bash agent, with a log of its own that knows better."""

    id, version, wires, install = AGENT.id, AGENT.version, AGENT.wires, AGENT.install
    run_command, write_files = AGENT.run_command, AGENT.write_files
    waits, finish = AGENT.waits, AGENT.finish

    async def run(self, sandbox: Sandbox, prompt: str, endpoint: Endpoint, limits: Limits) -> Session:
        session = await AGENT.run(sandbox, prompt, endpoint, limits)
        return replace(session, reported=Usage(input_tokens=1, output_tokens=None, cost_usd=None))


async def test_what_an_agent_reports_is_held_against_the_ledger(bench: Workbench, job: MakeJob) -> None:
    told = replace(job("echo x > a", prove=("true",)), agent=Boastful())
    run, _ = await attempt(bench, told)
    assert run.failure is None
    assert [(d.phase, d.meter, d.source, d.other) for d in run.disagreements] == [
        ("build", "input_tokens", "agent", 1),
        ("prove", "input_tokens", "agent", 1),
    ]
    assert [d.ledger for d in run.disagreements] == [p.usage.input_tokens for p in run.phases]


class StoppedDoor:
    """A door that has stopped its agent."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.stopped.set()


async def test_an_agent_killed_by_its_own_commands_is_the_models_doing(
    bench: Workbench, job: MakeJob
) -> None:
    run = await run_attempt(bench, job("echo x > a", "kill -9 -1"), lambda event: None)
    assert run.failure is not None
    assert (run.failure.kind, run.failure.code) == (Blame.MODEL, "agent_killed")
    assert set(read_tree(bench.archive, run)) == {"a"}


@each_door
async def test_a_cancelled_attempt_is_sealed_as_interrupted(bench: Workbench, job: MakeJob) -> None:
    task = asyncio.create_task(run_attempt(bench, job("sleep 1000"), lambda event: None))
    await asyncio.sleep(2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (run,) = bench.archive.runs()
    assert run.status is RunStatus.INTERRUPTED
    labels = {"label": f"org.shipworthy.owner={bench.lease.owner}"}
    assert bench.backend.client.containers(all=True, filters=labels) == []


async def test_an_abandoned_attempt_is_sealed_with_unknown_cost(bench: Workbench, job: MakeJob) -> None:
    this = job("true")
    bench.archive.new_attempt(this.trial).close()  # as a killed runner leaves it
    seal_abandoned(bench, this)
    (run,) = bench.archive.runs()
    assert run.status is RunStatus.INTERRUPTED
    assert run.usage.cost_usd is None


# --- providers


@pytest.fixture
async def provider() -> AsyncIterator[dict[str, object]]:
    """A provider that answers as `state` says and keeps what it was sent."""
    state: dict[str, object] = {"status": 200, "seen": []}

    async def answer(request: web.Request) -> web.Response:
        state["seen"].append((dict(request.headers), await request.text()))  # type: ignore[attr-defined]
        if state["status"] != 200:
            message = f"no: {state.get('reason')}, your key {request.headers['Authorization']}"
            return web.json_response({"error": {"message": message}}, status=int(str(state["status"])))
        echo = f"your key is {request.headers['Authorization']}"
        reply = {"choices": [{"message": {"role": "assistant", "content": echo}, "finish_reason": "stop"}]}
        return web.json_response(reply | {"usage": {"prompt_tokens": 100, "completion_tokens": 10}})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    state["model"] = Model(
        id="own/m",
        provider="own",
        name="m",
        wire="openai_chat",
        upstream=f"http://127.0.0.1:{port}/v1",
        key_env="X",
    )
    yield state
    await runner.cleanup()


def events_of(bench: Workbench, run: Run, kind: str) -> list[dict[str, object]]:
    lines = (bench.archive.folder(run) / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def everything_below(folder: Path) -> bytes:
    return b"\n".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


@each_door
@pytest.mark.parametrize("status", [200, 401])
async def test_a_key_is_nowhere_but_on_the_way_out(
    bench: Workbench, job: MakeJob, provider: dict[str, object], status: int
) -> None:
    provider["status"] = status
    run = await run_attempt(bench, job(model=provider["model"], key=CANARY), lambda event: None)
    headers, body = provider["seen"][0]  # type: ignore[index]
    assert headers["Authorization"] == f"Bearer {CANARY}"
    assert CANARY not in body
    kept = everything_below(bench.archive.root)
    assert b"your key" in kept
    assert CANARY.encode() not in kept
    assert CANARY.encode() not in everything_below(bench.lease.root)
    if status == 401:
        assert run.failure is not None
        assert (run.failure.kind, run.failure.code) == (Blame.INFRA, "bad_key")


async def test_unknown_prices_give_an_unknown_cost(
    bench: Workbench, job: MakeJob, provider: dict[str, object]
) -> None:
    run = await run_attempt(bench, job(model=provider["model"], key=CANARY), lambda event: None)
    assert run.usage.input_tokens == 100
    assert run.usage.cost_usd is None
    assert events_of(bench, run, "warning") == []


async def test_a_limit_of_cost_that_cannot_be_held_is_told_at_the_start(
    bench: Workbench, job: MakeJob, provider: dict[str, object]
) -> None:
    limited = job(model=provider["model"], key=CANARY, limits=Limits(cost_usd=1))
    run = await run_attempt(bench, limited, lambda event: None)
    assert run.usage.requests == 1
    [warning] = events_of(bench, run, "warning")
    assert "price is unknown" in str(warning["message"])


async def test_a_used_up_spend_cap_starts_no_further_run(
    settings: Settings, images: dict[str, str], job: MakeJob, provider: dict[str, object]
) -> None:
    model = provider["model"]
    assert isinstance(model, Model)
    priced = model.model_copy(update={"prices": Prices(input=1, output=10), "max_output_tokens": 2000})
    async with open_workbench(settings, images, spend_cap_usd=0.015) as bench:
        this = job(model=priced, key=CANARY)
        first = await run_attempt(bench, this, lambda event: None)
        assert first.usage.cost_usd == pytest.approx(0.0002)
    async with open_workbench(settings, images, spend_cap_usd=0.0001) as bench:
        refused, unbegun = [await run_attempt(bench, this, lambda event: None) for _ in range(2)]
        assert [p.stopped_by for p in refused.phases] == ["budget", "budget"]
        assert unbegun.failure is not None
        assert (unbegun.failure.kind, unbegun.failure.code) == (Blame.INFRA, "spend_cap")
        assert unbegun.phases == ()
        assert "spend_cap" in FINAL_CODES


async def test_a_provider_outage_is_never_charged_to_the_model(
    bench: Workbench, job: MakeJob, provider: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider["status"] = 402
    run = await run_attempt(bench, job(model=provider["model"], key=CANARY), lambda event: None)
    assert run.failure is not None
    assert (run.failure.kind, run.failure.code) == (Blame.INFRA, "no_credit")


async def test_a_full_context_ends_a_phase_and_is_graded(
    bench: Workbench, job: MakeJob, provider: dict[str, object]
) -> None:
    provider |= {"status": 400, "reason": "context_length_exceeded"}
    run = await run_attempt(bench, job(model=provider["model"], key=CANARY), lambda event: None)
    assert run.failure is None
    assert [p.stopped_by for p in run.phases] == ["context_full", "context_full"]


# --- the seal, tried from inside


@each_door
async def test_the_sandbox_reaches_nothing_but_its_door(bench: Workbench, job: MakeJob) -> None:
    tries = {
        "interfaces": "ls /sys/class/net",
        "route": "cat /proc/net/route | tail -n +2",
        "bridge": "curl -sS -m 3 --noproxy '*' http://172.17.0.1/ 2>&1; true",
        "direct": "curl -sS -m 3 --noproxy '*' http://1.1.1.1/ 2>&1; true",
        "off_list": "curl -sS -m 5 -o /dev/null -w '%{http_code}' http://elsewhere.example/",
        "off_list_tls": "curl -sS -m 5 https://elsewhere.example/ 2>&1; true",
        "loopback": "curl -sS -m 5 -o /dev/null -w '%{http_code}' --noproxy '' http://127.0.0.1:22/",
        "metadata": "curl -sS -m 5 -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/",
        "engine": "ls /var/run/docker.sock /run/docker.sock 2>&1; true",
        "environment": "env",
        "others": "find / -xdev -name '*rubric*' -o -xdev -name 'run.json' 2>/dev/null; true",
        "sockets": "find /run /dev /var /tmp -exec test -S {} \\; -print 2>/dev/null; true",
        "host_files": "ls /work /host /mnt /root 2>&1; true",
    }
    commands = [f"({command}) > {name}.txt" for name, command in tries.items()]
    run, tree = await attempt(bench, job(*commands))
    said = {name: tree.text(f"{name}.txt") or "" for name in tries}
    assert said["interfaces"].split() == ["lo"]
    assert said["route"] == ""
    for name in ("bridge", "direct"):
        assert "curl: (7)" in said[name]
    assert said["off_list"] == "403"
    assert "403" in said["off_list_tls"]
    assert said["loopback"] == "403"
    assert said["metadata"] == "403"
    assert said["engine"].count("No such file") == 2
    assert "KEY" not in said["environment"]
    assert "TOKEN" not in said["environment"].upper()
    assert said["others"] == ""
    assert said["sockets"].split() == [SOCKETS[bench.backend.door]]
    assert "run.json" not in said["host_files"]
    egress = (bench.archive.folder(run) / "egress.jsonl").read_text()
    assert egress.count('"host":"elsewhere.example"') == 2
    assert [event["hosts"] for event in events_of(bench, run, "downloads")] == [{}], "nothing was fetched"


# --- hostile on purpose: whose fault it is stays clear, and nothing is lost


async def test_encodings_and_filters_cannot_empty_a_snapshot(bench: Workbench, job: MakeJob) -> None:
    attributes = "echo '*.rb working-tree-encoding=UTF-16 text eol=crlf ident' > .gitattributes"
    run, tree = await attempt(bench, job(f"{attributes}; printf 'a\\r\\n$Id$' > a.rb; echo x > b"))
    assert run.failure is None
    assert tree.text("a.rb") == "a\r\n$Id$"
    assert set(tree) == {".gitattributes", "a.rb", "b"}


async def test_names_that_are_not_utf8_are_left_out_and_named(bench: Workbench, job: MakeJob) -> None:
    run, tree = await attempt(
        bench, job("touch \"$(printf 'caf\\351.rb')\"; echo x > good; echo y > 'zwölf'")
    )
    assert run.failure is None
    assert set(tree) == {"good", "zwölf"}
    assert list(tree.skipped.values()) == ["a name that is not UTF-8"]


async def test_a_nested_repository_in_a_locked_folder_is_left_out(bench: Workbench, job: MakeJob) -> None:
    run, tree = await attempt(bench, job("mkdir n; git init -q n; touch n/x; chmod 555 n; echo x > good"))
    assert run.failure is None
    assert set(tree) == {"good"}


async def test_an_unsound_history_costs_nothing_but_itself(bench: Workbench, job: MakeJob) -> None:
    bad = "git init -q; echo x > a; git add a; git commit -q -m ok; "
    bad += "git cat-file commit HEAD | sed 's/^author .*/author broken/' > /tmp/c; "
    bad += "git update-ref HEAD $(git hash-object -t commit -w --literally /tmp/c)"
    run, tree = await attempt(bench, job(bad, prove=("echo y > b",)))
    assert run.failure is None
    assert set(tree) == {"a", "b"}
    assert "own history" in (bench.archive.folder(run) / "events.jsonl").read_text()


async def test_settings_of_the_agents_repository_run_nothing(bench: Workbench, job: MakeJob) -> None:
    trap = (
        "git init -q; echo x > a; git add a; git commit -q -m ok; rm -f .git/objects/*/*[0-9a-f]; ",
        "printf '#!/bin/sh\\ntouch /workspace/ran; rm -rf /tmp/snapshot-*' > evil.sh; chmod +x evil.sh; ",
        "git config remote.evil.url 'ext::/workspace/evil.sh'; git config remote.evil.promisor true; ",
        "git config extensions.partialClone evil; git config protocol.ext.allow always",
    )
    run, tree = await attempt(bench, job("".join(trap), prove=("true",)))
    assert run.failure is None
    assert "ran" not in tree


@pytest.mark.parametrize("name", ["TERM", "SEGV", "KILL"])
async def test_an_agent_ended_by_any_signal_is_the_models_doing(
    bench: Workbench, job: MakeJob, name: str
) -> None:
    run = await run_attempt(bench, job(f"kill -{name} $PPID"), lambda event: None)
    assert run.failure is not None
    assert run.failure.kind is Blame.MODEL


@each_door
async def test_a_storm_of_connections_does_not_end_the_sandbox(bench: Workbench, job: MakeJob) -> None:
    storm = "import socket\nheld = []\nfor _ in range(400):\n s = socket.socket(); s.settimeout(1)\n"
    storm += " try: s.connect(('127.0.0.1', 8080)); held.append(s)\n except OSError: break\n"
    run, tree = await attempt(bench, job(f'python3 -c "{storm}"', "echo x > a"))
    assert run.failure is None
    assert set(tree) == {"a"}


@each_door
async def test_the_runs_token_cannot_be_read_from_the_agent(bench: Workbench, job: MakeJob) -> None:
    _, tree = await attempt(bench, job("cat /proc/$PPID/environ /proc/$PPID/maps > a 2>&1; true"))
    assert tree.text("a").count("Permission denied") == 2  # type: ignore[union-attr]
