"""Streams of JSON as server-sent events: read along within bounds, and written."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import Any

from runner.gateway.wire import Reply, Tokens, ToolCall, as_dict, as_json, as_text, parsed

KEPT_CHARACTERS = 8_000_000
KEPT_CALLS = 1000
LINE_BYTES = 8_000_000
DONE = b"[DONE]"
ERROR_NAMES = ("code", "status", "type")  # of OpenAI, Google and Anthropic
TEXT_PIECE = 80
ARGUMENTS_PIECE = 2000


@dataclass
class OpenCall:
    """A tool call whose arguments may still grow."""

    id: str = ""
    name: str = ""
    arguments: StringIO = field(default_factory=StringIO)


class EventTap(ABC):
    """Assembles a streamed reply from the JSON of its `data:` lines; each format says what an event means.

    `done_completes`: whether a line `[DONE]` is the format's finish marker; elsewhere it means nothing.
    """

    done_completes = False

    def __init__(self) -> None:
        self._partial: list[bytes] = []
        self._waiting = 0
        self._room = KEPT_CHARACTERS
        self._text, self._reasoning = StringIO(), StringIO()
        self._calls: dict[int, OpenCall] = {}
        self._tokens: Tokens | None = None
        self._complete = False
        self._error: str | None = None

    @abstractmethod
    def take(self, event: dict[str, Any]) -> None:
        """Read one event, or a whole reply of the same format; anything may be missing or of a wrong type."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, cut anywhere. A line that is too long is dropped."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._take_line(b"".join([*self._partial, line]))
            self._partial, self._waiting = [], 0
        self._partial.append(rest)
        self._waiting += len(rest)
        if self._waiting > LINE_BYTES:
            self._partial, self._waiting = [], 0

    def reply(self) -> Reply:
        """What was assembled so far."""
        calls = (ToolCall(c.id, c.name, c.arguments.getvalue()) for c in self._calls.values())
        return Reply(
            text=self._text.getvalue(),
            reasoning=self._reasoning.getvalue(),
            tool_calls=tuple(calls),
            tokens=self._tokens,
            complete=self._complete,
            error=self._error,
        )

    def _take_line(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        data = line[5:].strip()
        if data == DONE:
            self._complete = self._complete or self.done_completes
            return
        try:
            event = parsed(data)
        except ValueError:
            self._error = "the provider sent a malformed event"
            return
        self.take(as_dict(event))

    def _call(self, index: int, name: Any = None, id: Any = None) -> OpenCall:
        """The call of this index, begun if it is new; beyond the bound, one that nobody reads."""
        if index not in self._calls and len(self._calls) >= KEPT_CALLS:
            return OpenCall()
        call = self._calls.setdefault(index, OpenCall())
        call.id = call.id or as_text(id)
        call.name = call.name or as_text(name)
        return call

    def _keep(self, into: StringIO, text: Any) -> None:
        kept = as_text(text)[: self._room]
        self._room -= len(kept)
        into.write(kept)


def whole_reply(tap: EventTap, body: bytes) -> Reply:
    """A plain reply, read by the tap of its format."""
    try:
        document = as_dict(parsed(body))
    except ValueError:
        return Reply(complete=False, error="the provider's reply is not JSON")
    tap.take(document)
    reply = tap.reply()
    if reply.complete or reply.error:
        return reply
    return replace(reply, error="the provider's reply holds no answer of the model")


def error_text(error: Any) -> str | None:
    """The message of an error object behind the name of the error, or the object itself; None without one.

    The name is often all that tells exhausted credit from a limit of the rate.
    """
    if not error:
        return None
    named = as_dict(error)
    message = as_text(named.get("message"))
    if not message:
        return as_json(error)[:1000]
    name = next((n for n in map(as_text, map(named.get, ERROR_NAMES)) if n not in ("", "error")), "")
    return f"{name}: {message}" if name and name not in message else message


def pieces(text: str, size: int = TEXT_PIECE) -> Iterator[str]:
    """A text in pieces of so many characters."""
    return (text[start : start + size] for start in range(0, len(text), size))


def data_line(data: bytes) -> bytes:
    """An event without a name."""
    return b"data: " + data + b"\n\n"


def dumps(document: dict[str, Any]) -> bytes:
    """JSON without spaces."""
    return json.dumps(document, separators=(",", ":")).encode()


def named_event(document: dict[str, Any]) -> bytes:
    """An event that is named by its `type`."""
    return b"event: %s\n" % document["type"].encode() + data_line(dumps(document))
