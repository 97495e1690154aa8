"""What a conversation of two turns shows: judged from the wire and a report about the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.core.records import Outcome
from runner.core.tree import SourceTree
from runner.probes.kit.lab.logs import error_line, error_places, exception_line
from runner.probes.kit.lab.recipes import App
from runner.probes.kit.lab.services import excused
from runner.probes.kit.lab.stub import Message, Provider, Request
from runner.probes.kit.verdicts import Verdict, bad, good, moot, unclear
from runner.probes.kit.visit.turns import Turn

NEEDS_BROWSER = "needs a real browser"
_WHERE = {
    "answer": "in the answer",
    "page": "on the page, opened anew",
    "in place": "on the page",
    "loads": "on the page that follows",
    "reload": "only on the page loaded anew",
}
Verdicts = tuple[Verdict, Verdict, Verdict, Verdict]


@dataclass(frozen=True)
class Seen:
    """One conversation: the report about the page, the wire, and how the app fared.

    `driver` is `browser` or `http`; `without` says why there was no browser.
    """

    turns: tuple[Turn, Turn]
    report: Mapping[str, Any]
    provider: Provider
    log: str
    alive: bool
    driver: str = "http"
    without: str = ""

    @property
    def way(self) -> str:
        """How messages were sent: enter or button; turbo, plain or fetch; or not at all."""
        return str(self.report["way"])

    @property
    def means(self) -> str:
        """The driver and its way, for the findings."""
        return f"{self.driver}, {self.way}".removesuffix(", ")

    @property
    def signs(self) -> list[str]:
        """What the page's scripts can do that was not seen: the driver or the lab lacks what they need."""
        return list(self.report["signs"])

    @property
    def needs(self) -> str:
        """What it would take to see it."""
        return NEEDS_BROWSER if self.driver == "http" else f"its scripts come from {', '.join(self.signs)}"

    @property
    def first(self) -> dict[str, Any]:
        """What the first turn came to."""
        return dict(self.report["turns"][0])


def judged(tree: SourceTree, app: App, seen: Seen) -> Verdicts:
    """What the conversation shows: pure, from the wire and the page driver's report."""
    sent = excused(tree, app.folder, seen.log, _request_sent(tree, app, seen))
    if seen.provider.chats and not any(_asks(chat, seen.turns[0].text) for chat in seen.provider.chats):
        # The stub answers what it was asked: without the text there is no reply to look for, and no history.
        lost = moot("the user's text is in no request")
        return sent, _user_text(seen), lost, lost
    if seen.provider.chats:
        shown = excused(tree, app.folder, seen.log, _reply_shown(tree, app, seen))
        history = excused(tree, app.folder, seen.log, _history_sent(tree, app, seen))
        return sent, _user_text(seen), shown, history
    rest = moot("no chat request was sent") if sent.outcome is Outcome.FAIL else unclear(sent.message)
    return sent, rest, rest, rest


def _request_sent(tree: SourceTree, app: App, seen: Seen) -> Verdict:
    if chats := seen.provider.chats:
        first = chats[0]
        return good(
            f"{first.method} {first.path} reached {first.host}",
            host=first.host,
            path=first.path,
            model=str((first.body or {}).get("model", "")),
            stream=bool((first.body or {}).get("stream")),
            requests=len(chats),
            driver=seen.means,
        )
    asked = [request for request in seen.provider.requests if request.carries(seen.turns[0].text)]
    if asked:
        return good(
            f"{asked[0].method} {asked[0].path} reached {asked[0].host}, in a format the lab does not speak"
        )
    if not seen.report["turns"] or (seen.driver == "http" and not seen.way):
        return _no_composer(seen)
    if not seen.way:
        return _not_sent(tree, app, seen)
    if not seen.first["taken"] and seen.signs and seen.alive:
        return unclear(f"the form is not sent as it stands (answer {seen.first['status']}): {seen.needs}")
    if seen.way == "fetch":
        return unclear(f"the page sends messages by a script of its own: {seen.needs}")
    return _failed(tree, app, seen, "the form was submitted, but no request reached the provider")


def _no_composer(seen: Seen) -> Verdict:
    if seen.report["loose"] or seen.signs:
        return unclear(f"the page has no form to send a message with, but scripts: {seen.needs}")
    return bad("the page has no form with a field for a message, and no script that could make one")


