"""Model calls: checked, admitted, passed on, metered and written down."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from aiohttp import web

from runner.core.errors import UpstreamError
from runner.core.records import UNKNOWN_USAGE, Model, Usage
from runner.gateway.ledger import NOT_SENT, UNBILLED, Exchange, Ledger, OverBudget
from runner.gateway.pricing import cost_usd
from runner.gateway.redaction import Redactor
from runner.gateway.transcript import JsonLines, exchange_record
from runner.gateway.upstream import Answer, Call, NeverSent, Upstream
from runner.gateway.wire import Fault, Reply, RequestSummary, Tokens, Wire, parsed

BODY_BYTES = 32_000_000
BODY_S = 60
PLAIN_REPLY_BYTES = 16_000_000
KEPT_ERROR = 4000
REFUSALS_KEPT = 1000
BYTES_PER_TOKEN = 3  # code and prose have 3.5 to 4.5; a worst case errs on the other side
UNREAD = RequestSummary(model="", stream=False, max_output_tokens=None, messages=0, turn=0)


class Refusal(Exception):
    """A request that is not passed on, with the status that says so."""

    def __init__(self, status: int, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.status, self.fault = status, fault


@dataclass
class Attempt:
    """One try, filled in as it happens. As long as nothing else is known, the agent broke it off."""

    n: int
    phase: str
    summary: RequestSummary = UNREAD
    status: int = 499
    ttfb_s: float | None = None
    reply: Reply | None = None
    usage: Usage = UNKNOWN_USAGE
    fault: Fault | None = Fault.AGENT_LEFT
    error: str | None = "the agent went away before the reply was complete"
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=perf_counter)

    def first_byte(self) -> None:
        """The reply has begun."""
        if self.ttfb_s is None:
            self.ttfb_s = round(perf_counter() - self.started, 6)

    def succeed(self) -> None:
        """The agent got a usable reply."""
        self.status, self.fault, self.error = 200, None, None

    def fail(self, status: int, fault: Fault, error: str, usage: Usage | None = None) -> None:
        """The agent got an error instead of a reply."""
        self.status, self.fault, self.error = status, fault, error[:KEPT_ERROR]
        self.usage = self.usage if usage is None else usage

    def exchange(self) -> Exchange:
        """The ledger's entry, as of now."""
        return Exchange(
            n=self.n,
            phase=self.phase,
            at=self.at,
            wall_s=round(perf_counter() - self.started, 6),
            ttfb_s=self.ttfb_s,
            status=self.status,
            model=self.summary.model,
            stream=self.summary.stream,
            messages=self.summary.messages,
            usage=self.usage,
            fault=self.fault,
            error=self.error,
            command=self.reply.command if self.reply else None,
        )


@dataclass(frozen=True)
class Service:
    """What a proxy knows and uses."""

    model: Model
    wire: Wire
    token: str
    upstream: Upstream
    ledger: Ledger
    transcript: JsonLines
    redactor: Redactor
    on_exchange: Callable[[Exchange], None]


