"""A long visit to a running app: two visitors, a conversation, and what a page must bear."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from runner.probes.kit.lab.browser import Browser, Report, Sent, Sight, Visitor
from runner.probes.kit.lab.inside.slowness import slowness
from runner.probes.kit.lab.stub import Provider, Scenario
from runner.probes.kit.visit.keeper import Keeper
from runner.probes.kit.visit.turns import Taken, Turn, new_turns, settled, take_turn

PACE_S = 0.08  # between two words
SLOW_WORDS = 8
SLOW_S = PACE_S * SLOW_WORDS * 3
LONG = 60_000
_EMPTY_S, _RUN_S = 0.8, 0.4


@dataclass(frozen=True)
class Script:
    """Everything that is said in a visit. `slow` has its reply come word by word, `words` are those words."""

    talk: tuple[Turn, Turn, Turn]
    slow: Turn
    words: tuple[str, ...]
    markup: Turn
    stranger: Turn
    after_long: Turn

    def scenario(self) -> Scenario:
        """As the provider plays it."""
        plain = (*self.talk, self.stranger, self.after_long)
        replies = [(turn.key, turn.reply) for turn in plain]
        replies += [(self.slow.key, slow_reply(self.words)), (self.markup.key, marked("reply", self.markup))]
        return Scenario(replies=tuple(replies), pauses=((self.slow.key, PACE_S),))


def new_script() -> Script:
    """With words that no page has by chance."""
    one, two, three, slow, markup, stranger, after = new_turns(7)
    words = tuple(f"{slow.nonce}n{place}x" for place in range(SLOW_WORDS))
    typed = Turn(f"Say {markup.key} {markup_of('text')}", markup.key, markup.nonce)
    return Script((one, two, three), slow, words, typed, stranger, after)


def slow_reply(words: tuple[str, ...]) -> str:
    """A reply in which the words stand far enough apart to come in pieces of their own."""
    return " ".join(f"{word} and then" for word in words) + " over."


def markup_of(mark: str) -> str:
    """Markup that tells the lab when it runs."""
    return (
        f"<img src=x onerror=\"labRan('{mark}')\"><script>labRan('{mark}')</script>"
        f"<svg onload=\"labRan('{mark}')\"></svg>"
    )


def marked(mark: str, turn: Turn) -> str:
    """A reply with such markup."""
    return f"Here it is: {markup_of(mark)} and the code word is {turn.nonce} at last."


@dataclass
class Visit:
    """What was seen. Turns that were not taken are absent; `sends` has each way of sending that was tried."""

    script: Script
    first: Sight = field(default_factory=Sight)
    talk: list[Taken] = field(default_factory=list)
    sends: dict[str, Sent] = field(default_factory=dict)
    empty: tuple[Sight, int, int] | None = None  # with the requests to the provider and events before
    empty_asked: int = 0
    slow: Taken | None = None
    slow_seen: dict[str, float] = field(default_factory=dict)
    markup: Taken | None = None
    reloaded: Sight | None = None
    stranger_page: Sight = field(default_factory=Sight)
    stranger: Taken | None = None
    long: Sent | None = None
    after_long: Taken | None = None
    reports: dict[str, Report] = field(default_factory=dict)


class Guide:
    """Leads two visitors through an app, with an eye on what its provider is asked.

    `parts` (empty, talk, slow, markup, stranger) are taken beside a first turn; `talk` is two more of them.
    """

    def __init__(self, script: Script, provider: Provider, keeper: Keeper, parts: frozenset[str]) -> None:
        self.visit = Visit(script)
        self._parts = parts
        self._script = script
        self._provider = provider
        self._keeper = keeper

    def _requests(self) -> int:
        return len(self._provider.requests)

    async def lead(self, browser: Browser, needles: tuple[str, ...]) -> Visit:
        """All of it, or as far as the app plays along."""
        anna, ben = browser.visitor("anna", needles), browser.visitor("ben", needles)
        self.visit.first = await anna.open()
        await self._picture(anna, "empty")
        if self.visit.first.composer is not None:
            if "empty" in self._parts:
                await self._empty(anna)
            await self._talk(anna)
        if self.visit.talk and self.visit.talk[-1].shown:
            if "slow" in self._parts:
                await self._slow(anna)
            if "markup" in self._parts:
                await self._markup(anna)
            if "stranger" in self._parts:
                await self._stranger(ben)
                self.visit.reports["ben"] = await ben.report()
                await ben.leave()
        self.visit.reports["anna"] = await anna.report()
        await anna.leave()
        self._keeper.timeline(self.visit.reports, self._provider.requests)
        return self.visit

    async def _picture(self, visitor: Visitor, name: str, narrow: bool = False) -> None:
        await self._keeper.picture(visitor, name, narrow)

    async def _empty(self, anna: Visitor) -> None:
        """Sends nothing, both ways."""
        before = self._requests()
        for way in ("enter", "button"):
            sent = await anna.send("", by=way)
        await asyncio.sleep(_EMPTY_S * slowness())
        self.visit.empty = await anna.look(), before, sent.since
        self.visit.empty_asked = self._requests() - before
        if not self.visit.empty[0].usable:
            await anna.open()

    async def _talk(self, anna: Visitor) -> None:
        """Three turns, the first by Enter, the second by the button; whichever works where one does not."""
        ways = ("enter", "button", "any") if "talk" in self._parts else ("any",)
        for turn, way in zip(self._script.talk, ways, strict=False):
            taken = await take_turn(anna, self._requests, turn, by=way)
            if way != "any":
                self.visit.sends[way] = taken.sent
                if not taken.sent.by and not taken.asked:
                    taken = await take_turn(anna, self._requests, turn)
            self.visit.talk.append(taken)
            if not taken.shown:
                await self._picture(anna, "error")
                if way == "enter":  # what the button does is another question
                    other = self._script.talk[1]
                    self.visit.sends["button"] = await anna.send(other.text, key=other.key, by="button")
                return
        await self._picture(anna, "conversation")
        await self._picture(anna, "narrow", narrow=True)

    async def _slow(self, anna: Visitor) -> None:
        """A reply that takes its time; looked at in its middle."""
        turn, words = self._script.slow, self._script.words
        before = self._requests()
        sent = await anna.send(turn.text, key=turn.key, words=words)
        await anna.look(words[: SLOW_WORDS // 2], patience_s=6)
        await self._picture(anna, "streaming")
        sight = await anna.look(words, patience_s=6)
        shown = "page" if words[-1] in sight.seen else ""
        self.visit.slow = Taken(turn, sent, asked=self._requests() > before, shown=shown, sight=sight)
        self.visit.slow_seen = sight.seen
        await settled(anna)

    async def _markup(self, anna: Visitor) -> None:
        """Markup in a message and its reply, then everything loaded anew."""
        self.visit.markup = await take_turn(anna, self._requests, self._script.markup)
        await asyncio.sleep(_RUN_S * slowness())
        words = [taken.turn.nonce for taken in self.visit.talk]
        self.visit.reloaded = await anna.reload(words, patience_s=3)
        await asyncio.sleep(_RUN_S * slowness())

    async def _stranger(self, ben: Visitor) -> None:
        """Somebody else, who also sends far too much."""
        self.visit.stranger_page = await ben.open()
        self.visit.stranger = await take_turn(ben, self._requests, self._script.stranger)
        if not self.visit.stranger.shown:
            return
        long = "much " * (LONG // 5)
        self.visit.long = await ben.send(long.strip(), key="much much")
        await asyncio.sleep(_EMPTY_S * slowness())
        await self._picture(ben, "too-long")
        self.visit.after_long = await take_turn(ben, self._requests, self._script.after_long)
