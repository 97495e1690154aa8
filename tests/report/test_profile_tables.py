from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from runner.core.standings import Conduct, DimensionMean, Profile
from runner.core.variants import ORIGINAL, Reading, VariantMean, VariantSpread
from runner.report.profile_tables import render_dimensions, render_work
from runner.report.variant_sheet import render as render_variants

MakeConsole = Callable[..., Console]
Printed = Callable[[Console], str]
EVIL = "lab/\x1b[2J[red]m\u202egnp" + "x" * 60
UNKNOWN = Conduct(
    metered=0,
    input_tokens=None,
    output_tokens=None,
    cost_usd=None,
    wall_s=None,
    tool_calls=None,
    request_p50_s=None,
    request_p95_s=None,
    turn_p50_s=None,
    turn_p95_s=None,
    shipped=0,
    cost_per_shipped_usd=None,
    claimed_done=0,
    verification_failures=None,
    review_claims=0,
    over_claims=None,
    repairs=0,
    repair_gain=None,
)
KNOWN = UNKNOWN.model_copy(
    update={
        **{"metered": 5, "input_tokens": 1_234_567.0, "output_tokens": 940.0, "tool_calls": 41.6},
        **{"request_p50_s": 1.24, "request_p95_s": 4.5, "turn_p50_s": 3.0, "turn_p95_s": 9.05},
        **{"shipped": 2, "cost_per_shipped_usd": 4.5, "claimed_done": 4, "verification_failures": 0.25},
    }
)


def profile(model: str, conduct: Conduct) -> Profile:
    means = {f"dimension_{n}": DimensionMean(n=3, mean=71.4, interval=(60.0, 81.0)) for n in range(7)}
    return Profile(
        scope="chat",
        model=model,
        agent="bash",
        best_tier="A",
        pass_at={1: (0.4, 0.4), 2: (0.7, 0.9)},
        pass_hat={1: (0.4, 0.4), 2: (0.1, 0.1)},
        dimensions={**means, "last": DimensionMean(n=1, mean=50, interval=None)},
        conduct=conduct,
    )


def test_how_contenders_work(make_console: MakeConsole, printed: Printed) -> None:
    console = make_console()
    render_work([profile("lab/model", KNOWN), profile("lab/other", UNKNOWN)], console)
    shown = printed(console)
    upper, lower = shown.splitlines()[2:4]
    for words in ("lab/model", "2 of 5", "40 70-90", "1.2 / 4.5", "42", "25%"):
        assert words in upper
    for words in ("bash", "$4.50", "40 10", "3.0 / 9.1", "1.2M + 940", "4"):
        assert words in lower
    assert "none" in shown  # shipped nothing: no cost of one
    assert "unknown" in shown
    assert "surely tier A" in " ".join(shown.split())


def test_each_dimension_with_its_interval_and_one_trial_without(
    make_console: MakeConsole, printed: Printed
) -> None:
    console = make_console()
    render_dimensions([profile("lab/model", KNOWN)], console)
    shown = printed(console)
    assert "8 last" in shown
    assert shown.count("71") == 7
    assert shown.count("±10") + shown.count("±11") == 7
    assert "n=1" in shown


def spread(model: str, lead: float | None, reading: Reading) -> VariantSpread:
    means = [
        VariantMean(variant=name, n=3, mean=mean, low=mean, high=mean)
        for name, mean in ((ORIGINAL, 90.0), ("terse", 61.5))
    ]
    return VariantSpread(
        task="chat",
        model=model,
        agent="bash",
        variants=tuple(means),
        spread=28.5,
        p_spread=0.02,
        original_lead=lead,
        lead_interval=None if lead is None else (20.0, 35.0),
        p_lead=None if lead is None else 0.01,
        reading=reading,
    )


def test_wordings_in_words(make_console: MakeConsole, printed: Printed) -> None:
    console = make_console(width=200)
    render_variants(
        [spread("lab/model", 28.5, Reading.SUSPECT), spread("lab/b", None, Reading.STEADY)], console
    )
    shown = printed(console)
    assert "lab/model with bash, chat: original 90.0 (n = 3), terse 61.5 (n = 3)" in shown
    assert "original less the others +28.5 [+20.0, +35.0], p = 0.01" in shown
    assert "it may have seen the task before" in shown
    assert "spread 28.5 points, p = 0.02: noise explains the differences" in shown
    empty = make_console()
    render_variants([], empty)
    assert printed(empty) == ""


def test_hostile_names_drive_no_terminal_and_fit(make_console: MakeConsole, printed: Printed) -> None:
    console = make_console(encoding="ascii")
    render_work([profile(EVIL, KNOWN)], console)
    render_dimensions([profile(EVIL, KNOWN)], console)
    render_variants([spread(EVIL, 1.0, Reading.TOO_FEW)], console)
    shown = printed(console)
    assert "\x1b" not in shown
    assert "[red]" in shown
    assert max(map(len, shown.splitlines())) <= 80
