"""Whether a message typed into the page reaches the provider and its reply comes back: seen on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runner.core.protocols import Subject
from runner.core.records import Finding, Outcome
from runner.probes.kit.lab.browser import BrowserError, NoBrowser, Visitor
from runner.probes.kit.lab.confirmed import SHARED, confirmed
from runner.probes.kit.lab.lab import Lab
from runner.probes.kit.lab.recipes import App, find_app
from runner.probes.kit.lab.services import absent_service
from runner.probes.kit.lab.stage import Stage, on_stage
from runner.probes.kit.lab.stub import Scenario
from runner.probes.kit.verdicts import Verdict, moot, unclear
from runner.probes.kit.visit.keeper import Keeper
from runner.probes.kit.visit.screen import foreign_scripts
from runner.probes.kit.visit.turns import PATIENCE_S, Taken, Turn, new_turns, take_turn
from runner.probes.kit.visit.two_turns import Seen, Verdicts, judged

REQUEST_SENT, USER_TEXT = "chat_turn.request_sent", "chat_turn.user_text"
REPLY_SHOWN, HISTORY_SENT = "chat_turn.reply_shown", "chat_turn.history_sent"


class ChatTurnProbe:
    """Holds two turns with the app as one visitor in a browser, against a stand-in provider.

    Where the helper has no browser it does so by plain HTTP, and the findings say so.
    `tries` as for `confirmed`.
    """

    id = "chat_turn"
    version = 4
    needs_lab = True
    checks: Mapping[str, str] = {
        REQUEST_SENT: "submitting the page's form sends a chat request to the provider",
        USER_TEXT: "the request carries the user's text as a user message",
        REPLY_SHOWN: "the provider's reply appears in the response or on the page",
        HISTORY_SENT: "the second turn carries the first turn and its reply, each once",
    }

    def __init__(self, tries: int = SHARED) -> None:
        self.tries = tries

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check; a failure is confirmed in a second, fresh app."""
        app = find_app(subject.tree)

        async def attempt(number: int) -> list[Finding]:
            verdicts = await _converse(subject, app, number) if app else _all(moot("there is no app"))
            return [verdict.of(check) for check, verdict in zip(self.checks, verdicts, strict=True)]

        return await confirmed(attempt, self.tries)


async def _converse(subject: Subject, app: App, number: int) -> Verdicts:
    turns = new_turns(2)
    async with on_stage(subject, app, _scenario(turns), alone=number > 1) as stage:
        lab, installed = stage.lab, stage.installed
        if not installed.ok:
            obstacle = installed.obstacle(subject.tree, app.folder)
            return _all(moot("the app cannot be started") if installed.broken else obstacle)
        if not (await stage.page()).is_ready:
            name = absent_service(subject.tree, app.folder, lab.log.text)
            without = f"the app does not start without {name}, which the lab does not have"
            return _all(unclear(without) if name else moot("the app does not start"))
        kept = Keeper(subject.artifacts, f"{ChatTurnProbe.id}-{ChatTurnProbe.version}/{number}")
        try:
            seen = await _visit(stage, turns, kept)
        finally:
            kept.log(lab)
        verdicts = judged(subject.tree, app, seen)
        return tuple(_noted(verdict, seen.without) for verdict in verdicts)  # type: ignore[return-value]


def _scenario(turns: Sequence[Turn]) -> Scenario:
    return Scenario(tuple((turn.text, turn.reply) for turn in turns))


async def _visit(stage: Stage, turns: Sequence[Turn], kept: Keeper) -> Seen:
    """The conversation by browser, or where there is none or it hangs, by plain HTTP."""
    lab, driver, without = stage.lab, "browser", ""
    try:
        visitor = (await stage.browser()).visitor("visitor")
        report = await _by_browser(visitor, lab, turns, kept)
        await visitor.leave()
    except NoBrowser as missing:
        driver, without = "http", f"without a browser: {missing}"
    except BrowserError as error:
        driver, without = "http", f"as the browser and the page came to nothing: {error}"
        await stage.close_browser()
        turns = new_turns(2)  # what the browser said may have come through
        await lab.begin(_scenario(turns))
    if without:
        told = [{"text": turn.text, "expect": turn.nonce} for turn in turns]
        report = await lab.visit({"do": "converse", "patience_s": PATIENCE_S, "turns": told})
    answered = all(turn["status"] for turn in report["turns"])
    alive = answered or not await lab.has_ended()
    log = lab.log.text[report.get("log_start", 0) :] or lab.log.text
    return Seen((turns[0], turns[1]), report, lab.provider, log, alive, driver, without)


async def _by_browser(visitor: Visitor, lab: Lab, turns: Sequence[Turn], kept: Keeper) -> Mapping[str, Any]:
    """As the page driver reports, but seen in a real page: there is nothing that it could not do."""
    sight = await visitor.open()
    opened = len(lab.log.text)  # what is logged before is about the page, not about the turn
    await kept.picture(visitor, "empty")
    taken: list[Taken] = []
    for turn in turns if sight.composer else ():
        taken.append(await take_turn(visitor, lambda: len(lab.provider.requests), turn))
        if not taken[-1].asked or taken[-1].status >= 500:
            break
    await kept.picture(visitor, "conversation")
    told = await visitor.report()
    kept.timeline({"visitor": told}, lab.provider.requests)
    return {
        "way": taken[0].sent.by if taken else "",
        "signs": foreign_scripts(told),
        "loose": 0,
        "log_start": opened,
        "turns": [_told(one) for one in taken],
    }


def _told(taken: Taken) -> dict[str, Any]:
    return {
        "status": taken.status,
        "type": "",
        "taken": bool(taken.sent.by),
        "seen": "text" if taken.shown else "",
        "by": taken.how,
        "wall_s": taken.wall_s,
        "why": taken.sent.why,
    }


def _noted(verdict: Verdict, without: str) -> Verdict:
    """A verdict that tells it was found without a browser."""
    if not without or verdict.outcome is Outcome.NOT_APPLICABLE:
        return verdict
    return replace(verdict, message=f"{verdict.message} (by plain HTTP, {without})")


def _all(verdict: Verdict) -> Verdicts:
    return verdict, verdict, verdict, verdict


PROBE = ChatTurnProbe()
