"""Whether a message typed into the page reaches the provider and its reply comes back: seen on the wire."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.core.protocols import Subject
from runner.core.records import Finding, Outcome
from runner.core.tree import SourceTree
from runner.probes.kit.lab.confirmed import confirmed
from runner.probes.kit.lab.lab import Lab, open_lab
from runner.probes.kit.lab.logs import Log, error_line, error_places, exception_line
from runner.probes.kit.lab.recipes import App, find_app
from runner.probes.kit.lab.services import absent_service, excused
from runner.probes.kit.lab.stub import Message, Provider, Request, Scenario
from runner.probes.kit.verdicts import Verdict, bad, good, moot, unclear

REQUEST_SENT, USER_TEXT = "chat_turn.request_sent", "chat_turn.user_text"
REPLY_SHOWN, HISTORY_SENT = "chat_turn.reply_shown", "chat_turn.history_sent"
NEEDS_BROWSER = "needs a real browser"
PATIENCE_S = 10
Verdicts = tuple[Verdict, Verdict, Verdict, Verdict]


@dataclass(frozen=True)
class Turn:
    """One turn: what the visitor types, and a word that only the provider's reply holds."""

    text: str
    nonce: str

    @property
    def reply(self) -> str:
        """What the provider says."""
        return f"The code word for this is {self.nonce} and nothing else."


@dataclass(frozen=True)
class Seen:
    """One conversation: the page driver's report, the wire, and how the app fared."""

    turns: tuple[Turn, Turn]
    report: Mapping[str, Any]
    provider: Provider
    log: str
    alive: bool

    @property
    def way(self) -> str:
        """How messages were sent: turbo, plain, fetch or not at all."""
        return str(self.report["way"])

    @property
    def signs(self) -> list[str]:
        """What the page's scripts can do that the driver cannot."""
        return list(self.report["signs"])

    @property
    def first(self) -> dict[str, Any]:
        """What the first turn came to."""
        return dict(self.report["turns"][0])


class ChatTurnProbe:
    """Holds two turns with the app as one visitor, over plain HTTP, against a stand-in provider."""

    id = "chat_turn"
    version = 2
    needs_lab = True
    checks: Mapping[str, str] = {
        REQUEST_SENT: "submitting the page's form sends a chat request to the provider",
        USER_TEXT: "the request carries the user's text as a user message",
        REPLY_SHOWN: "the provider's reply appears in the response or on the page",
        HISTORY_SENT: "the second turn carries the first turn and its reply, each once",
    }

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding for each check; a failure is confirmed in a second, fresh app."""
        app = find_app(subject.tree)

        async def attempt(number: int) -> list[Finding]:
            verdicts = await _converse(subject, app, number) if app else _all(moot("there is no app"))
            return [verdict.of(check) for check, verdict in zip(self.checks, verdicts, strict=True)]

        return await confirmed(attempt)


async def _converse(subject: Subject, app: App, number: int) -> Verdicts:
    turns = new_turns()
    scenario = Scenario(tuple((turn.text, turn.reply) for turn in turns))
    async with open_lab(subject, app, scenario) as lab:
        installed = await lab.install()
        if not installed.ok:
            obstacle = installed.obstacle(subject.tree, app.folder)
            return _all(moot("the app cannot be started") if installed.broken else obstacle)
        async with lab.running() as page:
            if not page.is_ready:
                name = absent_service(subject.tree, app.folder, lab.log.text)
                without = f"the app does not start without {name}, which the lab does not have"
                return _all(unclear(without) if name else moot("the app does not start"))
            told = [{"text": turn.text, "expect": turn.nonce} for turn in turns]
            report = await lab.visit({"do": "converse", "patience_s": PATIENCE_S, "turns": told})
            answered = all(turn["status"] for turn in report["turns"])
            alive = answered or not await lab.has_ended()
            seen = Seen(turns, report, lab.provider, lab.log.text, alive)
        _keep(subject, lab, number)
        return judged(subject.tree, app, seen)


def _keep(subject: Subject, lab: Lab, number: int) -> None:
    lab.log.keep(subject.artifacts, f"chat_turn-{number}.log")
    wire = Log()
    wire.feed("\n".join(lab.provider.lines).encode())
    wire.keep(subject.artifacts, f"chat_turn-{number}.wire.jsonl")


def new_turns() -> tuple[Turn, Turn]:
    """Two turns with words that no page has by chance."""
    first, second = (secrets.token_hex(3) for _ in range(2))
    return (
        Turn(f"What is the colour of item k{first}?", f"zq{secrets.token_hex(5)}"),
        Turn(f"And what is the size of item m{second}?", f"zw{secrets.token_hex(5)}"),
    )


def _all(verdict: Verdict) -> Verdicts:
    return verdict, verdict, verdict, verdict


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
            driver=f"http, {seen.way}",
        )
    asked = [request for request in seen.provider.requests if request.carries(seen.turns[0].text)]
    if asked:
        return good(
            f"{asked[0].method} {asked[0].path} reached {asked[0].host}, in a format the lab does not speak"
        )
    if not seen.way:
        return _no_composer(seen)
    if not seen.first["taken"] and seen.signs and seen.alive:
        return unclear(f"the form is not sent as it stands (answer {seen.first['status']}): {NEEDS_BROWSER}")
    if seen.way == "fetch":
        return unclear(f"the page sends messages by a script of its own: {NEEDS_BROWSER}")
    return _failed(tree, app, seen, "the form was submitted, but no request reached the provider")


def _no_composer(seen: Seen) -> Verdict:
    if seen.report["loose"] or seen.signs:
        return unclear(f"the page has no form to send a message with, but scripts: {NEEDS_BROWSER}")
    return bad("the page has no form with a field for a message, and no script that could make one")


def _failed(tree: SourceTree, app: App, seen: Seen, what: str, turn: int = 0) -> Verdict:
    """A FAIL with what the app answered and logged."""
    turns = seen.report["turns"]
    status = turns[turn]["status"] if turn < len(turns) else 0
    answer = f"the app answered {status}" if status else "the app did not answer"
    if not seen.alive:
        answer = "the app ended"
    reason = error_line(seen.log) if status >= 400 or not seen.alive else exception_line(seen.log)
    places = error_places(tree, app.folder, seen.log) if reason else []
    return bad(f"{what} ({answer})" + (f": {reason}" if reason else ""), places, driver=f"http, {seen.way}")


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
        where = "in the answer" if turn["by"] == "answer" else "on the page, opened anew"
        return good(f"the reply is shown {where}", driver=f"http, {seen.way}", wall_s=str(turn["wall_s"]))
    if turn["status"] < 400 and (seen.signs or turn["seen"] == "source"):
        return unclear(f"the reply may be shown by a script of the page: {NEEDS_BROWSER}")
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
        return unclear(f"a script of the page may keep the conversation: {NEEDS_BROWSER}")
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


PROBE = ChatTurnProbe()
