"""The provider stub as the runner sees it: what it shall say, and every request it got."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
# TLS and plain HTTP on each: beside the usual one, where model servers on a developer's machine listen.
# Not 80: a shipped image may serve there.
PORTS = (443, 11434, 1234)
_MAX_LINE = 16_000_000


@dataclass(frozen=True)
class Act:
    """What one request comes to, as inside/provider_stub/script.py tells: a reply, a tool call or a fault."""

    say: str = ""
    repeat: int = 1
    pause_s: float = 0.0
    tool: str = ""
    arguments: Mapping[str, Any] | None = None
    status: int = 200
    fault: str = ""
    hang_s: float = 600.0

    def document(self) -> dict[str, Any]:
        """What differs from a plain reply."""
        plain = Act()
        return {name: value for name, value in vars(self).items() if value != getattr(plain, name)}


@dataclass(frozen=True)
class Scenario:
    """What the provider says: for each (words of the user, answer) the answer to those words.

    `pauses` are for such words the seconds between the words of a streamed answer. `acts` are for other
    words what the requests with them come to, in order, the last for ever: an app asks again after a fault.
    """

    replies: tuple[tuple[str, str], ...] = ()
    otherwise: str = "Certainly."
    pauses: tuple[tuple[str, float], ...] = ()
    acts: tuple[tuple[str, tuple[Act, ...]], ...] = ()

    def document(self) -> dict[str, Any]:
        """As the stub reads it."""
        paces = dict(self.pauses)
        said = [(to, (Act(say, pause_s=paces.get(to, 0.0)),)) for to, say in self.replies]
        turns = [{"to": to, "acts": [act.document() for act in acts]} for to, acts in (*said, *self.acts)]
        return {"ports": PORTS, "replies": turns, "otherwise": [Act(self.otherwise).document()]}


@dataclass(frozen=True)
class Message:
    """One message of a chat request, its content as text."""

    role: str
    text: str


@dataclass(frozen=True)
class Answer:
    """How a request was answered: `kind` is `reply`, `error` or the fault; `at` and `times` of its streamed
    pieces are seconds since the epoch. `gone` if the app broke off."""

    status: int = 0
    kind: str = ""
    at: float = 0.0
    sent: int = 0
    times: tuple[float, ...] = ()
    gone: bool = False


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire; `reply` is None if it was not a chat request, empty for a fault.

    `text` is the body exactly, `body` what it says if it is a JSON object.
    """

    method: str
    host: str
    path: str
    body: dict[str, Any] | None
    text: str
    reply: str | None
    headers: Mapping[str, str] = field(default_factory=dict)
    at: float = 0.0
    number: int = 0

    @property
    def is_chat(self) -> bool:
        """Whether the stub understood and answered it."""
        return self.reply is not None

    @property
    def messages(self) -> list[Message]:
        """The conversation it carries, in whichever format; instructions first, as a system message."""
        body = self.body or {}
        stated = [
            Message("system", _flat(body[name])) for name in ("system", "instructions") if body.get(name)
        ]
        turns = body.get("messages", body.get("input"))
        if isinstance(turns, str):
            return [*stated, Message("user", turns)]
        said = [
            Message(str(turn.get("role", "")), _flat(turn.get("content")))
            for turn in (turns if isinstance(turns, list) else [])
            if isinstance(turn, dict)
        ]
        return [*stated, *said]

    def carries(self, words: str) -> bool:
        """Whether these words are anywhere in it."""
        return words in self.text or words in json.dumps(self.body, ensure_ascii=False)


@dataclass
class Provider:
    """Collects what the stub prints; `listening` once it serves."""

    listening: bool = False
    switched: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: dict[int, Answer] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    _pieces: list[bytes] = field(default_factory=list)
    _size: int = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the stub's output."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._keep(line)
            for record in _records(b"".join(self._pieces)):
                self._take(record)
            self._pieces, self._size = [], 0
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= _MAX_LINE:
            self._pieces.append(piece)

    def _take(self, record: dict[str, Any]) -> None:
        if "listening" in record:
            self.listening = True
        elif "switched" in record:
            self.switched = int(record["switched"])
        elif "answered" in record:
            answer = {name: record[name] for name in Answer.__dataclass_fields__ if name in record}
            self.answers[int(record["answered"])] = Answer(**{**answer, "times": tuple(record["times"])})
            self.lines.append(json.dumps(record))
        elif "path" in record:
            self._take_request(record)

    def _take_request(self, record: dict[str, Any]) -> None:
        body = next(_records(record["text"]), None)
        self.requests.append(
            Request(
                method=str(record["method"]),
                host=str(record["host"]),
                path=str(record["path"]),
                body=body,
                text=str(record["text"]),
                reply=record["reply"],
                headers=record.get("headers", {}),
                at=float(record.get("at", 0)),
                number=int(record.get("n", 0)),
            )
        )
        shown = {**record, "body": body} if body is not None else record
        if body is not None and json.dumps(body, separators=(",", ":")) == record["text"]:
            del shown["text"]  # the body says it all
        self.lines.append(json.dumps(shown))

    @property
    def chats(self) -> list[Request]:
        """The chat requests, in order."""
        return [request for request in self.requests if request.is_chat]


def _records(line: bytes | str) -> Iterator[dict[str, Any]]:
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
    server = authority.issue_cert(*HOSTS, "localhost", "127.0.0.1")
    return Certificates(
        authority=authority.cert_pem.bytes(), server=server.private_key_and_cert_chain_pem.bytes()
    )
