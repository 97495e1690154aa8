"""How contenders work, and what they are good at: two lines a contender, so that it fits in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.core.standings import Conduct, DimensionMean, Profile
from runner.report.text import interval, money, printable

WORK = (
    ("model", "agent"),
    ("shipped", "$ each"),
    ("pass@1-3 %", "pass^1-3 %"),
    ("request s", "turn s"),
    ("calls", "tokens"),
    ("fails", "of done"),
)
WORK_NOTES = (
    "Shipped: surely tier {tier}, and what each of those cost with all that went before it. pass@k: one of k "
    "trials reaches it, pass^k: all k do. Seconds are the median / the 95th percentile. Calls of tools and "
    "tokens (in + out) are of one run. Fails: called done, but its own tests, its start or its image fail."
)
DIMENSION_NOTES = (
    "Percent of each dimension's points on average, and half the width of the 95 % interval; one trial says "
    "nothing of spread."
)


def render_work(profiles: Sequence[Profile], console: Console) -> None:
    """Of one scope, in the order given."""
    table = _table(WORK)
    for each in profiles:
        table.add_row(*(_two_lines(*cell, console) for cell in _work(each)))
    console.print(table)
    if profiles:
        console.print(
            WORK_NOTES.format(tier=profiles[0].best_tier), style="dim", markup=False, highlight=False
        )


def render_dimensions(profiles: Sequence[Profile], console: Console) -> None:
    """Of one scope: a column a dimension, numbered, with a legend."""
    names = list(dict.fromkeys(name for each in profiles for name in each.dimensions))
    for number, name in enumerate(names, 1):
        console.print(printable(f"{number} {name.replace('_', ' ')}", console))
    table = _table((("model", "agent"), *((f"{number}", "") for number in range(1, len(names) + 1))))
    for each in profiles:
        cells = [_dimension(each.dimensions.get(name)) for name in names]
        table.add_row(*(_two_lines(*cell, console) for cell in ((each.model, each.agent), *cells)))
    console.print(table)
    console.print(DIMENSION_NOTES, style="dim", markup=False, highlight=False)


def _work(profile: Profile) -> Iterable[tuple[str, str]]:
    conduct = profile.conduct
    yield profile.model, profile.agent
    yield f"{conduct.shipped} of {conduct.metered}", _each(conduct)
    yield _odds(profile.pass_at), _odds(profile.pass_hat)
    yield (
        _seconds(conduct.request_p50_s, conduct.request_p95_s),
        _seconds(conduct.turn_p50_s, conduct.turn_p95_s),
    )
    yield _rounded(conduct.tool_calls), _tokens(conduct)
    yield _failed(conduct), f"{conduct.claimed_done}"


def _each(conduct: Conduct) -> str:
    return "none" if not conduct.shipped else money(conduct.cost_per_shipped_usd)


def _odds(by_k: dict[int, tuple[float, float]]) -> str:
    """`57 82 93`; what is undecided is a range."""
    shown = [interval(round(100 * low), round(100 * high)) for _, (low, high) in sorted(by_k.items())]
    return " ".join(shown) or "-"


def _seconds(median: float | None, slow: float | None) -> str:
    return "unknown" if median is None or slow is None else f"{median:.1f} / {slow:.1f}"


def _rounded(number: float | None) -> str:
    return "unknown" if number is None else f"{number:,.0f}"


def _tokens(conduct: Conduct) -> str:
    if conduct.input_tokens is None or conduct.output_tokens is None:
        return "unknown"
    return f"{_short(conduct.input_tokens)} + {_short(conduct.output_tokens)}"


def _short(number: float) -> str:
    """`940`, `12k`, `1.2M`."""
    if number < 1_000:
        return f"{number:.0f}"
    return f"{number / 1_000:.0f}k" if number < 999_500 else f"{number / 1_000_000:.1f}M"


def _failed(conduct: Conduct) -> str:
    return "-" if conduct.verification_failures is None else f"{conduct.verification_failures:.0%}"


def _dimension(mean: DimensionMean | None) -> tuple[str, str]:
    if mean is None:
        return "-", ""
    if mean.interval is None:
        return f"{mean.mean:.0f}", "n=1"
    low, high = mean.interval
    return f"{mean.mean:.0f}", f"±{(high - low) / 2:.0f}"


def _table(columns: Iterable[tuple[str, str]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for n, (upper, lower) in enumerate(columns):
        title = f"{upper}\n{lower}" if lower else upper
        table.add_column(title, justify="left" if n == 0 else "right", no_wrap=n > 0)
    return table


def _two_lines(upper: str, lower: str, console: Console) -> Text:
    return Text("\n", overflow="fold").join([printable(upper, console, "bold"), printable(lower, console)])