class ModelProxy:
    """Serves one model in its wire format.

    Never raises into the server: an unwritable transcript is kept in `lost`, our own mistake in `bug`.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._wire = service.wire
        self._numbers = itertools.count(1)
        self._refusals = 0
        self.lost: str | None = None
        self.bug: str | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request of the agent."""
        try:
            return await self._routed(request)
        except Refusal as refusal:
            return self._error(refusal.status, refusal.fault, str(refusal))
        except ConnectionError:
            raise
        except Exception as error:
            self.bug = f"{type(error).__name__}: {error}"
            return self._error(500, "gateway_bug", "the gateway failed")

    async def _routed(self, request: web.BaseRequest) -> web.StreamResponse:
        token = self._wire.token(request.headers, request.query) or ""
        if not hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._service.token.encode()):
            raise Refusal(401, Fault.BAD_REQUEST, "this run's token is missing or wrong")
        if request.method == "GET" and request.path == self._wire.models_path:
            model = self._service.model
            return _json(200, self._wire.model_list(model.name, model.provider))
        if request.method != "POST" or not self._wire.serves(request.path):
            raise Refusal(404, Fault.BAD_REQUEST, f"there is no {request.method} {request.path} here")
        if self.lost:
            raise Refusal(503, Fault.BAD_REQUEST, "the transcript cannot be written")
        return await self._model_call(request, await _body(request))

    async def _model_call(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        """Settled before the agent has the whole reply, written down after: nobody waits for the disk."""
        attempt = Attempt(next(self._numbers), self._service.ledger.phase)
        exchange = None
        try:
            call = self._admitted(attempt, request, body)
            response = await self._forward(request, call, attempt)
            exchange = self._settled(attempt)
            await response.prepare(request)
            await response.write_eof()
            return response
        except Refusal as refusal:
            attempt.fail(refusal.status, refusal.fault, str(refusal), NOT_SENT)
            raise
        finally:
            self._write_down(exchange or self._settled(attempt), attempt.reply, body)

    def _admitted(self, attempt: Attempt, request: web.BaseRequest, body: bytes) -> Call:
        """The call as it is sent: the agent's bytes, unless the model's entry or metering adds to them."""
        model, wire = self._service.model, self._wire
        try:
            document = parsed(body.decode())
            if not isinstance(document, dict):
                raise ValueError("the body is not a JSON object")
            attempt.summary = wire.summary(request.path_qs, document)
        except ValueError as error:
            raise Refusal(400, Fault.BAD_REQUEST, str(error)) from error
        if attempt.summary.model != model.name:
            message = f"this run's model is {model.name!r}, not {attempt.summary.model!r}"
            raise Refusal(404, Fault.BAD_REQUEST, message)
        changes = model.params | wire.additions(document | model.params)
        sent = _merged(body, document, changes) if changes else body
        attempt.summary = wire.summary(request.path_qs, document | changes)
        try:
            self._service.ledger.reserve(attempt.n, self._worst_case(sent, attempt.summary))
        except OverBudget as error:
            raise Refusal(wire.stop_status, Fault.BUDGET, str(error)) from error
        headers = wire.passed_headers(request.headers)
        return Call(attempt.phase, wire.upstream_path(request.path_qs), sent, attempt.summary, headers)

    async def _forward(self, request: web.BaseRequest, call: Call, attempt: Attempt) -> web.StreamResponse:
        try:
            async with self._service.upstream.send(call) as answer:
                if answer.status == 200 and answer.streamed:
                    return await self._streamed(request, answer, attempt)
                return await self._whole(answer, attempt)
        except UpstreamError as error:
            usage = UNBILLED if isinstance(error, NeverSent) else UNKNOWN_USAGE
            attempt.fail(502, Fault.PROVIDER_UNAVAILABLE, str(error), usage)
            return self._error(502, Fault.PROVIDER_UNAVAILABLE, str(error))

    async def _whole(self, answer: Answer, attempt: Attempt) -> web.StreamResponse:
        """A reply that is of use only when it is complete: so a broken one becomes a clean error."""
        body = bytearray()
        async for chunk in answer.chunks:
            attempt.first_byte()
            body += chunk
            if len(body) > PLAIN_REPLY_BYTES:
                raise UpstreamError("the model provider's reply is too large")
        clean = self._service.redactor.clean(bytes(body))
        if answer.status == 200:
            self._meter(attempt, self._wire.plain_reply(clean))
        else:
            text = clean.decode("utf-8", "replace")
            attempt.fail(answer.status, self._wire.fault(answer.status, clean), text, UNBILLED)
        clean_text = self._service.redactor.clean_text
        headers = {name: clean_text(value) for name, value in answer.headers.items()}
        return web.Response(status=answer.status, body=clean, headers=headers)

    async def _streamed(
        self, request: web.BaseRequest, answer: Answer, attempt: Attempt
    ) -> web.StreamResponse:
        """Each chunk goes on before it is looked at; a stream that breaks off still gets an end."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        tap, redacted, broken = self._wire.tap(), self._service.redactor.stream(), None
        try:
            async for chunk in answer.chunks:
                attempt.first_byte()
                if passed := redacted.feed(chunk):
                    await response.write(passed)
                    tap.feed(passed)
            if passed := redacted.end():
                await response.write(passed)
                tap.feed(passed)
        except UpstreamError as error:
            broken = str(error)
        except BaseException:  # the agent left: what was metered so far still counts
            attempt.reply = tap.reply()
            attempt.usage = self._usage(attempt.reply.tokens)
            raise
        reply = tap.reply()
        self._meter(attempt, reply)
        if not reply.complete:
            broken = broken or reply.error or "the model provider ended its reply before it was complete"
            attempt.fail(502, Fault.PROVIDER_UNAVAILABLE, broken)
            await response.write(self._wire.broken_stream(self._service.redactor.clean_text(broken)))
        return response

    def _meter(self, attempt: Attempt, reply: Reply) -> None:
        attempt.reply, attempt.usage = reply, self._usage(reply.tokens)
        if reply.error is None:
            attempt.succeed()
        else:
            attempt.fail(200, Fault.PROVIDER_UNAVAILABLE, reply.error)

    def _usage(self, tokens: Tokens | None) -> Usage:
        if tokens is None:
            return UNKNOWN_USAGE
        return Usage(
            requests=1,
            input_tokens=tokens.input,
            cached_input_tokens=tokens.cached_input,
            cache_write_tokens=tokens.cache_write,
            output_tokens=tokens.output,
            reasoning_tokens=tokens.reasoning,
            cost_usd=cost_usd(self._service.model, tokens),
        )

    def _worst_case(self, body: bytes, summary: RequestSummary) -> Usage:
        return self._usage(
            Tokens(
                input=-(-len(body) // BYTES_PER_TOKEN), cached_input=0, output=summary.max_output_tokens or 0
            )
        )

    def _settled(self, attempt: Attempt) -> Exchange:
        if attempt.error:
            attempt.error = self._service.redactor.clean_text(attempt.error)
        exchange = attempt.exchange()
        refused = exchange.usage.requests == 0
        self._refusals += refused
        if not refused or self._refusals <= REFUSALS_KEPT:
            self._service.ledger.settle(exchange)
        return exchange

    def _write_down(self, exchange: Exchange, reply: Reply | None, body: bytes) -> None:
        """Into the transcript. Refusals carry no body and are kept up to a bound: agents may storm."""
        refused = exchange.usage.requests == 0
        if refused and self._refusals > REFUSALS_KEPT:
            return
        try:
            record = exchange_record(exchange, reply)
            self._service.transcript.write(record, **({} if refused else {"request": body}))
            self._service.on_exchange(exchange)
        except OSError as error:
            self.lost = str(error)
        except Exception as error:  # the reply is already on its way: only the verdict can tell
            self.bug = f"{type(error).__name__}: {error}"

    def _error(self, status: int, code: str, message: str) -> web.Response:
        return _json(status, self._service.redactor.clean(self._wire.error(status, code, message)))


async def _body(request: web.BaseRequest) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise Refusal(413, Fault.BAD_REQUEST, f"a request may have {BODY_BYTES} bytes at most")
    except TimeoutError:
        raise Refusal(408, Fault.BAD_REQUEST, "the request took too long to arrive") from None
    except web.RequestPayloadError as error:
        raise Refusal(400, Fault.BAD_REQUEST, f"the request's body is broken: {error}") from error
    return bytes(body)


def _merged(body: bytes, document: dict[str, Any], changes: dict[str, Any]) -> bytes:
    """`body` with `changes`; where nothing is replaced, the agent's own bytes stay as they are."""
    if document.keys().isdisjoint(changes):
        return body.rstrip()[:-1] + b"," + json.dumps(changes).encode()[1:]
    return json.dumps(document | changes).encode()


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")
