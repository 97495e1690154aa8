"""How text and numbers are shown. Texts of a produced repository are hostile until they were cleaned."""

from __future__ import annotations

import unicodedata

from rich.console import Console
from rich.text import Text

from runner.core.records import Usage

MAX_CHARACTERS = 600

# Control, format (bidirectional overrides, zero width) and surrogate characters can drive a terminal or lie
# about what is there.
_REMOVED = {"Cc", "Cf", "Cs"}


def clean(text: str, limit: int = MAX_CHARACTERS) -> str:
    """One line of at most `limit` printable characters: nothing in it can drive a terminal."""
    line = " ".join(text[: 10 * limit].split())
    shown = "".join(c for c in line if unicodedata.category(c) not in _REMOVED)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def printable(text: str, console: Console, style: str = "", limit: int = MAX_CHARACTERS) -> Text:
    """Cleaned text that rich prints as it is: `[...]` is no markup, and the console can encode it."""
    cleaned = clean(text, limit)
    if console.options.ascii_only:
        cleaned = cleaned.encode("ascii", "backslashreplace").decode("ascii")
    return Text(cleaned, style=style, overflow="fold")


def interval(low: float, high: float) -> str:
    """`68`, or `56-68` while something is undecided."""
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


def money(cost_usd: float | None) -> str:
    """`$0.42`; small costs get four decimals; an unknown one is never shown as 0."""
    if cost_usd is None:
        return "unknown"
    return f"${cost_usd:.4f}" if 0 < cost_usd < 0.1 else f"${cost_usd:,.2f}"


def duration(seconds: float) -> str:
    """`8.4 s`, `2 min 05 s` or `1 h 02 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def count(number: int | None) -> str:
    """`12,345`, or `unknown`."""
    return "unknown" if number is None else f"{number:,}"


def tokens(usage: Usage) -> str:
    """`120,345 in (80,000 cached), 12,000 out`."""
    cached = f" ({count(usage.cached_input_tokens)} cached)" if usage.cached_input_tokens != 0 else ""
    return f"{count(usage.input_tokens)} in{cached}, {count(usage.output_tokens)} out"
