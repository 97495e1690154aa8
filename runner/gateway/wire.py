"""What the gateway must know of a wire format: one small protocol; each file of `wires/` offers a `WIRE`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

COMMAND_NAMES = ("command", "cmd", "script")


class Fault(StrEnum):
    """Why an exchange gave the agent no usable reply, as observed at the gateway.

    RATE_LIMITED passes within minutes; QUOTA, a limit by the day or longer, does not.
    """

    BUDGET = "budget"
    BAD_REQUEST = "bad_request"
    AGENT_LEFT = "agent_left"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    NO_CREDIT = "no_credit"
    BAD_KEY = "bad_key"
    MODEL_NOT_FOUND = "model_not_found"
    REQUEST_REFUSED = "request_refused"
    CONTEXT_OVERFLOW = "context_overflow"
    STOPPED = "stopped"


@dataclass(frozen=True)
class RequestSummary:
    """What a request asks for.

    `turn` counts the tool results in it, or where no tools are offered the model's own messages: 0 at the
    start. `tools` are the names of the tools it offers. `result` is a digest of the newest tool results, by
    which a model that makes no progress is told. `choices`: how many replies are asked for, each of
    `max_output_tokens`.
    """

    model: str
    stream: bool
    max_output_tokens: int | None
    messages: int
    turn: int
    tools: tuple[str, ...] = ()
    result: str = ""
    choices: int = 1


@dataclass(frozen=True)
class Tokens:
    """Usage as the provider reported it, in one way for all formats.

    `input` includes `cached_input` (read from the cache) and `cache_write`; `output` includes `reasoning`,
    which is None where the format does not tell it. `cost_usd` is the provider's own figure, if stated.
    """

    input: int
    cached_input: int
    output: int
    cache_write: int = 0
    reasoning: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True)
class ToolCall:
    """A tool the model wants run; `arguments` is JSON as the model wrote it, possibly broken."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Reply:
    """What a reply said, streamed or not. `complete`: the format's finish marker was seen.

    `error` is the provider's message when a reply of status 200 turned out to be an error.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tokens: Tokens | None = None
    complete: bool = True
    error: str | None = None

    @property
    def command(self) -> str | None:
        """The last tool call, for people who watch: the command among its arguments, else the tool's name."""
        if not self.tool_calls:
            return None
        call = self.tool_calls[-1]
        try:
            arguments = as_dict(parsed(call.arguments))
        except ValueError:
            return call.name
        command = next((arguments[name] for name in COMMAND_NAMES if name in arguments), None)
        words = [as_text(word) for word in as_list(command)]
        return (command if isinstance(command, str) else " ".join(words)) or call.name


class Tap(Protocol):
    """Reads along a streamed reply; fed after each chunk was passed on, so it never delays one."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, cut anywhere."""
        ...

    def reply(self) -> Reply:
        """What was assembled so far, at most a few megabytes of it."""
        ...


class Wire(Protocol):
    """One wire format between agent and provider.

    `models_path` is where agents list the models; `stop_status` is the status that ends an agent for good.
    """

    id: str
    models_path: str
    stop_status: int

    def serves(self, path: str) -> bool:
        """Whether a POST to `path` is a model call."""
        ...

    def upstream_path(self, path: str) -> str:
        """`path` (with its query, less the token) relative to the base URL, which ends in the version."""
        ...

    def token(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        """The credential a request carries."""
        ...

    def passed_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """What of a request's headers goes on to the provider, with what the provider demands."""
        ...

    def authorization(self, key: str, base_url: str) -> dict[str, str]:
        """Headers that carry the key of the provider at `base_url`."""
        ...

    def summary(self, path: str, document: dict[str, Any]) -> RequestSummary:
        """What a POST of `document` to `path` (with its query) asks for.

        Raises ValueError if it lacks what is demanded.
        """
        ...

    def output_limit(self, document: dict[str, Any], tokens: int) -> dict[str, Any]:
        """The top-level fields to set so that a reply has at most so many output tokens, reasoning too."""
        ...

    def additions(self, document: dict[str, Any]) -> dict[str, Any]:
        """Fields to set so that the reply carries usage; empty when nothing must change."""
        ...

    def plain_reply(self, body: bytes) -> Reply:
        """A whole reply of status 200; never raises."""
        ...

    def tap(self) -> Tap:
        """A fresh tap for one streamed reply."""
        ...

    def fault(self, status: int, body: bytes) -> Fault:
        """What a reply of status 400 or more means."""
        ...

    def error(self, status: int, code: str, message: str) -> bytes:
        """An error body as the provider would write it."""
        ...

    def broken_stream(self, message: str) -> bytes:
        """Ends a stream that broke off: an error event and the finish marker, so that no agent loops."""
        ...

    def model_list(self, name: str, provider: str) -> bytes:
        """The reply to `models_path`."""
        ...

    def render(self, turn: Reply, request: RequestSummary) -> Iterator[bytes]:
        """A scripted turn as the provider would send it, in chunks; whole in one chunk if not streamed."""
        ...


def parsed(text: str | bytes) -> Any:
    """JSON from an untrusted source; raises ValueError whatever is wrong with it."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def as_dict(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one: providers send null where an object belongs."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """`value` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """`value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def as_count(value: Any) -> int | None:
    """`value` if it is a whole number from 0 on, as large as counts can be."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None


def as_amount(value: Any) -> float | None:
    """`value` if it is a finite number from 0 on."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < float("inf") else None


def as_json(value: Any) -> str:
    """JSON of a value that was parsed; null if it is nested as deeply as could just be parsed."""
    try:
        return json.dumps(value)
    except RecursionError:
        return "null"


def digest_of(items: Iterable[Any]) -> str:
    """A short digest of some JSON values; empty for none."""
    listed = list(items)
    return hashlib.blake2b(as_json(listed).encode(), digest_size=8).hexdigest() if listed else ""
