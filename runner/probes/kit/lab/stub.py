"""The provider stub as the runner sees it: what it shall say, and every request it got."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import trustme

# Names under which apps reach a provider; all of them lead to the stub.
HOSTS = (
    "openrouter.ai",
    "api.openrouter.ai",
    "api.openai.com",
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "api.deepseek.com",
    "api.mistral.ai",
    "api.x.ai",
)
PORT = 443
_MAX_LINE = 8_000_000


@dataclass(frozen=True)
class Scenario:
    """What the provider says: for each (words of the user, answer) the answer to those words."""

    replies: tuple[tuple[str, str], ...] = ()
    otherwise: str = "Certainly."
    pauses: tuple[tuple[str, float], ...] = ()

    def document(self) -> bytes:
        """As provider_stub.py reads it."""
        paces = dict(self.pauses)
        replies = [{"to": to, "say": say, "pause_s": paces.get(to, 0.0)} for to, say in self.replies]
        return json.dumps({"port": PORT, "replies": replies, "otherwise": self.otherwise}).encode()


@dataclass(frozen=True)
class Message:
    """One message of a chat request, its content as text."""

    role: str
    text: str


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire; `reply` is None if it was not a chat request."""

    method: str
    host: str
    path: str
    body: dict[str, Any] | None
    text: str
    reply: str | None

    @property
    def is_chat(self) -> bool:
        """Whether the stub understood and answered it."""
        return self.reply is not None

    @property
    def messages(self) -> list[Message]:
        """The conversation it carries."""
        turns = (self.body or {}).get("messages")
        return [
            Message(str(turn.get("role", "")), _flat(turn.get("content")))
            for turn in (turns if isinstance(turns, list) else [])
            if isinstance(turn, dict)
        ]

    def carries(self, words: str) -> bool:
        """Whether these words are anywhere in it."""
        return words in self.text or words in json.dumps(self.body, ensure_ascii=False)


@dataclass
class Provider:
    """Collects what the stub prints; `listening` once it serves."""

    listening: bool = False
    requests: list[Request] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    _pending: bytes = b""

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the stub's output."""
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        self._pending = self._pending[:_MAX_LINE]
        for line in lines:
            for record in _records(line):
                self._take(record, line)

    def _take(self, record: dict[str, Any], line: bytes) -> None:
        if "listening" in record:
            self.listening = True
        elif "path" in record:
            self.requests.append(
                Request(
                    method=str(record["method"]),
                    host=str(record["host"]),
                    path=str(record["path"]),
                    body=record["body"],
                    text=str(record["text"]),
                    reply=record["reply"],
                )
            )
            self.lines.append(line.decode("utf-8", "replace"))

    @property
    def chats(self) -> list[Request]:
        """The chat requests, in order."""
        return [request for request in self.requests if request.is_chat]


def _records(line: bytes) -> Iterator[dict[str, Any]]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return  # a stack trace, or half a line
    if isinstance(record, dict):
        yield record


def _flat(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


@dataclass(frozen=True)
class Certificates:
    """A throw-away authority and a certificate for the provider's names, both PEM."""

    authority: bytes
    server: bytes


def issue_certificates() -> Certificates:
    """New ones for one lab; nothing outside it trusts them."""
    authority = trustme.CA()
    server = authority.issue_cert(*HOSTS)
    return Certificates(
        authority=authority.cert_pem.bytes(), server=server.private_key_and_cert_chain_pem.bytes()
    )
