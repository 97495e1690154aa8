"""How the running app bears a provider that fails: seen in the page, and in what it asks afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.probes.kit.lab.browser import BrowserError, NoBrowser, open_browser
from runner.probes.kit.lab.confirmed import ALONE, confirmed
from runner.probes.kit.lab.lab import Lab, open_lab
from runner.probes.kit.lab.logs import Log
from runner.probes.kit.lab.recipes import App, find_app
from runner.probes.kit.lab.stub import Act, Provider, Request, Scenario
from runner.probes.kit.verdicts import Verdict, bad, good, moot, unclear
from runner.probes.kit.visit.talk import ERROR_PAGE, TRACE, Came, Talk, carried, fails_with
from runner.probes.kit.visit.turns import Turn, new_turn

MESSAGE, USABLE = "failed_turn.message", "failed_turn.usable"
NOT_REPLAYED, CLEAN = "failed_turn.not_replayed", "failed_turn.clean"
Verdicts = tuple[Verdict, Verdict, Verdict, Verdict]

# What goes wrong, by the name that findings use.
FAULTS = {
    "401": Act(status=401),
    "500": Act(status=500),
    "a reply that breaks off": Act("One two three four five six seven eight nine ten.", fault="cut"),
    "a page in place of JSON": Act("the proxy got no answer", fault="html"),
}


@dataclass(frozen=True)
class Fault:
    """One failed turn and the good one after it; `next` is None where the visitor could say no more."""

    name: str
    failed: Came
    next: Came | None


@dataclass(frozen=True)
class Seen:
    """A conversation with failures. `leaked` if anything that the app sent held the provider's key."""

    first: Came
    faults: tuple[Fault, ...]
    provider: Provider
    leaked: bool = False


class FailedTurnProbe:
    """Holds a conversation in a browser; after each good turn the provider fails in another way."""

    id = "failed_turn"
    version = 2
    needs_lab = True
    checks: Mapping[str, str] = {
        MESSAGE: "after a failed turn the page shows a message",
        USABLE: "after a failed turn the next one can be typed and is answered",
        NOT_REPLAYED: "what failed is not sent again with later turns",
        CLEAN: "a failed turn shows no error page, no stack trace and no key",
    }

    def __init__(self, tries: int = ALONE) -> None:
        self.tries = tries

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check; a failure is confirmed in a second, fresh app."""
        app = find_app(subject.tree)

        async def attempt(number: int) -> list[Finding]:
            verdicts = await _suffer(subject, app, number) if app else (moot("there is no app"),) * 4
            return [verdict.of(check) for check, verdict in zip(self.checks, verdicts, strict=True)]

        return await confirmed(attempt, self.tries)


async def _suffer(subject: Subject, app: App, number: int) -> Verdicts:
    first = new_turn("What is the colour of item {}?")
    failing = {name: new_turn("Which year is on item {}?") for name in FAULTS}
    after = {name: new_turn("And where is item {} now?") for name in FAULTS}
    scenario = Scenario(
        replies=tuple((line.key, line.reply) for line in (first, *after.values())),
        acts=tuple(fails_with(line, FAULTS[name]) for name, line in failing.items()),
    )
    async with open_lab(subject, app, scenario) as lab:
        installed = await lab.install()
        if not installed.ok:
            return (moot("the app cannot be started"),) * 4
        async with lab.running() as page:
            if not page.is_ready:
                return (moot("the app does not start"),) * 4
            try:
                seen = await _talk(lab, first, failing, after)
            except NoBrowser as missing:
                return (unclear(f"needs a real browser: {missing}"),) * 4
            except BrowserError as error:
                return (unclear(f"the browser and the page came to nothing: {error}"),) * 4
            finally:
                keep(subject, lab, f"failed_turn-{number}")
        first_, *rest = (installed.fair(verdict) for verdict in judged(seen))
        return first_, rest[0], rest[1], rest[2]


async def _talk(lab: Lab, first: Turn, failing: Mapping[str, Turn], after: Mapping[str, Turn]) -> Seen:
    async with open_browser(lab.helper, lab.app.recipe.port) as browser:
        keys = [lab.app.recipe.env[name] for name in lab.app.recipe.keys if name in lab.app.recipe.env]
        talk = Talk(lab, browser.visitor("visitor", needles=keys))
        await talk.arrive()
        begun = await talk.say(first)
        faults: list[Fault] = []
        for name, line in failing.items() if begun.shown else ():
            came = await talk.fail(line)
            then = await talk.say(after[name]) if came.after.usable else None
            faults.append(Fault(name, came, then))
            if then is None or not then.shown:
                await talk.arrive()  # as somebody would who sees no other way
        leaks = (await talk.visitor.report()).of("leak")
    return Seen(begun, tuple(faults), lab.provider, bool(leaks))


def keep(subject: Subject, lab: Lab, name: str) -> None:
    """The app's log and all that its provider was asked, among the artifacts."""
    lab.log.keep(subject.artifacts, f"{name}.log")
    wire = Log()
    wire.feed("\n".join(lab.provider.lines).encode())
    wire.keep(subject.artifacts, f"{name}.wire.jsonl")


