"""What a Ruby value is known to be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runner.probes.kit.ruby.classes import RubyClass


@dataclass(frozen=True)
class Kind:
    """What a value is.

    `name`: `RubyLLM`, `Chat`, `Chat.class` ..., `App` or `App.class` with `app` set, `Array` and `Proc` with
    what they hold or return in `of`, `String`, `Transcript` (a conversation as one text), `Hash`, `nil`,
    `Invented` (came out of a constant that does not exist), or the module of another vendor's gem.
    """

    name: str
    app: RubyClass | None = None
    of: Kind | None = None


NIL = Kind("nil")
INVENTED = Kind("Invented")
VENDORS = ("OpenRouter", "OpenAI", "Anthropic", "Langchain")


def joined(kinds: Iterable[Kind | None]) -> Kind | None:
    """The kind of a value that is one of these; nil besides something known does not count."""
    known: Kind | None = NIL
    for kind in kinds:
        if kind is None:
            return None
        if kind in (NIL, known):
            continue
        if known == NIL:
            known = kind
        elif known is not None and kind.name == known.name == "Array":
            known = Kind("Array", of=known.of if kind.of is None else kind.of if known.of is None else None)
        else:
            return None
    return known
