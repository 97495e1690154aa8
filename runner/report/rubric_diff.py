"""The comparison of two rubrics in words: the same lines as text, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from runner.core.records import Condition
from runner.core.rubric_diff import Cause, Change, Move, Part, RankMove, RubricDiff, Weight, Why
from runner.report.rubric_sheet import condition_words
from runner.report.text import clean, interval

MOST_MOVES = 25
MOST_CAUSES = 5
MOST_RANKS = 25


@dataclass(frozen=True)
class Section:
    """A heading, and lines that may have lines below them."""

    title: str
    lines: tuple[tuple[str, tuple[str, ...]], ...]


def as_text(diff: RubricDiff) -> str:
    """For a terminal."""
    out = [_title(diff)]
    for section in _sections(diff):
        out += ["", section.title]
        for line, below in section.lines:
            out += [f"  {line}", *(f"      {each}" for each in below)]
    return "\n".join(out) + "\n"


def as_markdown(diff: RubricDiff) -> str:
    """For a pull request or a changelog."""
    out = [f"# {_markdown(_title(diff))}"]
    for section in _sections(diff):
        out += ["", f"## {section.title}", ""]
        for line, below in section.lines:
            out += [f"- {_markdown(line)}", *(f"  - {_markdown(each)}" for each in below)]
    return "\n".join(out) + "\n"


def as_html(diff: RubricDiff) -> str:
    """A page that needs nothing else."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    out = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        f"<title>{escape(_title(diff))}</title>",
        "<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;"
        "padding:0 1rem}li{margin:.3rem 0}</style></head><body><main>",
        f"<h1>{escape(_title(diff))}</h1>",
    ]
    for section in _sections(diff):
        out.append(f"<h2>{escape(section.title)}</h2>\n<ul>")
        for line, below in section.lines:
            nested = "".join(f"<li>{escape(each)}</li>" for each in below)
            out.append(f"<li>{escape(line)}{f'<ul>{nested}</ul>' if nested else ''}</li>")
        out.append("</ul>")
    return "\n".join([*out, "</main></body></html>"]) + "\n"


# --- words


def _title(diff: RubricDiff) -> str:
    return f"{diff.old.name} -> {diff.new.name}"


def _sections(diff: RubricDiff) -> Iterator[Section]:
    words = [(change_words(change), ()) for change in diff.changes]
    yield Section("What changed in the rubric", tuple(words) or (("nothing that moves a score", ()),))
    if not diff.moves and not diff.still:
        return
    crossings = [move for move in diff.moves if move.crossed]
    total = len(diff.moves) + diff.still
    counted = f"{len(diff.moves)} of {total} runs moved, {len(crossings)} into another tier"
    yield Section("Who moved", ((counted, ()), *_moves(crossings)) if crossings else ((counted, ()),))
    rest = [move for move in diff.moves if not move.crossed]
    if rest:
        yield Section("Who moved within a tier", _moves(rest))
    if diff.ranks:
        yield Section("Ranks of model and agent", tuple((line, ()) for line in _ranks(diff.ranks)))


