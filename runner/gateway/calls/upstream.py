"""Where model calls go: a provider over HTTP, or anything else that answers alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Protocol

import aiohttp
from yarl import URL

from runner.core.errors import UpstreamError
from runner.gateway.settings import GatewaySettings
from runner.gateway.wire import RequestSummary

PASSED_HEADERS = ("Content-Type", "Retry-After")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
FAILURES = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


class NeverSent(UpstreamError):
    """No connection came about, so nothing can have been billed."""


@dataclass(frozen=True)
class Call:
    """A model call on its way out. `path` (with its query) is relative to the provider's base URL."""

    phase: str
    path: str
    body: bytes
    summary: RequestSummary
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """A reply on its way back; `chunks` raises UpstreamError when it breaks off."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]

    @property
    def streamed(self) -> bool:
        """Whether it comes as server-sent events."""
        return "event-stream" in self.headers.get("Content-Type", "")


class Upstream(Protocol):
    """Answers model calls."""

    def send(self, call: Call) -> AbstractAsyncContextManager[Answer]:
        """Raises NeverSent or UpstreamError on entering; leaving gives the connection up."""
        ...


class HttpUpstream:
    """A provider. `authorization` goes into every request and nowhere else."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        authorization: Mapping[str, str],
        settings: GatewaySettings,
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/") + "/"
        self._proxy = None if URL(base_url).host in LOCAL_HOSTS else settings.proxy
        self._settings = settings
        # Identity keeps the reply byte-exact and readable to the tap.
        self._headers = {**authorization, "Content-Type": "application/json", "Accept-Encoding": "identity"}

    @asynccontextmanager
    async def send(self, call: Call) -> AsyncIterator[Answer]:
        """Redirects are not followed: they could carry the key to another host."""
        silence = self._settings.stream_idle_s if call.summary.stream else self._settings.reply_s
        timeout = aiohttp.ClientTimeout(sock_connect=self._settings.connect_s, sock_read=silence)
        try:
            reply = await self._session.post(
                URL(self._base_url + call.path, encoded=True),
                data=BytesIO(call.body),
                headers={**call.headers, **self._headers},
                proxy=self._proxy,
                timeout=timeout,
                allow_redirects=False,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NeverSent(f"the model provider cannot be reached: {error}") from error
        except FAILURES as error:
            raise UpstreamError(f"the model provider did not answer: {_named(error)}") from error
        try:
            headers = {name: reply.headers[name] for name in PASSED_HEADERS if name in reply.headers}
            yield Answer(reply.status, headers, _chunks(reply))
        finally:
            reply.close()


async def _chunks(reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in reply.content.iter_any():
            yield chunk
    except FAILURES as error:
        raise UpstreamError(f"the model provider broke off its reply: {_named(error)}") from error


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