def _not_sent(tree: SourceTree, app: App, seen: Seen) -> Verdict:
    """The page has a composer, but nothing leaves it."""
    why = f"the message cannot be sent: {seen.first['why']}"
    return unclear(f"{why}: {seen.needs}") if seen.signs else _failed(tree, app, seen, why)


def _failed(tree: SourceTree, app: App, seen: Seen, what: str, turn: int = 0) -> Verdict:
    """A FAIL with what the app answered and logged."""
    turns = seen.report["turns"]
    status = turns[turn]["status"] if turn < len(turns) else 0
    answer = f"the app answered {status}" if status else "the app did not answer"
    if not seen.alive:
        answer = "the app ended"
    reason = error_line(seen.log) if status >= 400 or not seen.alive else exception_line(seen.log)
    places = error_places(tree, app.folder, seen.log) if reason else []
    return bad(f"{what} ({answer})" + (f": {reason}" if reason else ""), places, driver=seen.means)


def _newest(chat: Request) -> list[Message]:
    """The messages since the last reply: what came before is history, kept by the app whatever it sent."""
    replies = [n for n, message in enumerate(chat.messages) if message.role == "assistant"]
    return chat.messages[replies[-1] + 1 :] if replies else chat.messages


def _asks(chat: Request, words: str) -> bool:
    """Whether words are in what a request asks; of one without messages, anywhere in it."""
    return any(words in m.text for m in _newest(chat)) if chat.messages else chat.carries(words)


def _user_text(seen: Seen) -> Verdict:
    words = seen.turns[0].text
    chats = seen.provider.chats
    if any(m.role == "user" and words in m.text for chat in chats for m in _newest(chat)):
        return good("the first request carries the user's text in a user message")
    roles = sorted({m.role for chat in chats for m in chat.messages if words in m.text})
    where = f"only under the role {', '.join(roles)}" if roles else "nowhere in the request"
    return bad(f"the user's text is {where}", roles=[m.role for m in chats[0].messages])


def _reply_shown(tree: SourceTree, app: App, seen: Seen) -> Verdict:
    turn = seen.first
    if turn["seen"] == "text":
        return good(f"the reply is shown {_WHERE[turn['by']]}", driver=seen.means, wall_s=str(turn["wall_s"]))
    if turn["status"] < 400 and (seen.signs or turn["seen"] == "source"):
        return unclear(f"the reply may be shown by a script of the page: {seen.needs}")
    return _failed(tree, app, seen, "the provider replied, but the reply is not shown")


def _history_sent(tree: SourceTree, app: App, seen: Seen) -> Verdict:
    first, second = seen.turns
    later = [chat for chat in seen.provider.chats if chat.carries(second.text)]
    complete = [chat for chat in later if carries_history(chat, first, second)]
    if complete:
        separate = _in_turns(complete[0], first, second)
        how = "each in a message of its own" if separate else "written into one message"
        return good(f"the second request carries the first turn and its reply once, {how}", separate=separate)
    if seen.first["status"] >= 500:
        return moot("the first turn failed, so there is no conversation to carry")
    if seen.way == "fetch" or seen.first["type"] == "application/json":
        return unclear(f"a script of the page may keep the conversation: {seen.needs}")
    if not later:
        return _failed(tree, app, seen, "the second message did not reach the provider", 1)
    counts = [f"{name}: {_text_of(later[0]).count(words)}" for name, words in _parts(first, second)]
    told = f"the second request does not carry the conversation once and in order ({', '.join(counts)})"
    return bad(told, counts=counts, roles=[m.role for m in later[0].messages])


def _parts(first: Turn, second: Turn) -> list[tuple[str, str]]:
    return [("first text", first.text), ("first reply", first.nonce), ("second text", second.text)]


def _text_of(request: Request) -> str:
    return "\n".join(message.text for message in request.messages)


def carries_history(request: Request, first: Turn, second: Turn) -> bool:
    """Whether a request holds first text, first reply and second text, each once and in order."""
    text = _text_of(request)
    places = [text.find(words) for _, words in _parts(first, second)]
    return places == sorted(places) and all(text.count(words) == 1 for _, words in _parts(first, second))


def _in_turns(request: Request, first: Turn, second: Turn) -> bool:
    roles = [
        message.role
        for _, words in _parts(first, second)
        for message in request.messages
        if words in message.text
    ]
    holders = {i for i, m in enumerate(request.messages) for _, w in _parts(first, second) if w in m.text}
    return roles == ["user", "assistant", "user"] and len(holders) == 3
