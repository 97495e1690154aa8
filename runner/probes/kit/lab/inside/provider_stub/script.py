"""What the provider says and does: a scenario, and the act that is next for a conversation."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PIECE, MOST_PIECES = 6, 2000
FAULTS = ("hang", "cut", "empty", "nonsense", "html", "no_stream")


@dataclass(frozen=True)
class Act:
    """What one request comes to.

    `say` is the text of the reply, `repeat` how often it is said; `pause_s` is the time between its words
    when it is streamed. `tool` calls the app's own tool of that name (`*`: the first that it offers),
    unless the conversation ends with a tool's result; without `arguments` they are made from its schema.
    `status` is an error of the provider. `fault` is one of FAULTS: no answer for `hang_s`, a stream or body
    that breaks off, a reply without content, a body that is no JSON, a page in place of one, or a whole
    answer where a stream was asked for.
    """

    say: str = ""
    repeat: int = 1
    pause_s: float = 0.0
    tool: str = ""
    arguments: dict[str, Any] | None = None
    status: int = 200
    fault: str = ""
    hang_s: float = 600.0

    @property
    def text(self) -> str:
        """The whole reply."""
        return self.say * self.repeat

    @property
    def kind(self) -> str:
        """A word for the record."""
        return self.fault or ("error" if self.status != 200 else "reply")


@dataclass(frozen=True)
class Call:
    """A call of one of the app's tools."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Said:
    """What an answer holds: text or calls, and the pieces in which it is streamed."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    by_words: bool = False
    asked: int = 0

    @property
    def tokens(self) -> int:
        """A stand-in for the number of tokens."""
        return len(self.text.split()) + 5 * len(self.calls)

    def pieces(self) -> Iterator[str]:
        """The text, a few characters or a word at a time."""
        if self.by_words:
            yield from self._words()
            return
        size = max(PIECE, len(self.text) // MOST_PIECES)
        for start in range(0, len(self.text), size):
            yield self.text[start : start + size]

    def _words(self) -> Iterator[str]:
        words = self.text.split(" ")
        for place, word in enumerate(words):
            yield word if place == len(words) - 1 else f"{word} "


@dataclass
class _Turn:
    to: str
    acts: tuple[Act, ...]


@dataclass
class Script:
    """A scenario, which may be switched while it plays; safe to use from many threads."""

    document: dict[str, Any]
    switched: int = 0
    _turns: list[_Turn] = field(default_factory=list)
    _otherwise: _Turn = field(default_factory=lambda: _Turn("", (Act(),)))
    _taken: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Read the document."""
        self._read(self.document)

    def _read(self, document: dict[str, Any]) -> None:
        turns = document.get("replies", [])
        self._turns = [_Turn(turn["to"], _acts(turn["acts"])) for turn in turns]
        self._otherwise = _Turn("", _acts(document.get("otherwise", [{}])))
        self._taken = Counter()

    def switch(self, document: dict[str, Any]) -> None:
        """From now on, this scenario."""
        with self._lock:
            self._read(document)
            self.switched += 1

    def act(self, conversation: str) -> Act:
        """The next act for what the user said last."""
        with self._lock:
            places = [(conversation.rfind(turn.to), turn) for turn in self._turns]
            place, turn = max(places, key=lambda pair: pair[0], default=(-1, self._otherwise))
            turn = turn if place >= 0 else self._otherwise
            count = self._taken[turn.to]
            self._taken[turn.to] += 1
            return turn.acts[min(count, len(turn.acts) - 1)]


def _acts(told: list[dict[str, Any]]) -> tuple[Act, ...]:
    return tuple(Act(**act) for act in told) or (Act(),)