def _moves(moves: list[Move]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    lines = [(move_words(move), _causes(move)) for move in moves[:MOST_MOVES]]
    hidden = len(moves) - MOST_MOVES
    return tuple(lines) + (((f"and {hidden} more; --format json has all", ()),) if hidden > 0 else ())


def _causes(move: Move) -> tuple[str, ...]:
    lines = [cause_words(cause) for cause in move.causes[:MOST_CAUSES]]
    hidden = len(move.causes) - MOST_CAUSES
    dimensions = ", ".join(
        f"{d.id} {_kept(d.old)} -> {_kept(d.new)}" for d in move.dimensions if d.old != d.new
    )
    more = [f"and {hidden} smaller ones"] if hidden > 0 else []
    mainly = reason_words(move)
    return (*([mainly] if mainly else []), *lines, *more, f"dimensions: {dimensions}")


def _kept(kept: tuple[float, float, float] | None) -> str:
    return "none" if kept is None else f"{interval(kept[1], kept[2])}/{kept[0]:g}"


def move_words(move: Move) -> str:
    """`<run>: 83 (A) -> 68 (B)`."""
    old, new = (f"{interval(s.low, s.high)} ({s.tier or 'no tier'})" for s in (move.old, move.new))
    return f"{move.run}: {old} -> {new}"


def reason_words(move: Move) -> str | None:
    """The one reason that did most in the direction of the move: a rule that came or went, something else
    that was found, or a dimension that counts for another number of points."""
    middle = (move.new.low + move.new.high - move.old.low - move.old.high) / 2
    rules = [c for c in move.causes if c.why in (Why.ADDED, Why.REMOVED, Why.FOUND)]
    reasons = [((c.shift_low + c.shift_high) / 2, cause_words(c)) for c in rules]
    reasons += [(w.shift, weight_words(w)) for w in move.weights]
    along = [(shift, words) for shift, words in reasons if shift * middle > 0]
    return f"mainly {max(along, key=lambda each: abs(each[0]))[1]}" if along else None


def weight_words(weight: Weight) -> str:
    """`+12.4: deliverables counts 25 points, not 10, and 82 % of it was kept`."""
    counts = f"{weight.dimension} counts {weight.new:g} points, not {weight.old:g}"
    return f"{weight.shift:+.4g}: {counts}, and {weight.share:.0%} of it was kept"


def cause_words(cause: Cause) -> str:
    """What a deduction did, in one sentence."""
    low, high = (f"{shift:+g}" for shift in (cause.shift_low, cause.shift_high))
    shift = high if low == high else f"{low} to {high}"
    if cause.why is Why.TOTAL:
        return f"{shift}: {cause.because}"
    where = f" ({cause.dimension})" if cause.dimension else " (ceiling of the total)"
    costs = {
        Why.ADDED: f"is new and takes {cause.takes:g}",
        Why.REMOVED: f"is gone; it took {cause.took:g}",
        Why.EDITED: f"took {cause.took:g}, takes {cause.takes:g} as it is written now",
        Why.FOUND: f"took {cause.took:g}, takes {cause.takes:g}: something else was found",
        Why.BESIDE: f"took {cause.took:g}, takes {cause.takes:g} beside the others",
    }
    if cause.took == cause.takes:  # only what may be lost differs
        costs[cause.why] = "is undecided"
    return f"{shift}: {cause.id}{where} {costs[cause.why]}. {clean(cause.because)}"


def change_words(change: Change) -> str:
    """What changed, in one sentence."""
    where = f" of {change.dimension}" if change.dimension else ""
    what = f"{change.part.value} {change.id}{where}"
    if change.old is None:
        return f"new {what}: {_fields_words(change.new)}" if change.field is None else _field(change, what)
    if change.new is None and change.field is None:
        return f"{what} is gone ({_fields_words(change.old)})"
    return _field(change, what)


def _field(change: Change, what: str) -> str:
    verbs = {
        "points": "is worth" if change.part is Part.DIMENSION else "costs",
        "when": "holds when",
        "group": "counts",
        "max": "caps at",
        "at_least": "begins at",
    }
    old, new = _value(change.field, change.old), _value(change.field, change.new)
    return f"{what} {verbs[change.field or '']} {new} (was: {old})"


def _fields_words(fields: dict[str, Any]) -> str:
    named = {
        "points": "{} points",
        "when": "when {}",
        "group": "{}",
        "max": "at most {}",
        "at_least": "from {}",
    }
    kept = {name: value for name, value in fields.items() if value is not None}
    return ", ".join(named[name].format(_value(name, value)) for name, value in kept.items())


def _value(field: str | None, value: Any) -> str:
    if isinstance(value, Condition):
        return condition_words(value)
    if field == "group":
        if value is None:
            return "alone"
        name, mode, most = value
        at_most = "" if most is None else f", at most {most:g}"
        return f"as the worst of {name}" if mode == "exclusive" else f"added up in {name}{at_most}"
    return f"{value:g}"


def _ranks(ranks: Sequence[RankMove]) -> Iterator[str]:
    """Those that surely moved, then those that moved within what chance leaves open."""
    sure = [rank for rank in ranks if rank.surely]
    if not sure:
        yield f"no rank moved by more than chance leaves open, of {len(ranks)}"
    within = [rank for rank in ranks if not rank.surely and rank.old_rank != rank.new_rank]
    for rank in [*sure, *within][:MOST_RANKS]:
        yield _rank_words(rank) + ("" if rank.surely else "; within chance")
    if (hidden := len(sure) + len(within) - MOST_RANKS) > 0:
        yield f"and {hidden} more; --format json has all"


def _places(rank: int, places: tuple[int, int] | None) -> str:
    """`2`, or `2 (1-4)` where chance leaves more."""
    return f"{rank}" if places is None or places == (rank, rank) else f"{rank} ({places[0]}-{places[1]})"


def _rank_words(rank: RankMove) -> str:
    model, agent = rank.contender
    moved = f"rank {_places(rank.old_rank, rank.old_places)} -> {_places(rank.new_rank, rank.new_places)}"
    means = f"mean {round(rank.old_mean, 2):g} -> {round(rank.new_mean, 2):g}"
    return f"{clean(model)} with {clean(agent)}: {moved}, {means} over {rank.runs} run{'s' * (rank.runs > 1)}"


def _markdown(line: str) -> str:
    """Ids and texts with their special characters escaped."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|~" else c for c in line)
