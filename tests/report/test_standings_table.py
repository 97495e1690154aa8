from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from runner.core.comparison import Recommendation
from runner.report.figures import chance, points, signed
from runner.report.recommendation_sheet import render as render_recommendation
from runner.report.site.entries import Standing
from runner.report.standings_table import render

MakeConsole = Callable[..., Console]
Printed = Callable[[Console], str]
EVIL = "lab/\x1b[2J[red]m\u202egnp" + "x" * 60


def standing(model: str = "lab/model") -> Standing:
    return Standing(
        scope="chat",
        model=model,
        agent="bash",
        trials=5,
        scored=3,
        mean=71.04,
        low=60.25,
        high=81,
        rank_low=1,
        rank_high=2,
        tier=None,
        tier_odds={"A": 1 / 3, "B": 1 / 3, "C": 0},
        cost_usd=None,
        wall_s=None,
        why_not="none above half",
        coverage="3 of 5 scored, 2 infra",
        more={"Cost per shipped app": "$4.00"},
    )


def test_coverage_ties_and_what_is_unknown_stand_beside_the_mean(
    make_console: MakeConsole, printed: Printed
) -> None:
    console = make_console(width=100)
    render([standing()], console, details=True)
    shown = " ".join(printed(console).split())
    for words in ("1-2", "71.0", "[60.2, 81.0]", "A33 B33 ", "3 of 5 scored, 2 infra", "unknown", "$4.00"):
        assert words in shown
    assert "No tier none above half" in shown
    assert "C0" not in shown


def test_hostile_names_drive_no_terminal_and_fit(make_console: MakeConsole, printed: Printed) -> None:
    console = make_console(encoding="ascii")
    render([standing(EVIL)], console, details=True)
    fields = {"shape": {"a": "b"}, "tasks": ("chat",), "exact": True, "model": EVIL, "agent": "bash"}
    told = {"firm": False, "reasons": ("because",), "doubts": (EVIL,)}
    render_recommendation(Recommendation.model_validate(fields | told), console)
    shown = printed(console)
    assert "\x1b" not in shown
    assert "[red]" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_figures() -> None:
    assert (points((70.04, 70.04)), points((56, 68.25))) == ("70", "56-68.2")
    assert (signed((-0.01, -0.01)), signed((-1, 4))) == ("+0", "-1 to +4")
    assert (chance(None), chance((-1.0, 2.25))) == ("one pair", "[-1.0, +2.2]")
