"""Replaying: an upstream that answers from a cassette and says where a run first went another way.

A request gets the reply that was recorded to the same request (see `canonical`), the n-th time it comes the
n-th one. A request that was never recorded gets the next unplayed reply of its own conversation, or of one
alike, so that a replay goes on when a command's output is a little different; it is noted as a divergence.
Faults come back as they were; waiting times do not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.core.errors import UpstreamError
from runner.core.replay import Divergence, Replayed
from runner.gateway.calls.upstream import Answer, Call, NeverSent
from runner.gateway.recording.canonical import Canon, Canonical, difference
from runner.gateway.recording.cassette import Take, read_takes
from runner.gateway.wire import Wire, as_dict, as_list, parsed

ENDED = "replay_ended"


@dataclass
class _Entry:
    """A recorded try. `take` has no request any more: they would fill the memory."""

    take: Take
    key: str
    lane: str
    has_tools: bool
    played: bool = False


class ReplayUpstream:
    """Answers each model call from a cassette."""

    def __init__(self, path: Path, wire: Wire, entries: list[_Entry], canon: Canon) -> None:
        self._path = path
        self._wire = wire
        self._entries = sorted(entries, key=lambda entry: entry.take.n)
        self._canon = canon
        self._requests = 0
        self._as_recorded = 0
        self._first: Divergence | None = None

    @property
    def replayed(self) -> Replayed:
        """How it went so far."""
        unplayed = [entry.take for entry in self._entries if not entry.played]
        first = self._first or (_never_asked(unplayed) if unplayed else None)
        return Replayed(
            requests=self._requests,
            as_recorded=self._as_recorded,
            unplayed=len(unplayed),
            divergence=first,
        )

    @asynccontextmanager
    async def send(self, call: Call) -> AsyncIterator[Answer]:
        """The recorded reply or fault; an error that ends the agent when none is left."""
        self._requests += 1
        entry = self._next(call, self._requests)
        if entry is None:
            status = self._wire.stop_status
            body = self._wire.error(status, ENDED, "the recorded run has no further reply to such a request")
            yield Answer(status, {"Content-Type": "application/json"}, _played([body], None))
            return
        take = entry.take
        if take.status is None:
            message = take.error or "nothing was answered"
            raise UpstreamError(message) if take.sent else NeverSent(message)
        yield Answer(take.status, _without_waiting(take), _played(take.chunks, take.error))

    def _next(self, call: Call, number: int) -> _Entry | None:
        form = self._canon.form(call.path, call.body)
        left = [e for e in self._entries if not e.played and e.take.phase == call.phase]
        entry = next((e for e in left if e.key == form.key), None)
        if entry is not None:
            self._as_recorded += 1
        else:
            entry = _closest(left, form, _has_tools(call.body))
            if self._first is None:
                self._first = self._diverged(call, number, form, entry)
        if entry is not None:
            entry.played = True
        return entry

    def _diverged(self, call: Call, number: int, form: Canonical, entry: _Entry | None) -> Divergence:
        place = f"request {number} (phase {call.phase})"
        if any(e.key == form.key and e.take.phase == call.phase for e in self._entries):
            message = f"{place} repeats an earlier one more often than was recorded"
            return Divergence(message=message, phase=call.phase, request=number)
        if entry is None:
            message = f"{place} has no recorded reply left: the recorded run had ended here"
            return Divergence(message=message, phase=call.phase, request=number)
        recorded = next(take for take in read_takes(self._path) if take.n == entry.take.n)
        then = self._canon.form(recorded.path, recorded.request)
        found = difference(then.document, form.document)
        where, was, now = found or ("the path", recorded.path, call.path)
        return Divergence(
            message=f"{place} differs from the recorded request {recorded.n} at {where}",
            phase=call.phase,
            request=number,
            recorded=recorded.n,
            where=where,
            was=was,
            now=now,
        )


async def open_replay(path: Path, wire: Wire) -> ReplayUpstream:
    """A replay from its beginning. Raises ArchiveError if the cassette is damaged."""
    canon = Canon()
    entries = await asyncio.to_thread(lambda: list(_entries(path, canon)))
    return ReplayUpstream(path, wire, entries, canon)


def _entries(path: Path, canon: Canon) -> Iterator[_Entry]:
    for take in read_takes(path):
        form = canon.form(take.path, take.request)
        has_tools = _has_tools(take.request)
        take.request = b""
        yield _Entry(take, form.key, form.lane, has_tools)


def _closest(left: list[_Entry], form: Canonical, has_tools: bool) -> _Entry | None:
    """Of the same conversation, else of one alike: a reply that calls tools is of no use without them."""
    own = (entry for entry in left if entry.lane == form.lane)
    alike = (entry for entry in left if entry.has_tools == has_tools)
    return next(own, None) or next(alike, None)


def _has_tools(body: bytes) -> bool:
    try:
        return bool(as_list(as_dict(parsed(body)).get("tools")))
    except ValueError:
        return False


def _never_asked(unplayed: list[Take]) -> Divergence:
    first = unplayed[0]
    some = "1 recorded reply was" if len(unplayed) == 1 else f"{len(unplayed)} recorded replies were"
    return Divergence(
        message=f"{some} never asked for, the first in phase {first.phase} (recorded request {first.n})",
        phase=first.phase,
        recorded=first.n,
    )


def _without_waiting(take: Take) -> dict[str, str]:
    return {name: "0" if name.lower() == "retry-after" else value for name, value in take.headers.items()}


async def _played(chunks: list[bytes], error: str | None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if error is not None:
        raise UpstreamError(error)
