"""The score sheet in 80 columns, with and without colour, and of a repository that attacks the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import Console

from runner.core.records import Disagreement, Location, Run, Score
from runner.report import score_sheet

MakeConsole = Callable[..., Console]
Printed = Callable[[Console], str]


@pytest.fixture
def sheet(make_console: MakeConsole, printed: Printed) -> Callable[..., str]:
    def render(run: Run, score: Score | None, **settings: object) -> str:
        console = make_console(**settings)
        score_sheet.render(run, score, console)
        return printed(console)

    return render


def squeezed(text: str) -> list[str]:
    """Lines with single spaces."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_header(run: Run, score: Score, sheet: Callable[..., str]) -> None:
    assert squeezed(sheet(run, score))[:6] == [
        run.id,
        "model demo/b status completed",
        "agent bash 1 rubric rails_chat@2",
        "task rails_chat cost unknown",
        "epoch 1 time 1 min 24 s",
        "usage 23 requests, 120,345 in (80,000 cached), 12,001 out tokens",
    ]


def test_grade_and_bars(run: Run, score: Score, sheet: Callable[..., str]) -> None:
    text = sheet(run, score)
    assert "TIER UNDECIDED   59-68 of 100 points" in text
    assert f"Deliverable completeness  {'█' * 22}{'░' * 3}  55 / 60" in text
    assert f"Error handling            {'█' * 3}{'▒' * 5}{'░' * 17}  5-13 / 40" in text
    named = score.model_copy(update={"tier": "B", "low": 68})
    assert "TIER B   68 of 100 points" in sheet(run, named)


def test_each_lost_point_has_reason_finding_place_and_source(
    run: Run, score: Score, sheet: Callable[..., str]
) -> None:
    lines = squeezed(sheet(run, score))
    start = lines.index("-27 Everything is caught alike.")
    assert lines[start : start + 7] == [
        "-27 Everything is caught alike.",
        "rescues StandardError [error_handling.typed]",
        "app/services/chat_turn.rb:12",
        "rescue StandardError => e",
        "could not be decided:",
        "-8? The suite does not load.",
        "a gem could not be had [suite.loads]",
    ]
    assert "-5 No compose file." in lines
    assert "none of compose.yaml, compose.yml, ... is there [deliverables.compose]" in lines
    start = lines.index("Ceilings of the total (? could not be decided)")
    assert lines[start + 1] == "-1? It does not start."


def test_a_dimension_that_lost_nothing_has_only_its_bar(
    run: Run, score: Score, sheet: Callable[..., str]
) -> None:
    whole = score.dimensions[0].model_copy(update={"low": 60.0, "high": 60.0, "applied": ()})
    text = sheet(run, score.model_copy(update={"dimensions": (whole,), "ceilings": ()}))
    assert text.count("Deliverable completeness") == 1
    assert f"{'█' * 25}  60 / 60" in text
    assert "Ceilings" not in text


@pytest.mark.parametrize(
    ("low", "high", "bar"),
    [
        (60, 60, "█" * 25),
        (59.9, 59.9, "█" * 24 + "░"),
        (59.9, 60, "█" * 24 + "▒"),
        (0, 0.1, "▒" + "░" * 24),
        (55.2, 57, "█" * 22 + "▒" + "░" * 2),
        (0, 60, "▒" * 25),
        (0, 0, "░" * 25),
    ],
)
def test_bars_show_the_smallest_loss_and_doubt(
    run: Run, score: Score, sheet: Callable[..., str], low: float, high: float, bar: str
) -> None:
    dimension = score.dimensions[0].model_copy(update={"low": low, "high": high})
    assert f" {bar} " in sheet(run, score.model_copy(update={"dimensions": (dimension,)}))


def test_what_took_nothing_any_more_is_listed_as_zero(
    run: Run, score: Score, sheet: Callable[..., str]
) -> None:
    spent = score.dimensions[0].applied[0].model_copy(update={"points": 0.0})
    dimension = score.dimensions[0].model_copy(update={"applied": (spent,)})
    lines = squeezed(sheet(run, score.model_copy(update={"dimensions": (dimension,)})))
    assert "0 No compose file." in lines


def test_many_places_are_cut(run: Run, score: Score, sheet: Callable[..., str]) -> None:
    applied = score.dimensions[1].applied[0]
    places = tuple(Location(path=f"app/f{n}.rb", line=n) for n in range(1, 13))
    finding = applied.findings[0].model_copy(update={"locations": places})
    dimension = score.dimensions[1].model_copy(
        update={"applied": (applied.model_copy(update={"findings": (finding,)}),)}
    )
    text = sheet(run, score.model_copy(update={"dimensions": (dimension,)}))
    assert "app/f5.rb:5" in text
    assert "app/f6.rb:6" not in text
    assert "and 7 more places" in text


