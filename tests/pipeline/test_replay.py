"""A sealed run played again, in real containers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from aiohttp import web

from runner.core.errors import ArchiveError, UserError
from runner.core.records import Blame, Model, Prices, Run, RunStatus
from runner.core.replay import Replay
from runner.pipeline.settings import Settings
from runner.pipeline.trials.benchmark import finished, settle
from runner.pipeline.trials.replay import plan_replay, replay_of
from runner.pipeline.trials.trial import TrialJob, run_attempt
from runner.pipeline.workbench import Workbench

pytestmark = pytest.mark.docker
MakeJob = Callable[..., TrialJob]
VOLATILE = ("date; date -Is; date +%s", "echo pid: $$; mktemp; cat /proc/sys/kernel/random/uuid")
PRICES = Prices(input=1.0, cached_input=0.5, output=10.0)


def priced(job: TrialJob) -> TrialJob:
    return replace(job, model=job.model.model_copy(update={"prices": PRICES}))


async def recorded(bench: Workbench, job: TrialJob) -> Run:
    return await run_attempt(bench, job, lambda event: None)


async def replayed(bench: Workbench, original: Run) -> Replay:
    [job] = plan_replay(bench.archive, original, None, bench.settings).jobs
    run = await settle(bench, job, True, lambda event: None)
    replay = replay_of(bench.archive, run)
    assert replay is not None
    return replay


async def test_a_run_whose_output_only_changes_with_time_replays_as_recorded(
    bench: Workbench, job: MakeJob
) -> None:
    original = await recorded(bench, priced(job(*VOLATILE, "echo x > a", prove=("cat a",))))
    replay = await replayed(bench, original)
    assert replay.replayed is not None
    assert replay.replayed.divergence is None
    assert replay.replayed.as_recorded == original.usage.requests == 6
    assert replay.run.usage.cost_usd
    assert replay.differing_meters == ()
    assert replay.same_tree
    assert replay.is_faithful
    assert replay.run.status is RunStatus.COMPLETED


async def test_a_command_that_says_something_else_is_the_first_divergence(
    bench: Workbench, job: MakeJob
) -> None:
    original = await recorded(
        bench, job("echo same", "echo number $RANDOM$RANDOM$RANDOM | tee a", "echo x > b", prove=("cat b",))
    )
    replay = await replayed(bench, original)
    assert replay.replayed is not None
    first = replay.replayed.divergence
    assert first is not None
    assert (first.request, first.recorded, first.phase) == (3, 3, "build")
    assert first.where is not None
    assert first.where.startswith("messages[")
    assert "number" in str(first.was)
    assert first.was != first.now
    assert replay.run.usage.requests == original.usage.requests  # it went on to its end
    assert replay.differing_files == ("a",)
    assert not replay.is_faithful


async def test_a_replay_is_a_run_of_its_own_and_settles_nothing(bench: Workbench, job: MakeJob) -> None:
    this = job("echo x > a")
    original = await recorded(bench, this)
    first, second = [(await replayed(bench, original)).run for _ in range(2)]
    assert first.replay_of == second.replay_of == original.id
    assert first.trial == second.trial != original.trial
    assert (first.attempt, second.attempt) == (1, 2)
    assert finished(bench.archive, this.trial) == original
    assert bench.archive.find("demo/x") == original
    assert bench.archive.find("tiny.demo-x") == original
    assert bench.archive.find(first.trial.id) == second
    assert bench.archive.find("last") == second
    assert [complaints for _, complaints in bench.archive.verify()] == [[], [], []]


async def test_a_replay_needs_neither_the_script_nor_the_provider(
    bench: Workbench, job: MakeJob, settings: Settings
) -> None:
    original = await recorded(bench, job("echo x > a"))
    (settings.tasks / "tiny/demos/x/script.yaml").unlink()
    assert (await replayed(bench, original)).is_faithful


@pytest.fixture
async def provider() -> AsyncIterator[str]:
    """The URL of a provider whose every answer is that no credit is left."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "insufficient credits"}}, status=402)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


async def test_a_recorded_failure_is_played_once_and_with_the_same_verdict(
    bench: Workbench, job: MakeJob, provider: str
) -> None:
    model = Model(id="own/m", provider="own", name="m", wire="openai_chat", upstream=provider, prices=PRICES)
    original = await recorded(bench, job(model=model))
    assert original.failure is not None
    replay = await replayed(bench, original)
    assert replay.run.failure == original.failure
    assert (original.failure.kind, original.failure.code) == (Blame.INFRA, "no_credit")
    assert replay.run.attempt == 1
    assert replay.is_faithful


async def test_a_changed_task_is_a_warning(bench: Workbench, job: MakeJob, settings: Settings) -> None:
    this = job("echo x > a")
    assert plan_replay(bench.archive, await recorded(bench, this), None, settings).warnings == ()
    older = this.trial.model_copy(update={"agent_version": "0"})
    original = await recorded(bench, replace(this, trial=older))
    (settings.tasks / "tiny/prompt.md.j2").write_text("Build something else.")
    plan = plan_replay(bench.archive, original, None, settings)
    assert len(plan.warnings) == 2
    assert "task tiny was changed" in plan.warnings[0]
    assert "agent bash has another version: 0 when" in plan.warnings[1]
    first = (await replayed(bench, original)).replayed
    assert first is not None
    assert first.divergence is not None
    assert first.divergence.now == "Build something else."


# --- what cannot be replayed


async def test_what_stands_in_the_way_is_told(bench: Workbench, job: MakeJob, settings: Settings) -> None:
    original = await recorded(bench, job("echo x > a"))
    older = original.model_copy(update={"files": {}})
    with pytest.raises(UserError, match="has no cassette: it was run before replies were recorded"):
        plan_replay(bench.archive, older, None, settings)
    gone = original.model_copy(update={"trial": original.trial.model_copy(update={"task": "gone"})})
    with pytest.raises(UserError, match="cannot be replayed: unknown task 'gone'; known: tiny"):
        plan_replay(bench.archive, gone, None, settings)
    agentless = original.model_copy(update={"trial": original.trial.model_copy(update={"agent": "gone"})})
    with pytest.raises(UserError, match="cannot be replayed: unknown agent 'gone'"):
        plan_replay(bench.archive, agentless, None, settings)
    cassette = bench.archive.folder(original) / "cassette.jsonl"
    cassette.write_bytes(cassette.read_bytes().replace(b"echo x", b"echo y"))
    with pytest.raises(ArchiveError, match=r"cassette\.jsonl: is not what was sealed"):
        plan_replay(bench.archive, original, None, settings)
