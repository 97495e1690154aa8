"""The sections of review and repair phases on a score sheet."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from runner.core.records import Calibration, Improvement, PhaseKind, Run, Score
from runner.report import score_sheet


@pytest.fixture
def sheet(
    run: Run, score: Score, make_console: Callable[..., Console], printed: Callable[[Console], str]
) -> Callable[..., str]:
    """The sheet, from its last ceiling on."""

    def render(
        calibration: Calibration | None = None, improvements: Any = (), of: Run = run, **settings: object
    ) -> str:
        console = make_console(**settings)
        score_sheet.render(of, score, console, calibration, improvements)
        return printed(console).partition("[boot.boots]")[2]

    return render


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_a_review_is_a_short_table(calibration: Calibration, sheet: Callable[..., str]) -> None:
    assert lines(sheet(calibration)) == [
        "Claims of SELF_REVIEW.md beside what was found",
        "goal claimed found so",
        "1. compose PASS fails OVER-CLAIM",
        "2. fast PARTIAL undecided undecided",
        "3. small - undecided no claim",
        "1 over-claim, 1 undecided, 1 no claim",
        "compose: PASS was claimed, but: there is no compose file [deliverables.compose]",
    ]


def test_a_missing_file_and_changed_files_are_said(
    calibration: Calibration, sheet: Callable[..., str]
) -> None:
    files = tuple(f"app/{n}.rb" for n in range(8))
    changed = calibration.model_copy(update={"file_found": False, "changed": files})
    text = " ".join(lines(sheet(changed)))
    assert "There is no SELF_REVIEW.md." in text
    assert "Phase review should only review, but it changed app/0.rb, app/1.rb," in text
    assert "app/4.rb and 3 more" in text


def test_a_repair_says_what_it_brought(improvement: Improvement, sheet: Callable[..., str]) -> None:
    assert lines(sheet(improvements=[improvement])) == [
        "Repair in phase repair (rails_chat@2)",
        "50-58 -> 70 points, gained +12 to +20",
        "told of: deliverables.compose, deliverables.readme",
        "fixed: deliverables.compose",
        "broken: none",
    ]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(5, 5, "+5"), (0, 0, "0"), (-3, -3, "-3"), (-3, 4, "-3 to +4"), (0, 2.5, "0 to +2.5")],
)
def test_gains_and_losses(
    improvement: Improvement, sheet: Callable[..., str], low: float, high: float, said: str
) -> None:
    each = improvement.model_copy(update={"gained_low": low, "gained_high": high})
    assert lines(sheet(improvements=[each]))[1].endswith(f"points, gained {said}")


def test_a_skipped_repair_is_said(run: Run, sheet: Callable[..., str]) -> None:
    skipped = run.phases[0].model_copy(
        update={"id": "repair", "kind": PhaseKind.REPAIR, "stopped_by": "nothing_to_repair"}
    )
    after = run.model_copy(update={"phases": (*run.phases, skipped)})
    assert lines(sheet(of=after)) == ["Phase repair was skipped: nothing had failed."]


def test_without_such_phases_there_is_nothing_more(sheet: Callable[..., str]) -> None:
    assert lines(sheet()) == []


@pytest.mark.parametrize(("width", "encoding"), [(40, "utf-8"), (80, "utf-8"), (80, "ascii")])
def test_hostile_text_stays_text_and_inside_the_console(
    calibration: Calibration, sheet: Callable[..., str], width: int, encoding: str
) -> None:
    bad = "x\x1b[2J[red]\u202e\n" + "y" * 3000
    finding = calibration.goals[0].findings[0].model_copy(update={"message": bad})
    goal = calibration.goals[0].model_copy(update={"findings": (finding,)})
    hostile = calibration.model_copy(update={"goals": (goal,), "changed": (bad,), "file": bad})
    text = sheet(hostile, width=width, encoding=encoding)
    assert {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs")} == {"\n"}
    assert max(cell_len(line) for line in text.splitlines()) <= width
