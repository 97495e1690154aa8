"""Cassettes: every try of a run with its reply, chunk by chunk, so that it can be replayed with no network.

The first line names the model: {"cassette": 1, "model": {...}}. Then one line a try, in the order they ended:

    n         in the order of sending, from 1
    phase, path
    request   {like, head, tail, rest}: so many first and last bytes are those of request `like`
    status, headers, chunks     of the reply; status is null if none began
    error     why it broke off, null if it came to its end
    sent      false if no connection came about

`rest` and chunks are texts, or {"base64": ...} where they are not UTF-8. Requests are kept whole but not
twice: each repeats nearly all of the one before. So what counts as the same request is decided when a
cassette is replayed, not when it is recorded.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.core.errors import ArchiveError, UpstreamError
from runner.core.records import Model
from runner.gateway.calls.upstream import Answer, Call, NeverSent, Upstream
from runner.gateway.recording.redaction import Redactor
from runner.gateway.recording.transcript import JsonLines

FORMAT = 1
LIKE = 4  # how many earlier requests one may be told by: several conversations may go on side by side
ENOUGH = 0.9
KEPT_BYTES = 64_000_000
BLOCK = 1 << 16
LEFT = "the agent went away before the reply was complete"
TOO_LARGE = f"only the first {KEPT_BYTES} bytes of the reply were recorded"


@dataclass
class Take:
    """One try and its reply, as far as it came."""

    n: int
    phase: str
    path: str
    request: bytes
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    error: str | None = LEFT
    sent: bool = True

    async def taking(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same chunks, noted as they pass."""
        size = 0
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size <= KEPT_BYTES:
                    self.chunks.append(chunk)
                yield chunk
            self.error = None if size <= KEPT_BYTES else TOO_LARGE
        except UpstreamError as error:
            self.error = str(error)
            raise


class Recorder:
    """An upstream that records another. A line is written when the agent has its reply, never before."""

    def __init__(
        self, upstream: Upstream, lines: JsonLines, redactor: Redactor, on_lost: Callable[[str], None]
    ) -> None:
        self._upstream = upstream
        self._lines = lines
        self._redactor = redactor
        self._on_lost = on_lost
        self._numbers = count(1)
        self._requests = Requests()
        self._waiting: deque[Take] = deque()

    def send(self, call: Call) -> AbstractAsyncContextManager[Answer]:
        """What the other upstream answers or raises."""
        return self._recorded(call, Take(next(self._numbers), call.phase, call.path, call.body))

    @asynccontextmanager
    async def _recorded(self, call: Call, take: Take) -> AsyncIterator[Answer]:
        try:
            async with self._upstream.send(call) as answer:
                take.status, take.headers = answer.status, answer.headers
                yield replace(answer, chunks=take.taking(answer.chunks))
        except UpstreamError as error:
            take.error, take.sent = str(error), not isinstance(error, NeverSent)
            raise
        finally:
            self._waiting.append(take)
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Write down what has ended."""
        while self._waiting:
            take = self._waiting.popleft()
            try:
                self._lines.write(self._record(take))
            except OSError as error:
                self._on_lost(str(error))

    def _record(self, take: Take) -> dict[str, Any]:
        return {
            "n": take.n,
            "phase": take.phase,
            "path": take.path,
            "request": self._requests.pack(take.n, self._redactor.clean(take.request)),
            "status": take.status,
            "headers": dict(take.headers),
            "chunks": [_told(chunk) for chunk in self._clean(take.chunks)],
            "error": take.error,
            "sent": take.sent,
        }

    def _clean(self, chunks: Sequence[bytes]) -> Sequence[bytes]:
        """Chunks are moved only where the key was cut by one's end."""
        whole = b"".join(chunks)
        if self._redactor.clean(whole) == whole:
            return chunks
        stream = self._redactor.stream()
        return [*(stream.feed(chunk) for chunk in chunks), stream.end()]


