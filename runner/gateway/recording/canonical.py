"""Requests without what changes from run to run: by these a replay finds its replies.

A request's canonical form is its JSON with ids, times, durations, process ids, temporary names and the like
replaced by their kind (`<time>`). Being generous here is cheap: requests that should differ and come out
equal are still told apart by their order.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runner.gateway.wire import as_dict, parsed

VOLATILE_FIELDS = frozenset(
    {
        *("user", "metadata", "client_metadata", "session_id", "conversation_id", "request_id"),
        *("prompt_cache_key", "safety_identifier", "previous_response_id"),
    }
)
ID_FIELDS = frozenset({"id", "tool_call_id", "call_id", "tool_use_id", "item_id"})
CONVERSATIONS = ("messages", "input", "contents")
EXCERPT = 60

_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AP]M\b)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|CES?T|[+-]\d\d:?\d\d)\b)?"
_PORT = r"(?:3[3-9]\d{3}|32[89]\d\d|[45]\d{4}|6[0-5]\d{3})\b"  # what an engine hands out for port 0
_KINDS = {
    "id": r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
    "name": r"\btmp[._-]?\w{6,12}\b|\bd?\d{8}-\d+-\w{4,}\b",
    "time": rf"\b\d{{4}}[-/]\d\d[-/]\d\d(?:[T ] ?{_CLOCK}{_ZONE})?"
    rf"|\b(?:{_DAY},? +)?(?:\d{{1,2}}[ /]{_MONTH}|{_MONTH} +\d{{1,2}})\b,?"
    rf"(?:[ :/]+(?:{_CLOCK}|\d{{4}}\b|UTC\b|GMT\b|[+-]\d{{4}}\b))+"
    rf"|\b\d{{1,2}}:\d\d:\d\d(?:[.,]\d+)?{_ZONE}"
    r"|\b1[5-9]\d{8}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?\b",  # since 1970, in s, ms, us or ns
    "rate": r"\b\d+(?:\.\d+)? ?(?:[a-z]+/s(?:ec(?:ond)?)?|[kKMG]i?B/s)\b",
    "duration": r"\b\d+m ?\d+(?:\.\d+)?s\b|\b\d+(?:\.\d+)? ?(?:[nuµμm]?s|secs?|seconds?|mins?|minutes?)\b",
    "seed": r"(?i:\bseed)\b[ :=]+\d+",
    "pid": r"(?i:\b(?:pp?id|pgid|process))\b[ :=#\[(]*\d+|(?m:^\[\d+\](?:[ +-]+\d+$)?)"
    r"|(?<=\d )#\d+(?=\])",  # as Ruby logs it, after the time
    "port": rf"(?<=[\w.\]]:){_PORT}|(?i:\bport)[ :=]+{_PORT}",
    "address": r"\b0x[0-9a-f]{6,}\b",
    "agent": r"\bcc_version=[\w.]+|\bChunk ID: [0-9a-f]{6}\b",  # Claude Code's and Codex's own marks
    "hash": r"\b(?:[0-9a-f]{40}|[0-9a-f]{12})\b|(?m:^[0-9a-f]{7,10}(?= ))"
    r"|\[[\w./-]+(?: \(root-commit\))? [0-9a-f]{7,12}\]",
}
_VOLATILE = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS.items()))


@dataclass(frozen=True)
class Canonical:
    """A request's canonical form. `lane` tells conversations apart: the main one, a title, a sub-agent."""

    document: Any
    key: str
    lane: str


class Canon:
    """Makes canonical forms; remembers texts, since each request repeats those of the one before."""

    def __init__(self) -> None:
        self._steady: dict[str, str] = {}

    def form(self, path: str, body: bytes) -> Canonical:
        """Of a request to `path` (with its query). Never raises: what is not JSON counts as text."""
        try:
            document = self._value(_without_volatile(parsed(body)), {})
        except (ValueError, RecursionError):
            document = self._text(body.decode("utf-8", "replace"))
        whole = {"path": path, "body": document}
        return Canonical(document, _digest(whole), _digest({"path": path, "body": _opening(document)}))

    def _value(self, value: Any, ids: dict[str, str], field: str = "") -> Any:
        """Ids are numbered as they come, so that which belongs to which is kept."""
        if isinstance(value, str):
            if field in ID_FIELDS:
                return ids.setdefault(value, f"<id {len(ids) + 1}>")
            return self._text(value)
        if isinstance(value, list):
            return [self._value(item, ids) for item in value]
        if isinstance(value, dict):
            return {key: self._value(value[key], ids, key) for key in sorted(value)}
        return value

    def _text(self, text: str) -> str:
        steady = self._steady.get(text)
        if steady is None:
            steady = self._steady[text] = _VOLATILE.sub(lambda found: f"<{found.lastgroup}>", text)
        return steady


def _without_volatile(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    return {key: value for key, value in document.items() if key not in VOLATILE_FIELDS}


def difference(was: Any, now: Any) -> tuple[str, str, str] | None:
    """The first place where two canonical documents differ, with an excerpt of each; None if they do not."""
    return next(_differences(was, now, ""), None)


def _differences(was: Any, now: Any, where: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in [*was, *(k for k in now if k not in was)]:
            inner = f"{where}.{key}" if where else key
            yield from _differences(was.get(key, _ABSENT), now.get(key, _ABSENT), inner)
    elif isinstance(was, list) and isinstance(now, list):
        for n in range(max(len(was), len(now))):
            one, other = (items[n] if n < len(items) else _ABSENT for items in (was, now))
            yield from _differences(one, other, f"{where}[{n}]")
    elif type(was) is not type(now) or was != now:  # True is not 1
        yield (where or "the whole request", *_excerpts(_shown(was), _shown(now)))


class _Absent:
    """Where one of two documents has nothing."""


_ABSENT = _Absent()


def _shown(value: Any) -> str:
    if isinstance(value, _Absent):
        return "(nothing)"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _excerpts(was: str, now: str) -> tuple[str, str]:
    """A few characters before the first that differs, and what follows."""
    pairs = zip(was, now, strict=False)
    same = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(was), len(now)))
    start = max(0, same - EXCERPT // 3)
    return _cut(was, start), _cut(now, start)


def _cut(text: str, start: int) -> str:
    end = start + EXCERPT
    kept = text[start:end].encode("utf-8", "replace").decode()  # halves of surrogate pairs go nowhere
    return ("..." if start else "") + kept + ("..." if end < len(text) else "")


def _opening(document: Any) -> Any:
    """Without what follows the first message: the same for all requests of one conversation."""
    fields = as_dict(document)
    return {k: v[:1] if k in CONVERSATIONS and isinstance(v, list) else v for k, v in fields.items()}


def _digest(value: Any) -> str:
    # Not `canonical_json`: a request may hold halves of surrogate pairs, which only escapes can write.
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
