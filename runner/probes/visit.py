"""A long visit to the running app in a real browser: what its requests and its page show beyond one turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Set

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.kit.lab.browser import BrowserError, NoBrowser
from runner.probes.kit.lab.confirmed import SHARED, confirmed_in_part
from runner.probes.kit.lab.inside.slowness import slowness
from runner.probes.kit.lab.recipes import App, find_app
from runner.probes.kit.lab.services import absent_service, excused
from runner.probes.kit.lab.stage import Stage, on_stage
from runner.probes.kit.lab.stub import Request
from runner.probes.kit.verdicts import Verdict, moot, unclear
from runner.probes.kit.visit import models, screen, wire
from runner.probes.kit.visit.keeper import Keeper
from runner.probes.kit.visit.scenario import Guide, Visit, new_script
from runner.probes.kit.visit.turns import UNASKED_S, new_turns

_SECRETS = ("OPENROUTER_API_KEY", "SECRET_KEY_BASE")
# Which part of the visit decides a check; the others are decided by its first turn.
_PARTS = {
    "visit.bears_empty": "empty",
    "visit.streams": "slow",
    "visit.survives_reload": "markup",
    "visit.inert_markup": "markup",
    "visit.own_conversation": "stranger",
    "visit.bears_long": "stranger",
    **dict.fromkeys(("visit.full_history", "visit.enter_sends", "visit.button_sends"), "talk"),
}
Verdicts = dict[str, Verdict]


class VisitProbe:
    """Two visitors use the app for a while; one boot decides all checks, and a second what failed.

    `tries` as for `confirmed`.
    """

    id = "visit"
    version = 2
    needs_lab = True
    checks: Mapping[str, str] = {
        "visit.full_history": "each turn carries the whole conversation, every message once, under its role",
        "visit.own_conversation": "a second visitor neither sees nor sends the first one's conversation",
        "visit.system_prompt": "the first request carries a system prompt",
        "visit.current_model": "the model that is asked for is a current Claude Sonnet",
        "visit.configurable_model": "the model can be changed without a change of code",
        "visit.streams": "a reply grows on the page while it is still being sent",
        "visit.survives_reload": "the page loaded anew shows the conversation",
        "visit.bears_empty": "an empty message is not sent and breaks nothing",
        "visit.bears_long": "a far too long message leaves the page working",
        "visit.inert_markup": "markup and scripts in a message or a reply do not run",
        "visit.no_secret": "nothing that is sent to the browser holds a secret",
        "visit.no_third_party": "the page asks nobody but the app",
        "visit.turbo_streams": "replies come into the page as Turbo Streams",
        "visit.controllers_connect": "every Stimulus controller that the page names connects",
        "visit.enter_sends": "Enter sends the message",
        "visit.button_sends": "the button sends the message",
    }

    def __init__(self, tries: int = SHARED) -> None:
        self.tries = tries

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check; a failure is confirmed in a second, fresh app."""
        app = find_app(subject.tree)

        async def attempt(number: int, looked_at: Set[str]) -> list[Finding]:
            verdicts = self._all(moot("there is no app"))
            if app:
                verdicts = await self._visit(subject, app, number, looked_at)
            return [verdicts[check].of(check) for check in self.checks]

        return await confirmed_in_part(attempt, self.checks, self.tries)

    def _all(self, verdict: Verdict) -> Verdicts:
        return dict.fromkeys(self.checks, verdict)

    async def _visit(self, subject: Subject, app: App, number: int, looked_at: Set[str]) -> Verdicts:
        """All checks, those that are `looked_at` decided; a second try leaves out what did not fail."""
        script = new_script()
        async with on_stage(subject, app, script.scenario(), alone=number > 1) as stage:
            lab, installed = stage.lab, stage.installed
            if not installed.ok:
                obstacle = installed.obstacle(subject.tree, app.folder)
                return self._all(moot("the app cannot be started") if installed.broken else obstacle)
            keeper = Keeper(subject.artifacts, f"{self.id}-{self.version}/{number}")
            parts = frozenset(_PARTS[check] for check in looked_at if check in _PARTS)
            guide = Guide(script, lab.provider, keeper, parts)
            try:
                found = await self._seen(stage, guide, "visit.configurable_model" in looked_at)
            except (NoBrowser, BrowserError) as error:
                await stage.close_browser()
                found = self._all(unclear(f"pages were not looked at in a browser: {error}"))
            finally:
                keeper.log(lab)
            log = lab.log.text
            return {
                check: installed.fair(excused(subject.tree, app.folder, log, verdict))
                for check, verdict in found.items()
            }

    async def _seen(self, stage: Stage, guide: Guide, tries_setting: bool) -> Verdicts:
        lab, browser = stage.lab, await stage.browser()
        if not (await stage.page()).is_ready:
            name = absent_service(lab.tree, lab.app.folder, lab.log.text)
            without = f"the app does not start without {name}, which the lab does not have"
            return self._all(unclear(without) if name else moot("the app does not start"))
        secrets = {name: lab.app.recipe.env[name] for name in _SECRETS if name in lab.app.recipe.env}
        visit = await guide.lead(browser, tuple(secrets.values()))
        chats = list(lab.provider.chats)
        found = judged(lab.tree, visit, chats, secrets)
        if tries_setting and chats and (variables := models.settings(lab.tree)):
            found["visit.configurable_model"] = await _tried(stage, chats[0], tuple(variables))
        return found