def judged(seen: Seen) -> Verdicts:
    """What the conversation shows: pure, from the wire and the page."""
    if not seen.first.shown:
        nothing = moot("not even a turn that the provider answers comes about")
        return nothing, nothing, nothing, nothing
    reached = [fault for fault in seen.faults if fault.failed.asked]
    if not reached:
        lost = unclear("the turns that should fail did not reach the provider")
        return lost, lost, lost, lost
    return _message(reached), _usable(reached), _not_replayed(seen, reached), _clean(reached, seen.leaked)


def _message(faults: Sequence[Fault]) -> Verdict:
    pages = [fault for fault in faults if _is_error_page(fault.failed)]
    if pages:
        return bad(f"after {pages[0].name} the app answers {pages[0].failed.status}, and no words of its own")
    silent = [fault for fault in faults if not fault.failed.message]
    if not silent:
        told = {fault.name: fault.failed.message for fault in faults}
        return good(f"each failure is told: {next(iter(told.values()))}", faults=list(told))
    mute = [fault for fault in silent if not _other_words(fault)]
    if mute:
        names = ", ".join(fault.name for fault in mute)
        return bad(f"the page says nothing after {names}", faults=[fault.name for fault in mute])
    name, words = silent[0].name, _other_words(silent[0])
    return unclear(f"whether this is a message about {name} cannot be told: {words[:200]}")


def _other_words(fault: Fault) -> str:
    """What is new on the page beside the part of a reply that came before it broke off."""
    said = FAULTS[fault.name].say
    new = fault.failed.news
    return " ".join(one for one in new if not said or (one not in said and said[:12] not in one))


def _usable(faults: Sequence[Fault]) -> Verdict:
    for fault in faults:
        if fault.next is None:
            return bad(f"after {fault.name} no message can be typed until the page is opened anew")
        if not fault.next.shown:
            how = "is answered, but not shown" if fault.next.asked else "does not reach the provider"
            return bad(f"the turn after {fault.name} {how}")
    return good("after each failure the next turn is answered", faults=[fault.name for fault in faults])


def _not_replayed(seen: Seen, faults: Sequence[Fault]) -> Verdict:
    later = {fault.name: fault.next.line for fault in faults if fault.next is not None and fault.next.asked}
    if not later:
        return moot("no later turn came about")
    failed = [fault.failed.line for fault in faults]
    names = {fault.failed.line.key: fault.name for fault in faults}
    for line in later.values():
        for request in (chat for chat in seen.provider.chats if _asks(chat, line)):
            if old := carried(request, failed):
                roles = [message.role for message in request.messages][:40]
                told = f"a later turn's request carries what was said when {names[old[0].key]} came"
                return bad(told, roles=roles)
    return good("later turns carry nothing of those that failed", turns=len(later))


def _asks(request: Request, line: Turn) -> bool:
    """Whether a request is about this line; later ones may carry it as well."""
    return bool(request.messages) and line.key in request.messages[-1].text


def _clean(faults: Sequence[Fault], leaked: bool) -> Verdict:
    if leaked:
        return bad("what the app sends to the browser holds the provider's key")
    for fault in faults:
        came = fault.failed
        if found := TRACE.search(came.after.text):
            return bad(f"after {fault.name} the page shows a stack trace: {found[0].strip()[:120]}")
        if _is_error_page(came):
            return bad(f"after {fault.name} the app answers {came.status} with an error page")
    return good("no failure shows an error page, a stack trace or a key")


def _is_error_page(came: Came) -> bool:
    wrong = ERROR_PAGE.search(came.after.text) or TRACE.search(came.after.text) or not came.after.usable
    return came.status >= 500 and bool(wrong)


PROBE = FailedTurnProbe()
