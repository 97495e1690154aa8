"""What the running app bears: a restart, two workers, and a missing key. Tried in its production mode."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.probes.failed_turn import keep
from runner.probes.kit.lab.browser import Browser, BrowserError, NoBrowser, open_browser
from runner.probes.kit.lab.confirmed import ALONE, confirmed_in_part
from runner.probes.kit.lab.lab import Lab, RootPage, open_lab
from runner.probes.kit.lab.recipes import App, Start, find_app
from runner.probes.kit.lab.stub import Request, Scenario
from runner.probes.kit.lab.workers import busy, only, seconds_on_cpu
from runner.probes.kit.verdicts import Verdict, bad, good, moot, unclear
from runner.probes.kit.visit.talk import Came, Talk
from runner.probes.kit.visit.turns import Turn, new_turn

RESTART, WORKERS = "endurance.restart", "endurance.workers"
OPENS, SAYS = "endurance.opens_without_key", "endurance.says_key_missing"
NAMES_THE_KEY = re.compile(
    r"api[\s_-]*key|OPEN_?(?:ROUTER|AI)|ANTHROPIC|credential|not configured|configuration|set ?up|"
    r"missing (?:key|token)|\bkey is\b",
    re.I,
)
Verdicts = tuple[Verdict, Verdict, Verdict, Verdict]


@dataclass(frozen=True)
class Plan:
    """All that is said: before the restart, after it, to two workers, and without a key."""

    before: tuple[Turn, Turn]
    after: Turn
    many: tuple[Turn, ...]
    keyless: Turn

    def scenario(self) -> Scenario:
        """As the provider plays it."""
        lines = (*self.before, self.after, *self.many, self.keyless)
        return Scenario(tuple((line.key, line.reply) for line in lines))


def new_plan() -> Plan:
    """With words that no page has by chance."""
    before = new_turn("What is the colour of item {}?"), new_turn("And what is the size of item {}?")
    many = tuple(new_turn("Which shelf is item {} on?") for _ in range(3))
    return Plan(before, new_turn("Who made item {}?"), many, new_turn("When was item {} sold?"))


@dataclass
class Seen:
    """What came of it; what could not be tried stays None."""

    plan: Plan
    mode: str = ""
    before: list[Came] = field(default_factory=list)
    restarted: RootPage | None = None
    reopened: str = ""
    after: Came | None = None
    many: list[Came] = field(default_factory=list)
    busy: int = 0
    workers: int = 0
    keyless: RootPage | None = None
    keyless_text: str = ""
    keyless_turn: Came | None = None
    chats: list[Request] = field(default_factory=list)


class EnduranceProbe:
    """Three starts of one app: as usual, again with two workers, and without the provider's key."""

    id = "endurance"
    version = 3
    needs_lab = True
    checks: Mapping[str, str] = {
        RESTART: "the conversation survives a restart of the app",
        WORKERS: "the conversation is kept with requests spread over two workers",
        OPENS: "without the provider's key the page still opens",
        SAYS: "without the provider's key the page says that it is missing",
    }

    def __init__(self, tries: int = ALONE) -> None:
        self.tries = tries

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check; a failure is confirmed in a second, fresh app."""
        app = find_app(subject.tree)

        async def attempt(number: int, looked_at: Set[str]) -> list[Finding]:
            verdicts = (moot("there is no app"),) * 4
            if app:
                verdicts = await _endure(subject, app, number, looked_at)
            return [verdict.of(check) for check, verdict in zip(self.checks, verdicts, strict=True)]

        return await confirmed_in_part(attempt, self.checks, self.tries)


async def _endure(subject: Subject, app: App, number: int, looked_at: Set[str]) -> Verdicts:
    plan = new_plan()
    async with open_lab(subject, app, plan.scenario()) as lab:
        installed = await lab.install()
        if not installed.ok:
            return (moot("the app cannot be started"),) * 4
        try:
            async with open_browser(lab.helper, app.recipe.port) as browser:
                seen = await _starts(lab, browser, plan, looked_at)
        except NoBrowser as missing:
            return (unclear(f"needs a real browser: {missing}"),) * 4
        except BrowserError as error:
            return (unclear(f"the browser and the page came to nothing: {error}"),) * 4
        finally:
            keep(subject, lab, f"endurance-{number}")
        one, two, three, four = (installed.fair(verdict) for verdict in judged(seen))
        return one, two, three, four


async def _starts(lab: Lab, browser: Browser, plan: Plan, looked_at: Set[str]) -> Seen:
    """As many starts as these checks need."""
    seen, kept = Seen(plan), bool(looked_at & {RESTART, WORKERS})
    talk = Talk(lab, browser.visitor("anna"))
    for mode in ("production", "development"):
        async with lab.running(start=Start(mode)) as page:
            if 200 <= page.status < 300:
                seen.mode = mode
                if kept:
                    await _before(talk, seen)
                break
    if seen.mode and kept:
        async with lab.running(start=Start(seen.mode, workers=2)) as page:
            seen.restarted = page
            if page.is_ready:
                await _after(talk, seen)
                if WORKERS in looked_at:
                    await _spread(lab, Talk(lab, browser.visitor("carl")), seen)
    if seen.mode and looked_at & {OPENS, SAYS}:
        async with lab.running(start=Start(seen.mode, keyless=True)) as page:
            seen.keyless = page
            if page.is_ready:
                await _keyless(Talk(lab, browser.visitor("ben")), seen)
    seen.chats = lab.provider.chats
    return seen


async def _before(talk: Talk, seen: Seen) -> None:
    await talk.arrive()
    for line in seen.plan.before:
        seen.before.append(await talk.say(line))
        if not seen.before[-1].shown:
            break


async def _after(talk: Talk, seen: Seen) -> None:
    """The old visitor comes back."""
    seen.reopened = (await talk.come_back()).text
    if talk.before.usable:
        seen.after = await talk.say(seen.plan.after)


async def _spread(lab: Lab, talk: Talk, seen: Seen) -> None:
    """Another visitor talks to the workers in turn: the first two, and back to the first."""
    spent = await seconds_on_cpu(lab)
    seen.workers, pair = len(spent), sorted(spent)[:2]
    if len(pair) < 2:
        return
    for place, line in enumerate(seen.plan.many):
        async with only(lab, pair[place % 2], spent):
            await (talk.come_back(anew=True) if place else talk.arrive())
            seen.many.append(await talk.say(line))
    seen.busy = busy(spent, await seconds_on_cpu(lab))


async def _keyless(talk: Talk, seen: Seen) -> None:
    sight = await talk.arrive()
    seen.keyless_text = sight.text
    if sight.usable and not NAMES_THE_KEY.search(sight.text):
        seen.keyless_turn = await talk.fail(seen.plan.keyless)


def judged(seen: Seen) -> Verdicts:
    """What was seen of it: pure, from the wire and the pages."""
    if not seen.mode:
        nothing = moot("the app does not start")
        return nothing, nothing, nothing, nothing
    return _restart(seen), _workers(seen), _opens(seen), _says(seen)


def _restart(seen: Seen) -> Verdict:
    one, two = (*(came.line for came in seen.before if came.shown), None, None)[:2]
    if one is None or two is None or not _carried(seen.chats, two, [one]):
        return moot("no conversation came about that a restart could end")
    if seen.restarted is None or not seen.restarted.is_ready:
        return unclear("the app did not start again with two workers")
    old = [came.line for came in seen.before]
    if all(line.nonce in seen.reopened for line in old):
        return good("after a restart the page shows the conversation", mode=seen.mode)
    if seen.after is not None and _carried(seen.chats, seen.after.line, old[-1:]):
        return good("after a restart the next request carries the conversation", mode=seen.mode)
    return bad(
        "after a restart the conversation is gone, from the page and from the next request", mode=seen.mode
    )


def _workers(seen: Seen) -> Verdict:
    if seen.restarted is None or not seen.restarted.is_ready:
        return moot("the app does not serve with two workers")
    if seen.workers < 2:
        return moot("with WEB_CONCURRENCY=2 the server stays one process")
    lines = seen.plan.many
    asked = [line for line in lines if any(chat.carries(line.key) for chat in seen.chats)]
    if not asked and not any(came.shown for came in seen.before):
        return moot("no conversation comes about that two workers could lose")
    if len(asked) < 3:
        return unclear("no longer conversation came about with two workers")
    pairs = list(itertools.pairwise(asked))
    lost = [later for earlier, later in pairs if not _carried(seen.chats, later, [earlier])]
    told = f"{len(pairs) - len(lost)} of {len(pairs)} later requests carry the turn before, with two workers"
    if lost:
        return bad(told, turns=len(asked), busy_workers=seen.busy, mode=seen.mode)
    if seen.busy < 2:
        return unclear("all requests came to the same worker")
    return good(told, turns=len(asked), busy_workers=seen.busy, mode=seen.mode)


def _carried(chats: Sequence[Request], later: Turn, earlier: Sequence[Turn]) -> bool:
    """Whether a request with the later line also has the earlier ones and their replies."""
    words = [word for line in earlier for word in (line.key, line.nonce)]
    return any(chat.carries(later.key) and all(map(chat.carries, words)) for chat in chats)


def _opens(seen: Seen) -> Verdict:
    page = seen.keyless
    if page is not None and 200 <= page.status < 400:
        return good(f"without a key GET / answers {page.status}")
    if page is None or page.died:
        return bad("without a key the app does not start")
    return bad(f"without a key GET / answers {page.status or 'nothing'}")


def _says(seen: Seen) -> Verdict:
    if seen.keyless is None or not seen.keyless.is_ready:
        return moot("without a key no page opens")
    if found := NAMES_THE_KEY.search(seen.keyless_text):
        return good(f"the page says so: {found[0]}")
    turn = seen.keyless_turn
    if turn is None:
        return bad("the page can be opened and says nothing of a missing key")
    named = [one for one in turn.news if NAMES_THE_KEY.search(one)]
    if named and turn.status < 500:
        return good(f"a message is answered with: {named[0][:200]}")
    return bad(
        f"a message is answered with: {' '.join(turn.news)[:200] or 'nothing'}", http_status=turn.status
    )


PROBE = EnduranceProbe()
