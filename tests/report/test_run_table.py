"""The table of runs."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len
from rich.console import Console

from runner.core.records import Run, Score, Usage
from runner.report import run_table

MakeConsole = Callable[..., Console]
Printed = Callable[[Console], str]


def test_scored_and_failed_runs_in_80_columns(
    run: Run, failed_run: Run, score: Score, make_console: MakeConsole, printed: Printed
) -> None:
    console = make_console()
    run_table.render([(run, score), (failed_run, None)], console)
    lines = [" ".join(line.split()) for line in printed(console).splitlines()]
    assert lines == [
        "run tier, score cost requests",
        "model, agent, task, epoch status time tokens",
        f"{run.id} ? 59-68 unknown 23",
        "demo/b, bash, rails_chat, 1 completed 1 min 24 s 132,346",
        f"{run.id} not scored unknown 23",
        "demo/b, bash, rails_chat, 1 failed (infra) 1 min 24 s 132,346",
    ]


def test_a_named_tier_and_known_or_unknown_numbers(
    run: Run, score: Score, make_console: MakeConsole, printed: Printed
) -> None:
    console = make_console()
    named = score.model_copy(update={"tier": "B", "low": 68.0})
    cheap = run.model_copy(update={"usage": Usage(requests=2, output_tokens=None, cost_usd=0.0042)})
    run_table.render([(cheap, named)], console)
    text = printed(console)
    assert "B 68 " in text
    assert "$0.0042" in text
    assert text.splitlines()[-1].endswith("unknown")


def test_long_and_hostile_names_fold_within_the_width(
    run: Run, make_console: MakeConsole, printed: Printed
) -> None:
    trial = run.trial.model_copy(update={"model": "openrouter/" + "very-long/" * 12 + "[red]\x1b[2Jx"})
    console = make_console()
    run_table.render([(run.model_copy(update={"trial": trial}), None)], console)
    text = printed(console)
    assert "\x1b" not in text
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert "not scored" in text
    first_column = "".join(line.split("  ")[0] for line in text.splitlines()[2:])
    assert "[red][2Jx, bash, rails_chat, 1" in first_column


def test_no_runs(make_console: MakeConsole, printed: Printed) -> None:
    console = make_console()
    run_table.render([], console)
    assert printed(console) == "There are no runs.\n"