def test_failed_and_unscored_runs(failed_run: Run, score: Score, sheet: Callable[..., str]) -> None:
    failure = "The run failed. Cause: infra (upstream). the provider answered 503"
    assert failure in sheet(failed_run, score)
    unscored = sheet(failed_run, None)
    assert failure in unscored
    assert "This run has not been scored." in unscored
    assert "rubric  none" in unscored


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_console(
    run: Run, score: Score, hostile_score: Score, sheet: Callable[..., str], width: int
) -> None:
    for each in (score, hostile_score):
        assert max(cell_len(line) for line in sheet(run, each, width=width).splitlines()) <= width


def test_without_colour_nothing_but_text_is_printed(
    run: Run, score: Score, sheet: Callable[..., str]
) -> None:
    assert "\x1b" not in sheet(run, score)
    assert "\x1b[" in sheet(run, score, colour=True)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_console_that_cannot_draw_gets_ascii(
    run: Run, score: Score, hostile_score: Score, sheet: Callable[..., str], encoding: str
) -> None:
    text = sheet(run, score, encoding=encoding)
    assert f"{'#' * 3}{'?' * 5}{'.' * 17}" in text
    place = Location(path="app/ü.rb", line=1, text="puts '→' " * 40)
    applied = hostile_score.dimensions[0].applied[0]
    finding = applied.findings[0].model_copy(update={"locations": (place,)})
    dimension = hostile_score.dimensions[0].model_copy(
        update={"applied": (applied.model_copy(update={"findings": (finding,)}),)}
    )
    text = sheet(run, hostile_score.model_copy(update={"dimensions": (dimension,)}), encoding=encoding)
    assert r"app/\xfc.rb:1" in text
    assert text.isascii()


def test_hostile_text_reaches_the_terminal_as_text(
    run: Run, hostile_score: Score, sheet: Callable[..., str]
) -> None:
    text = sheet(run, hostile_score, width=120)
    assert {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs")} == {"\n"}
    lines = squeezed(text)
    assert "line one line [1;31mtwo [link=http://evil]here[/link] [x.y]" in lines
    assert "app/[2J[red]gnp.rb:3" in lines
    source = next(line for line in lines if line.startswith("puts"))
    assert source.startswith("puts ']0;owned' 31m # [bold]hi[/bold] [/] :smile: xxx")
    assert source.endswith("…")


def test_hostile_text_brings_no_escape_of_its_own_into_colour(
    run: Run, hostile_score: Score, sheet: Callable[..., str]
) -> None:
    text = sheet(run, hostile_score, colour=True)
    for attack in ("\x1b[2J", "\x1b]", "\x1b[1;31mtwo", "\x9b", "\x07", "\u202e", "\x1b]8;"):
        assert attack not in text


def test_a_hostile_failure_message_is_cleaned(failed_run: Run, sheet: Callable[..., str]) -> None:
    assert failed_run.failure is not None
    failure = failed_run.failure.model_copy(update={"message": "[red]\x1b[2Jgone[/red] " + "y" * 10_000})
    text = sheet(failed_run.model_copy(update={"failure": failure}), None)
    assert "[red][2Jgone[/red] yyy" in " ".join(squeezed(text))
    assert "\x1b" not in text
    assert text.count("y") < 700


def test_disagreements_are_shown_with_both_figures(run: Run, score: Score, sheet: Callable[..., str]) -> None:
    found = (
        Disagreement(phase="build", meter="input_tokens", source="agent", ledger=120_345, other=80_000),
        Disagreement(phase="build", meter="cost_usd", source="provider", ledger=0.5, other=0.25),
    )
    text = " ".join(sheet(run.model_copy(update={"disagreements": found}), score).split())
    assert "input_tokens of phase build: 120,345 in the ledger, the agent's own log says 80,000" in text
    assert "cost_usd of phase build: $0.50 in the ledger, our prices give $0.25" in text
    assert "in the ledger" not in sheet(run, score)


@pytest.mark.parametrize(
    ("stopped_by", "told"),
    [("done", None), ("budget", "ended by: budget."), ("wall_time", "ended by: wall time.")],
)
def test_what_ended_a_phase_is_told_unless_it_ended_by_itself(
    run: Run, score: Score, sheet: Callable[..., str], stopped_by: str, told: str | None
) -> None:
    phases = (run.phases[0].model_copy(update={"stopped_by": stopped_by}),)
    text = sheet(run.model_copy(update={"phases": phases}), score)
    assert (f"Phase build was {told}" in text) if told else ("was ended by" not in text)
