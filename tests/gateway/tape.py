"""An upstream of a test, without a network: plays chunks and fails as told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from runner.core.errors import UpstreamError
from runner.core.records import Model
from runner.gateway.calls.upstream import Answer, Call, Upstream
from runner.gateway.wire import RequestSummary

MODEL = Model(id="mock/m", provider="mock", name="m", wire="openai_chat", upstream="http://h/v1", key_env="K")
SUMMARY = RequestSummary(model="m", stream=True, max_output_tokens=None, messages=1, turn=0)


@dataclass
class Tape:
    """An upstream that plays chunks, and fails as told: `refused` before an answer, `broken` after it."""

    chunks: Sequence[bytes] = (b"hello",)
    status: int = 200
    refused: UpstreamError | None = None
    broken: UpstreamError | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def send(self, call: Call) -> AsyncIterator[Answer]:
        if self.refused:
            raise self.refused
        yield Answer(self.status, self.headers, self._played())

    async def _played(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk
        if self.broken:
            raise self.broken


def call(body: bytes = b'{"model":"m"}', phase: str = "build") -> Call:
    return Call(phase, "chat/completions", body, SUMMARY)


async def heard(upstream: Upstream, this: Call | None = None) -> list[bytes]:
    async with upstream.send(this or call()) as answer:
        return [chunk async for chunk in answer.chunks]