@contextmanager
def recording(
    upstream: Upstream, path: Path | None, model: Model, redactor: Redactor, on_lost: Callable[[str], None]
) -> Iterator[Upstream]:
    """The upstream, recorded into a new file; as it is if there is no `path`."""
    if path is None:
        yield upstream
        return
    with JsonLines(path, redactor) as lines:
        lines.write({"cassette": FORMAT, "model": model.model_dump(mode="json")})
        recorder = Recorder(upstream, lines, redactor, on_lost)
        try:
            yield recorder
        finally:
            recorder.flush()


def recorded_model(path: Path) -> Model:
    """The model that a cassette was recorded with. Raises ArchiveError if it cannot be read."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline())
        if header.get("cassette") != FORMAT:
            raise ArchiveError(f"{path}: is no cassette that this version can replay")
        return Model.model_validate(header["model"])
    except (OSError, ValueError, KeyError, AttributeError, ValidationError) as error:
        raise ArchiveError(f"{path}: the cassette is damaged: {error}") from error


def read_takes(path: Path) -> Iterator[Take]:
    """What was recorded, in the order of the file. Raises ArchiveError where it is damaged."""
    requests = Requests()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                record = json.loads(line)
                if number > 1:
                    yield _take(record, requests)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ArchiveError(f"{path}: line {number}: the cassette is damaged: {error!r}") from error


def _take(record: dict[str, Any], requests: Requests) -> Take:
    return Take(
        n=record["n"],
        phase=record["phase"],
        path=record["path"],
        request=requests.unpack(record["n"], record["request"]),
        status=record["status"],
        headers=record["headers"],
        chunks=[_untold(chunk) for chunk in record["chunks"]],
        error=record["error"],
        sent=record["sent"],
    )


class Requests:
    """Tells requests by what they share with the last few."""

    def __init__(self) -> None:
        self._last: deque[tuple[int, bytes]] = deque(maxlen=LIKE)

    def pack(self, n: int, body: bytes) -> dict[str, Any]:
        """Request `n`, told by whichever earlier one saves most, or the first that saves nearly all."""
        like, head, tail = None, 0, 0
        for number, other in reversed(self._last):
            shared = _shared(body, other)
            if sum(shared) > head + tail:
                like, (head, tail) = number, shared
            if head + tail > ENOUGH * len(body):
                break
        self._last.append((n, body))
        return {"like": like, "head": head, "tail": tail, "rest": _told(body[head : len(body) - tail])}

    def unpack(self, n: int, packed: Mapping[str, Any]) -> bytes:
        """What was packed; requests must come in the same order. Raises KeyError if `like` is not there."""
        other = b"" if packed["like"] is None else dict(self._last)[packed["like"]]
        head, tail = packed["head"], packed["tail"]
        body = other[:head] + _untold(packed["rest"]) + other[len(other) - tail :]
        self._last.append((n, body))
        return body


def _shared(a: bytes, b: bytes) -> tuple[int, int]:
    """How many first and last bytes are the same; together no more than the shorter has."""
    most = min(len(a), len(b))
    head = _grown(most, lambda start, end: a[start:end] == b[start:end])
    ends = len(a), len(b)
    tail = _grown(
        most - head,
        lambda start, end: a[ends[0] - end : ends[0] - start] == b[ends[1] - end : ends[1] - start],
    )
    return head, tail


def _grown(most: int, same: Callable[[int, int], bool]) -> int:
    """The largest length up to which all is the same: by blocks, then by halves of one."""
    length, step = 0, BLOCK
    while step:
        if length + step <= most and same(length, length + step):
            length += step
        else:
            step //= 2
    return length


def _told(data: bytes) -> str | dict[str, str]:
    with suppress(UnicodeDecodeError):
        return data.decode()
    return {"base64": base64.b64encode(data).decode()}


def _untold(told: str | dict[str, str]) -> bytes:
    return told.encode() if isinstance(told, str) else base64.b64decode(told["base64"])
