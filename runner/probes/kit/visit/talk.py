"""Turns in a browser against a provider that may fail, and what a person sees of them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from runner.probes.kit.lab.browser import Sight, Visitor
from runner.probes.kit.lab.inside.slowness import slowness
from runner.probes.kit.lab.lab import Lab
from runner.probes.kit.lab.stub import Act, Request
from runner.probes.kit.visit.turns import Turn

PATIENCE_S = 10.0
FAILING_S = 15.0
UNASKED_S = 4.0
_STEP_S, _SETTLE_S = 0.25, 0.4

SORRY = re.compile(
    r"sorry|error|fail|wrong|unavailable|try(?:ing)? again|retry|could ?n[o']t|cannot|can't|problem|unable|"
    r"invalid|unauthori|denied|refused|time[d -]*out|interrupted|incomplete|limit|oops|⚠|credential|"
    r"api[ _-]?key|not (?:be )?(?:reach|respond|available)",
    re.I,
)
TRACE = re.compile(
    r"\.(?:rb|erb):\d+:in [`']|Extracted source \(around|Application Trace|"
    r"Traceback \(most recent call last\)|^\s+at .+\.[cm]?js:\d+:\d+|\b[A-Z]\w+::\w*Error\b",
    re.M,
)
ERROR_PAGE = re.compile(
    r"We're sorry, but something went wrong|Internal Server Error|Action Controller: Exception caught|"
    r"\b500\b.{0,20}error",
    re.I,
)


@dataclass(frozen=True)
class Came:
    """What a line came to: before and after as the visitor sees it, how the app answered, what was asked."""

    line: Turn
    before: Sight
    after: Sight
    sent: bool
    status: int
    asked: bool
    shown: bool = False

    @property
    def news(self) -> list[str]:
        """New lines of the page's text, without what the visitor typed."""
        old = set(_lines(self.before.text))
        return [one for one in _lines(self.after.text) if one not in old and self.line.key not in one]

    @property
    def message(self) -> str:
        """A new line that says that something went wrong; empty if there is none."""
        return next((one[:200] for one in self.news if SORRY.search(one)), "")


@dataclass
class Talk:
    """A visitor of an app in the lab."""

    lab: Lab
    visitor: Visitor
    before: Sight = field(default_factory=Sight)

    async def arrive(self) -> Sight:
        """Open the app's page."""
        self.before = await self.visitor.open()
        return self.before

    async def come_back(self, *, anew: bool = False) -> Sight:
        """Open the page where the visitor was, or the app's first one; `anew` over connections of its own."""
        there = urlsplit(self.before.url)
        path = f"{there.path or '/'}{'?' if there.query else ''}{there.query}"
        self.before = await (self.visitor.again(path) if anew else self.visitor.open(path))
        return self.before if self.before.usable or path == "/" else await self.arrive()

    async def say(self, line: Turn) -> Came:
        """A turn that should succeed."""
        sent = await self.visitor.send(line.text, key=line.key, words=[line.nonce])
        status, started = 0, time.monotonic()
        sight = sent.sight
        while bool(sent.by) and line.nonce not in sight.seen:
            sight = await self.visitor.look([line.nonce], _STEP_S)
            status = await self.visitor.status(sent.since, line.key)
            waited = (time.monotonic() - started) / slowness()
            if waited > PATIENCE_S or (waited > UNASKED_S and not self._asked(line)):
                break
        if sent.by and line.nonce not in sight.seen:
            sight = await self.visitor.reload([line.nonce], patience_s=2)
        else:
            await asyncio.sleep(_SETTLE_S * slowness())
            sight = await self.visitor.look([line.nonce])
        return self._came(line, sight, bool(sent.by), status, shown=line.nonce in sight.seen)

    async def fail(self, line: Turn) -> Came:
        """A turn that cannot succeed: until the app has answered and nothing moves any more."""
        sent = await self.visitor.send(line.text, key=line.key)
        status, started, still = 0, time.monotonic(), 0
        sight = sent.sight
        while sent.by and (time.monotonic() - started) / slowness() < FAILING_S:
            await asyncio.sleep(_STEP_S * slowness())
            previous, sight = sight, await self.visitor.look()
            status = await self.visitor.status(sent.since, line.key)
            waited = (time.monotonic() - started) / slowness()
            over = self._answered(line) or waited > UNASKED_S
            still = still + 1 if over and status and not sight.busy and previous.text == sight.text else 0
            if still >= 3:
                break
        return self._came(line, sight, bool(sent.by), status)

    def _came(self, line: Turn, after: Sight, sent: bool, status: int, *, shown: bool = False) -> Came:
        came = Came(line, self.before, after, sent, status, self._asked(line), shown)
        self.before = after
        return came

    def requests(self, line: Turn) -> list[Request]:
        """The chat requests that carry a line."""
        return [chat for chat in self.lab.provider.chats if chat.carries(line.key)]

    def _asked(self, line: Turn) -> bool:
        return bool(self.requests(line))

    def _answered(self, line: Turn) -> bool:
        asked = self.requests(line)
        return bool(asked) and all(request.number in self.lab.provider.answers for request in asked)


def fails_with(line: Turn, act: Act) -> tuple[str, tuple[Act, ...]]:
    """For a scenario: whatever the app asks with this line comes to this."""
    return line.key, (act,)


def _lines(text: str) -> list[str]:
    return [one for raw in text.splitlines() if (one := " ".join(raw.split()))]


def carried(request: Request, lines: Sequence[Turn]) -> list[Turn]:
    """The lines of which a request carries the visitor's words."""
    return [line for line in lines if request.carries(line.key)]
