"""A turn of a conversation as a person takes it in the browser: type, send, wait for the reply."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from runner.probes.kit.lab.browser import Sent, Sight, Visitor
from runner.probes.kit.lab.inside.slowness import slowness

PATIENCE_S = 10.0
UNASKED_S = 3.5
_SLICE_S, _SETTLE_S, _BUSY_S, _FAILED_S = 0.5, 0.25, 1.5, 1.0


@dataclass(frozen=True)
class Turn:
    """One turn: what the visitor types, a word of it, and a word that only its reply holds."""

    text: str
    key: str
    nonce: str

    @property
    def reply(self) -> str:
        """What the provider says."""
        return f"The code word for this is {self.nonce} and nothing else."


QUESTIONS = (
    "What is the colour of item {}?",
    "And what is the size of item {}?",
    "Which of them weighs as much as item {}?",
    "Who made item {}?",
    "When was item {} sold?",
    "Where is item {} now?",
)


def new_turn(question: str) -> Turn:
    """A turn with words that no page has by chance; `question` has a place for one."""
    key = f"k{secrets.token_hex(3)}"
    return Turn(question.format(key), key, f"zq{secrets.token_hex(5)}")


def new_turns(count: int) -> list[Turn]:
    """So many turns, each with a question of its own."""
    return [new_turn(QUESTIONS[place % len(QUESTIONS)]) for place in range(count)]


@dataclass(frozen=True)
class Taken:
    """What a turn came to. `shown` is `page` (it appeared), `reload` (only on the page loaded anew) or empty.

    `status` is what the request with the text was answered with, 0 for nothing. `asked` tells whether the
    provider was. `loads` counts the documents loaded on the way to the reply: 0 is a change in place.
    """

    turn: Turn
    sent: Sent
    status: int = 0
    asked: bool = False
    shown: str = ""
    wall_s: float = 0.0
    loads: int = 0
    sight: Sight = field(default_factory=Sight)

    @property
    def how(self) -> str:
        """How the reply came: `in place`, by `loads` of documents, only after a `reload`, or not at all."""
        return ("loads" if self.loads else "in place") if self.shown == "page" else self.shown


async def take_turn(
    visitor: Visitor,
    requests: Callable[[], int],
    turn: Turn,
    by: str = "any",
    patience_s: float = PATIENCE_S,
) -> Taken:
    """Send a message and wait for its reply; `requests` tells how many the provider got so far.

    Where the provider is not asked, or the app answers with an error, the wait is short.
    """
    before, started = requests(), time.monotonic()
    sent = await visitor.send(turn.text, key=turn.key, by=by, words=[turn.nonce])
    if not sent.by and requests() == before:
        return Taken(turn, sent, sight=sent.sight)
    while True:
        sight = await visitor.look([turn.nonce], _SLICE_S)
        waited, asked = (time.monotonic() - started) / slowness(), requests() > before
        status = await visitor.status(sent.since, turn.key)
        if turn.nonce in sight.seen or waited > patience_s:
            break
        if not asked and waited > UNASKED_S and (status or not sight.busy):
            break
        if status >= 400 and waited > _FAILED_S:
            break
    shown = "page" if turn.nonce in sight.seen else ""
    loads = sight.loads - sent.loads
    if not shown and 0 < status < 400:
        sight = await visitor.reload([turn.nonce], patience_s=1)
        shown = "reload" if turn.nonce in sight.seen else ""
    elif shown:
        sight = await settled(visitor)
    wall_s = round(time.monotonic() - started, 3)
    return Taken(turn, sent, status, asked, shown, wall_s, loads, sight)


async def settled(visitor: Visitor) -> Sight:
    """The page when what is still coming has come: a reply is often kept only after its end."""
    deadline = time.monotonic() + _BUSY_S * slowness()
    while True:
        await asyncio.sleep(_SETTLE_S * slowness())
        sight = await visitor.look()
        if not sight.busy or time.monotonic() > deadline:
            return sight
