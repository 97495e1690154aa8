"""The wire formats that the stub speaks, by the end of their paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from . import chat, messages, responses
from .script import Said

Json = dict[str, Any]


class Format(Protocol):
    """One wire format: a module with these functions."""

    def conversation(self, body: Json) -> str:
        """All that a request says, in order."""

    def tools(self, body: Json) -> dict[str, Any]:
        """The schemas of the app's own tools that may be called, by name."""

    def forced(self, body: Json) -> str:
        """The tool that must be called, `*` for any of them, empty if none must."""

    def has_result(self, body: Json) -> bool:
        """Whether the conversation ends with the result of a tool."""

    def schema(self, body: Json) -> Any:
        """The JSON schema that the reply must satisfy; None for plain text, {} for any object."""

    def answer(self, body: Json, said: Said) -> Json:
        """A whole answer."""

    def events(self, body: Json, said: Said) -> Iterator[tuple[str, str]]:
        """The events of a streamed answer: name (empty where the format has none) and data."""

    def error(self, status: int, message: str) -> Json:
        """An error as this provider words it."""


FORMATS: dict[str, Format] = {"/chat/completions": chat, "/responses": responses, "/messages": messages}


def spoken(path: str) -> Format | None:
    """The format that a path is asked in."""
    plain = path.partition("?")[0].rstrip("/")
    return next((form for end, form in FORMATS.items() if plain.endswith(end)), None)
