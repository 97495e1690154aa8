"""What visitors' browsers tell about a page: judged from sights and events, without a container."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from urllib.parse import urlsplit

from runner.core.records import Outcome
from runner.probes.kit.lab.browser import Report, Sent
from runner.probes.kit.verdicts import Verdict, bad, good, moot, unclear
from runner.probes.kit.visit.scenario import SLOW_S, SLOW_WORDS, Visit

NO_TALK = "no message got a reply on the page"
_APART_S = 0.1


def foreign_scripts(report: Report) -> list[str]:
    """Hosts beside the app that the page wanted scripts from; the lab reaches none of them."""
    wanted = [e for e in report.of("failed") if e["type"] == "script" and not e["own"]]
    return sorted({urlsplit(event["url"]).hostname or "" for event in wanted})


def excused_page(visit: Visit, verdict: Verdict) -> Verdict:
    """A page whose scripts come from elsewhere could not do what it is meant to."""
    hosts = sorted({host for report in visit.reports.values() for host in foreign_scripts(report)})
    if verdict.outcome is not Outcome.FAIL or not hosts:
        return verdict
    return unclear(
        f"{verdict.message} (its scripts come from {', '.join(hosts)}, which the lab cannot reach)"
    )


def sends_by(visit: Visit, way: str, name: str) -> Verdict:
    """Whether a way of sending works."""
    if visit.first.composer is None:
        return moot("the page has no field to type a message into")
    sent: Sent | None = visit.sends.get(way)
    if sent is None:
        return moot(NO_TALK)
    if sent.by:
        return good(f"{name} sends the message")
    return bad(f"{name} does not send the message: {sent.why}")


def streams(visit: Visit, asked_for_stream: bool) -> Verdict:
    """Whether the words of a slow reply became visible one after the other."""
    if visit.slow is None or not visit.slow.asked:
        return moot(NO_TALK)
    if not asked_for_stream:
        return bad("the app asks its provider for the whole reply at once")
    times = sorted(visit.slow_seen.values())
    if len(times) < SLOW_WORDS:
        return bad(f"of a reply that came slowly, {len(times)} of {SLOW_WORDS} parts became visible in time")
    groups = 1 + sum(later - earlier > _APART_S for earlier, later in itertools.pairwise(times))
    spread = times[-1] - times[0]
    if groups >= 3 and spread > SLOW_S / 2:
        return good(f"the reply grew on the page in {groups} steps over {spread:.1f} s", steps=groups)
    return bad(
        "the reply came to the page all at once, although its provider sent it word by word", steps=groups
    )


def survives_reload(visit: Visit) -> Verdict:
    """Whether the page loaded anew shows every reply that it showed before."""
    shown = [taken.turn for taken in visit.talk if taken.shown]
    if visit.reloaded is None or not shown:
        return moot(NO_TALK)
    lost = [turn for turn in shown if turn.nonce not in visit.reloaded.seen]
    if not lost:
        return good(f"the page loaded anew shows all {len(shown)} replies")
    return bad(f"the page loaded anew has lost {len(lost)} of {len(shown)} replies")


def bears_empty(visit: Visit) -> Verdict:
    """Whether sending nothing reaches nobody and breaks nothing."""
    if visit.empty is None:
        return moot("the page has no field to type a message into")
    sight, _, since = visit.empty
    if visit.empty_asked:
        return bad("an empty message is sent to the provider")
    if error := _server_error(visit.reports["anna"], since, until=sight.events):
        return bad(f"an empty message is answered with {error}")
    if not sight.usable:
        return bad("after an empty message there is no field to type into")
    return good("an empty message is not sent, and the page stays as it is")


def bears_long(visit: Visit) -> Verdict:
    """Whether far too long a message leaves the page working."""
    if visit.long is None:
        return moot("the second visitor's message got no reply")
    if not visit.long.by:
        return good("a message that is far too long is not sent") if _goes_on(visit) else _stuck(visit)
    if error := _server_error(visit.reports["ben"], visit.long.since):
        return bad(f"a message of 60,000 characters is answered with {error}")
    return good("a message of 60,000 characters breaks nothing") if _goes_on(visit) else _stuck(visit)


def _goes_on(visit: Visit) -> bool:
    return visit.after_long is not None and bool(visit.after_long.shown)


def _stuck(visit: Visit) -> Verdict:
    why = visit.after_long.sent.why if visit.after_long else ""
    told = "after a message that is far too long, the next one gets no reply"
    return bad(f"{told} ({why})" if why else told)


def _server_error(report: Report, since: int, until: int | None = None) -> str:
    answers = [e for e in report.events[since:until] if e["what"] == "answer" and e["status"] >= 500]
    return (
        f"{answers[0]['status']} ({answers[0]['method']} {urlsplit(answers[0]['url']).path})"
        if answers
        else ""
    )


def inert(visit: Visit) -> Verdict:
    """Whether markup in messages and replies stayed text."""
    if visit.markup is None or not visit.markup.shown:
        return moot("the reply with markup is not on the page")
    marks = {event["mark"] for report in visit.reports.values() for event in report.of("ran")}
    if "reply" in marks:
        return bad("a script in a reply runs in the visitor's page")
    if "text" in marks:
        return bad("a script in the visitor's message runs in the page")
    return good("markup and scripts in a message and its reply do not run")


def keeps_secrets(visit: Visit, secrets: Mapping[str, str]) -> Verdict:
    """Whether nothing that the app sent holds a secret; `secrets` maps their names to their values."""
    leaks = [event for report in visit.reports.values() for event in report.of("leak")]
    if not leaks:
        return good("no page, script, answer or message holds a secret of the app")
    starts = {value[:8]: name for name, value in secrets.items()}
    names = sorted({starts.get(event["needle"], "a secret") for event in leaks})
    return bad(f"{', '.join(names)} is sent to the browser: {leaks[0]['where'][:200]}")


def stays_home(visit: Visit) -> Verdict:
    """Whether the page asks nobody but the app."""
    asked = [e for report in visit.reports.values() for e in report.of("request", "socket") if not e["own"]]
    hosts = sorted({urlsplit(event["url"]).hostname or "" for event in asked} - {""})
    if not hosts:
        return good("the page asks nobody but the app")
    return bad(f"the page asks {', '.join(hosts[:10])}: {asked[0]['url'][:200]}", hosts=hosts[:20])


def by_turbo(visit: Visit) -> Verdict:
    """Whether replies came as Turbo Streams that Turbo rendered."""
    shown = [taken for taken in visit.talk if taken.shown == "page"]
    if not shown:
        return moot(NO_TALK)
    report, since = visit.reports["anna"], shown[0].sent.since
    rendered = [e for e in report.events[since:] if e["what"] == "stream"]
    ways = {e["by"] for e in report.events[since:] if e["what"] == "message" and e["turbo"]}
    types = [e for e in report.events[since:] if e.get("type") == "text/vnd.turbo-stream.html"]
    if rendered:
        how = "over a " + " and ".join(sorted(ways)) if ways else "in the answer" if types else "by a script"
        return good(f"replies come as Turbo Streams, {how}", renders=len(rendered))
    if shown[0].loads:
        return bad("the reply comes with a whole page, not as a Turbo Stream")
    return bad("the reply is put into the page, but not as a Turbo Stream")


def controllers(visit: Visit) -> Verdict:
    """Whether every Stimulus controller that the page names connects."""
    report = visit.reports["anna"]
    if not report.named:
        return moot("the page names no Stimulus controller")
    idle = sorted(set(report.named) - set(report.connected))
    if idle:
        return bad(f"of the page's Stimulus controllers, these do not connect: {', '.join(idle)}")
    return good(f"every Stimulus controller of the page connects: {', '.join(sorted(report.named))}")