async def _tried(stage: Stage, first: Request, variables: tuple[str, ...]) -> Verdict:
    """What is asked for once these variables name another model, in the same app started again."""
    lab, other = stage.lab, models.other_model(first.host)
    before = len(lab.provider.chats)
    if (await stage.page_with(dict.fromkeys(variables, other))).is_ready:
        clara = (await stage.browser()).visitor("clara")
        await clara.open()
        line = new_turns(1)[0]
        sent, deadline = await clara.send(line.text, key=line.key), time.monotonic() + UNASKED_S * slowness()
        while sent.by and len(lab.provider.chats) == before and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await clara.leave()
    asked = [str((chat.body or {}).get("model", "")) for chat in lab.provider.chats]
    then = asked[before] if len(asked) > before else ""
    return models.judged_setting(lab.tree, asked[0], variables, then)


def judged(tree: SourceTree, visit: Visit, chats: list[Request], secrets: Mapping[str, str]) -> Verdicts:
    """All checks: pure, from the wire and what was seen."""
    slow = [chat for chat in chats if chat.carries(visit.script.slow.key)]
    streamed = any(bool((chat.body or {}).get("stream")) for chat in slow)
    page = {
        "visit.streams": screen.streams(visit, streamed),
        "visit.survives_reload": screen.survives_reload(visit),
        "visit.bears_empty": screen.bears_empty(visit),
        "visit.bears_long": screen.bears_long(visit),
        "visit.turbo_streams": screen.by_turbo(visit),
        "visit.controllers_connect": screen.controllers(visit),
        "visit.enter_sends": screen.sends_by(visit, "enter", "Enter"),
        "visit.button_sends": screen.sends_by(visit, "button", "the button"),
    }
    return {
        **{check: screen.excused_page(visit, verdict) for check, verdict in page.items()},
        **_of_wire(tree, visit, chats),
        "visit.inert_markup": screen.inert(visit),
        "visit.no_secret": screen.keeps_secrets(visit, secrets),
        "visit.no_third_party": screen.stays_home(visit),
    }


def _of_wire(tree: SourceTree, visit: Visit, chats: list[Request]) -> Verdicts:
    asked = str((chats[0].body or {}).get("model", "")) if chats else ""
    none = moot("no chat request was sent")
    shown = [taken.turn for taken in visit.talk if taken.shown]
    return {
        "visit.full_history": wire.judged_history(chats, visit.talk),
        "visit.own_conversation": wire.judged_own(chats, visit.stranger, visit.stranger_page.text, shown),
        "visit.system_prompt": wire.judged_system(chats),
        "visit.current_model": models.judged_model(asked) if chats else none,
        "visit.configurable_model": models.judged_setting(tree, asked) if chats else none,
    }


PROBE = VisitProbe()
