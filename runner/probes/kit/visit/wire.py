"""What the requests to the provider tell of a longer conversation: judged without a container."""

from __future__ import annotations

from collections.abc import Sequence

from runner.probes.kit.lab.stub import Message, Request
from runner.probes.kit.verdicts import Verdict, bad, good, moot, unclear
from runner.probes.kit.visit.turns import Taken, Turn

_SYSTEM = ("system", "developer")


def system_text(request: Request) -> str:
    """The instructions of a request, in whatever place its format has for them."""
    return "\n".join(message.text for message in request.messages if message.role in _SYSTEM).strip()


def judged_system(chats: Sequence[Request]) -> Verdict:
    """Whether the first request has a system prompt."""
    if not chats:
        return moot("no chat request was sent")
    text = system_text(chats[0])
    if text:
        return good(f"the first request says to the model: {' '.join(text.split())[:120]}")
    return bad(
        "the first request has no system prompt", roles=[message.role for message in chats[0].messages]
    )


def judged_history(chats: Sequence[Request], taken: Sequence[Taken]) -> Verdict:
    """Whether each later turn's request has all before it, each once, in order and under the right role."""
    asked = [one for one in taken if one.asked]
    if len(asked) < 2:
        return moot("no conversation came about")
    for place in range(len(taken)):
        before, turn = [one.turn for one in taken[:place]], taken[place].turn
        mine = [chat for chat in chats if asks(chat, turn.key)]
        if not mine:
            return bad(f"turn {place + 1} did not reach the provider")
        faults = [fault(chat.messages, before, turn) for chat in mine]
        if all(faults):
            told = f"the request of turn {place + 1} {faults[0]}"
            return bad(told, roles=[message.role for message in mine[0].messages][:40])
    return good(f"each of {len(taken)} turns carries what came before, each message once and under its role")


def asks(chat: Request, words: str) -> bool:
    """Whether words are in what a request asks: after the last reply that it carries."""
    replies = [n for n, message in enumerate(chat.messages) if message.role == "assistant"]
    return any(words in message.text for message in chat.messages[replies[-1] + 1 if replies else 0 :])


def fault(messages: Sequence[Message], before: Sequence[Turn], turn: Turn) -> str:
    """What is wrong with the history of a request; empty if nothing is."""
    wanted = [pair for one in before for pair in (("user", one.key), ("assistant", one.nonce))]
    last = -1
    for role, word in [*wanted, ("user", turn.key)]:
        what = "the user's" if role == "user" else "the model's"
        holders = [n for n, message in enumerate(messages) if word in message.text]
        count = sum(message.text.count(word) for message in messages)
        if not holders:
            return f"lacks {what} message with {word}"
        if count > 1:
            return f"carries {what} message with {word} {count} times"
        if messages[holders[0]].role != role:
            return f"gives {what} message with {word} the role {messages[holders[0]].role}"
        if holders[0] <= last:
            return f"carries {what} message with {word} out of order, or with others in one message"
        last = holders[0]
    return ""


def judged_own(
    chats: Sequence[Request], other: Taken | None, seen_text: str, strangers: Sequence[Turn]
) -> Verdict:
    """Whether a second visitor's page and requests are free of the first one's words."""
    if other is None or not strangers:
        return moot("no conversation came about")
    words = [word for turn in strangers for word in (turn.key, turn.nonce)]
    if any(word in seen_text for word in words):
        return bad("a second visitor, with cookies of their own, sees the first one's conversation")
    mine = [chat for chat in chats if chat.carries(other.turn.key)]
    if any(chat.carries(word) for chat in mine for word in words):
        return bad("the second visitor's request carries the first one's conversation")
    if not mine:
        return unclear("the second visitor's message did not reach the provider")
    return good("a second visitor starts with an empty page, and with a request of their own")
