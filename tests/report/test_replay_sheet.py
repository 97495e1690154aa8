"""A replay beside its original, for people and programs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from rich.console import Console

from runner.core.records import Run, Score
from runner.core.replay import Divergence, Replay, Replayed
from runner.report import replay_sheet, run_table, score_sheet
from runner.report.as_json import replay_json, run_json

MakeConsole = Callable[..., Console]
Printed = Callable[[Console], str]
DIVERGENCE = Divergence(
    message="request 3 (phase build) differs from the recorded request 3 at messages[4].content",
    phase="build",
    request=3,
    recorded=3,
    where="messages[4].content",
    was="one [red]\x1b[31m",
    now="two",
)


@pytest.fixture
def again(run: Run) -> Run:
    """The same run, replayed."""
    trial = run.trial.model_copy(update={"model_digest": "another"})
    return run.model_copy(update={"trial": trial, "replay_of": run.id})


def shown(replay: Replay, make_console: MakeConsole, printed: Printed) -> list[str]:
    console = make_console()
    replay_sheet.render(replay, console)
    return [" ".join(line.split()) for line in printed(console).splitlines()]


def test_a_faithful_replay(run: Run, again: Run, make_console: MakeConsole, printed: Printed) -> None:
    replayed = Replayed(requests=23, as_recorded=23, unplayed=0, divergence=None)
    replay = Replay(original=run, run=again, replayed=replayed)
    assert replay.is_faithful
    assert shown(replay, make_console, printed) == [
        f"replay of {run.id}",
        "recorded replayed",
        "requests 23 23",
        "input tokens 120,345 120,345",
        "cached input tokens 80,000 80,000",
        "cache write tokens 0 0",
        "output tokens 12,001 12,001",
        "reasoning tokens 0 0",
        "cost unknown unknown",
        "totals equal",
        f"files the same (tree {run.tree})",
        "replies 23 of 23 to just the recorded request",
        "divergence none",
    ]
    data = replay_json(replay)
    assert json.loads(json.dumps(data)) == data
    assert data["totals_equal"]
    assert data["totals"]["requests"] == {"recorded": 23, "replayed": 23}
    assert data["replayed"] == {"requests": 23, "as_recorded": 23, "unplayed": 0, "divergence": None}


def test_a_replay_that_diverged(run: Run, again: Run, make_console: MakeConsole, printed: Printed) -> None:
    usage = run.usage.model_copy(update={"requests": 24, "cost_usd": 0.5})
    other = again.model_copy(update={"tree": "f" * 40, "usage": usage})
    replayed = Replayed(requests=24, as_recorded=2, unplayed=1, divergence=DIVERGENCE)
    paths = tuple(f"f{n}" for n in range(7))
    replay = Replay(original=run, run=other, replayed=replayed, differing_files=paths)
    assert replay.differing_meters == ("requests", "cost_usd")
    assert not replay.is_faithful
    lines = shown(replay, make_console, printed)
    assert lines[2] == "requests 23 24 differs"
    assert lines[8:] == [
        "cost unknown $0.50 differs",
        "totals not equal",
        "files 7 not the same: f0, f1, f2, f3, f4 and 2 more",
        "replies 2 of 24 to just the recorded request",
        f"divergence {DIVERGENCE.message}",
        "recorded one [red][31m",
        "replayed two",
    ]
    told = replay_json(replay)["replayed"]["divergence"]
    assert Divergence.model_validate(told) == DIVERGENCE


def test_a_replay_that_could_not_tell(
    run: Run, again: Run, make_console: MakeConsole, printed: Printed
) -> None:
    replay = Replay(original=run, run=again, replayed=None)
    assert not replay.is_faithful
    last = shown(replay, make_console, printed)[-1]
    assert last == "divergence unknown: the replay did not get as far as to say"
    assert replay_json(replay)["replayed"] is None


def test_costs_are_equal_but_for_rounding(run: Run, again: Run) -> None:
    def costing(this: Run, cost_usd: float) -> Run:
        return this.model_copy(update={"usage": this.usage.model_copy(update={"cost_usd": cost_usd})})

    sums = sum([0.1] * 3), 0.3
    assert sums[0] != sums[1]
    replay = Replay(original=costing(run, sums[0]), run=costing(again, sums[1]), replayed=None)
    assert replay.differing_meters == ()


def test_lists_and_sheets_name_the_original(
    run: Run, again: Run, score: Score, make_console: MakeConsole, printed: Printed
) -> None:
    for render in (
        lambda console: run_table.render([(again, None)], console),
        lambda console: score_sheet.render(again, score, console),
    ):
        console = make_console(width=120)
        render(console)
        assert f"replay of {run.id}" in printed(console)
    assert run_json(again, None)["replay_of"] == run.id
    assert run_json(run, None)["replay_of"] is None
