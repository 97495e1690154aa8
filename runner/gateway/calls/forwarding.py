"""Sends one try to the provider and passes on what comes back, chunk by chunk, metered on the side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from runner.core.errors import UpstreamError
from runner.core.records import UNKNOWN_USAGE
from runner.gateway.calls.attempt import Attempt
from runner.gateway.calls.retry import Overloaded, fault_of, is_retryable, overload
from runner.gateway.calls.upstream import Answer, Call, NeverSent, Upstream
from runner.gateway.metering.ledger import UNBILLED
from runner.gateway.metering.usage import Meter
from runner.gateway.recording.redaction import Redactor
from runner.gateway.wire import Fault, Reply, Tap, Wire, parsed

PLAIN_REPLY_BYTES = 16_000_000
SHOWN_TEXT = 500
OVERLOADED_STATUS = 503
OUR_BUG = "the gateway failed"
CUT = "the model provider ended its reply before it was complete"


@dataclass(frozen=True)
class Forwarder:
    """Turns a call into a response, which keeps to the format whatever the provider does."""

    wire: Wire
    upstream: Upstream
    meter: Meter
    redactor: Redactor

    async def forward(self, request: web.BaseRequest, call: Call, attempt: Attempt) -> web.StreamResponse:
        """A response that has begun only if it is a stream; how the try went is in `attempt`."""
        try:
            async with self.upstream.send(call) as answer:
                if answer.status == 200 and answer.streamed and call.summary.stream:
                    return await self._streamed(request, answer, attempt)
                return await self._whole(answer, attempt)
        except Overloaded as error:
            attempt.fail(OVERLOADED_STATUS, error.fault, str(error), UNBILLED)
            attempt.retryable = True
            return self.error(OVERLOADED_STATUS, error.fault, str(error))
        except UpstreamError as error:
            attempt.retryable = isinstance(error, NeverSent)
            usage = UNBILLED if attempt.retryable else UNKNOWN_USAGE
            attempt.fail(502, Fault.PROVIDER_UNAVAILABLE, str(error), usage)
            return self.error(502, Fault.PROVIDER_UNAVAILABLE, str(error))

    def error(self, status: int, code: str, message: str) -> web.Response:
        """An error as the provider would write it, without the key."""
        body = self.redactor.clean(self.wire.error(status, code, message))
        return web.Response(status=status, body=body, content_type="application/json")

    async def _whole(self, answer: Answer, attempt: Attempt) -> web.Response:
        """A reply that is of use only when it is complete: so a broken one becomes a clean error."""
        body = bytearray()
        async for chunk in answer.chunks:
            attempt.first_byte()
            body += chunk
            if len(body) > PLAIN_REPLY_BYTES:
                raise UpstreamError("the model provider's reply is too large")
        clean = self.redactor.clean(bytes(body))
        if answer.status != 200:
            return self._refused(answer, clean, attempt)
        if answer.streamed or attempt.summary.stream:
            return self._mistyped(answer, clean, attempt)
        reply = self.wire.plain_reply(clean)
        if overloaded := overload(self.wire, reply, clean):
            raise overloaded
        self._enter(attempt, reply)
        if reply.error is not None and not _is_object(clean):
            attempt.status = 502
            return self.error(502, Fault.PROVIDER_UNAVAILABLE, f"{reply.error}: {_shown(clean)}")
        return web.Response(status=200, body=clean, headers=self._headers(answer))

    def _refused(self, answer: Answer, body: bytes, attempt: Attempt) -> web.Response:
        """An error status, which costs nothing; the provider's own words go on if they are in its format."""
        fault, text = self.wire.fault(answer.status, body), body.decode("utf-8", "replace")
        attempt.fail(answer.status, fault, text, UNBILLED)
        attempt.retryable = is_retryable(answer.status, fault)
        attempt.retry_after = answer.headers.get("Retry-After")
        if _is_object(body):
            return web.Response(status=answer.status, body=body, headers=self._headers(answer))
        told = self.error(answer.status, fault, f"status {answer.status}: {_shown(body)}")
        told.headers.update({k: v for k, v in self._headers(answer).items() if k != "Content-Type"})
        return told

    def _mistyped(self, answer: Answer, body: bytes, attempt: Attempt) -> web.Response:
        """Plain where a stream was asked for, or the other way round: the agent could not read it."""
        if answer.streamed:
            tap = self.wire.tap()
            tap.feed(body)
            reply = tap.reply()
        else:
            reply = self.wire.plain_reply(body)
        if overloaded := overload(self.wire, reply, body):
            raise overloaded
        self._enter(attempt, reply)
        kind = answer.headers.get("Content-Type", "nothing known")
        asked = "a stream" if attempt.summary.stream else "a plain reply"
        message = f"the model provider answered with {kind} where {asked} was asked for: {_shown(body)}"
        attempt.fail(
            502, fault_of(self.wire, reply.error) if reply.error else Fault.PROVIDER_UNAVAILABLE, message
        )
        return self.error(502, Fault.PROVIDER_UNAVAILABLE, message)

    async def _streamed(
        self, request: web.BaseRequest, answer: Answer, attempt: Attempt
    ) -> web.StreamResponse:
        """All chunks but the first go on before they are looked at; what breaks off still gets an end."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        tap, broken = self.wire.tap(), None
        try:
            await self._pass_on(request, response, answer, tap, attempt)
        except Overloaded:
            raise
        except UpstreamError as error:
            broken = str(error)
        except (asyncio.CancelledError, OSError):  # the agent left: what was metered so far still counts
            attempt.reply = tap.reply()
            attempt.usage = self.meter.usage(attempt.reply)
            raise
        except Exception as error:
            if not response.prepared:
                raise
            attempt.bug = f"{type(error).__name__}: {error}"
            attempt.fail(500, Fault.STOPPED, OUR_BUG)
            await response.write(self.wire.broken_stream(OUR_BUG))
            return response
        if not response.prepared:
            raise UpstreamError(broken or "the model provider's reply is empty")
        reply = tap.reply()
        self._enter(attempt, reply)
        if not reply.complete:
            broken = broken or reply.error or CUT
            fault = attempt.fault or Fault.PROVIDER_UNAVAILABLE
            attempt.fail(502, fault, broken)
            await response.write(self.wire.broken_stream(self.redactor.clean_text(broken)))
        return response

    async def _pass_on(
        self,
        request: web.BaseRequest,
        response: web.StreamResponse,
        answer: Answer,
        tap: Tap,
        attempt: Attempt,
    ) -> None:
        """Raises Overloaded, with nothing passed on, if the first chunk is such an error."""
        redacted = self.redactor.stream()
        async for chunk in answer.chunks:
            attempt.first_byte()
            if not (passed := redacted.feed(chunk)):
                continue
            if response.prepared:
                await response.write(passed)
                tap.feed(passed)
                continue
            tap.feed(passed)
            if overloaded := overload(self.wire, tap.reply(), passed):
                raise overloaded
            await response.prepare(request)
            await response.write(passed)
        if passed := redacted.end():
            if not response.prepared:
                await response.prepare(request)
            await response.write(passed)
            tap.feed(passed)

    def _enter(self, attempt: Attempt, reply: Reply) -> None:
        attempt.reply, attempt.usage = reply, self.meter.usage(reply)
        if reply.error is None:
            attempt.succeed()
        else:
            attempt.fail(200, fault_of(self.wire, reply.error), reply.error)

    def _headers(self, answer: Answer) -> dict[str, str]:
        return {name: self.redactor.clean_text(value) for name, value in answer.headers.items()}


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(parsed(body), dict)
    except ValueError:
        return False


def _shown(body: bytes) -> str:
    return body[:SHOWN_TEXT].decode("utf-8", "replace").strip()
