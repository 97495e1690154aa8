"""Model calls: checked, admitted, tried, passed on, metered and written down."""

from __future__ import annotations

import asyncio
import hmac
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from runner.core.records import Model
from runner.gateway.calls.admission import Admission, Asked
from runner.gateway.calls.attempt import Attempt, Refusal
from runner.gateway.calls.breaker import Breaker
from runner.gateway.calls.forwarding import OUR_BUG, Forwarder
from runner.gateway.calls.progress import Progress
from runner.gateway.calls.retry import Retries
from runner.gateway.calls.upstream import Upstream
from runner.gateway.metering.ledger import NOT_SENT, Exchange, Ledger
from runner.gateway.metering.pricing import priced
from runner.gateway.metering.reconciliation import Reconciliation
from runner.gateway.metering.usage import Meter
from runner.gateway.recording.redaction import Redactor
from runner.gateway.recording.transcript import JsonLines, exchange_record
from runner.gateway.settings import GatewaySettings
from runner.gateway.wire import Fault, Reply, Wire

BODY_BYTES = 32_000_000
BODY_S = 60
REFUSALS_KEPT = 1000


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
    settings: GatewaySettings


class ModelProxy:
    """Serves one model in its wire format.

    Never raises into the server: an unwritable transcript is kept in `lost`, our own mistake in `bug`.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._wire = service.wire
        self._numbers = itertools.count(1)
        self._refusals = 0
        self._meter = Meter(service.model)
        self._admission = Admission(service.model, service.wire, service.ledger, self._meter)
        self._forwarder = Forwarder(service.wire, service.upstream, self._meter, service.redactor)
        self._retries = Retries(service.settings.retry)
        self.breaker = Breaker(service.wire.stop_status)
        self.progress = Progress()
        self.reconciliation = Reconciliation()
        self.lost: str | None = None
        self.bug: str | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request of the agent."""
        try:
            return await self._routed(request)
        except Refusal as refusal:
            return self._forwarder.error(refusal.status, refusal.fault, str(refusal))
        except ConnectionError:
            raise
        except Exception as error:
            self.bug = f"{type(error).__name__}: {error}"
            return self._forwarder.error(500, "gateway_bug", OUR_BUG)

    async def _routed(self, request: web.BaseRequest) -> web.StreamResponse:
        token = self._wire.token(request.headers, request.query) or ""
        if not hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._service.token.encode()):
            raise Refusal(401, Fault.BAD_REQUEST, "this run's token is missing or wrong")
        if request.method == "GET" and request.path == self._wire.models_path:
            model = self._service.model
            body = self._wire.model_list(model.name, model.provider)
            return web.Response(body=body, content_type="application/json")
        if request.method != "POST" or not self._wire.serves(request.path):
            raise Refusal(404, Fault.BAD_REQUEST, f"there is no {request.method} {request.path} here")
        if self.lost:
            raise Refusal(503, Fault.BAD_REQUEST, "the transcript cannot be written")
        return await self._model_call(request, await _body(request))

    async def _model_call(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        """One request, in as many tries as it takes; each is an exchange of its own."""
        attempt = Attempt(next(self._numbers), self._service.ledger.phase)
        asked = None
        while True:
            asked, outcome = await self._try(request, body, attempt, asked)
            if isinstance(outcome, web.StreamResponse):
                return outcome
            await self._retries.sleep(outcome)
            attempt = attempt.next_try()

    async def _try(
        self, request: web.BaseRequest, body: bytes, attempt: Attempt, asked: Asked | None
    ) -> tuple[Asked, web.StreamResponse | float]:
        """The response, or in how many seconds to try again.

        Settled before the agent has the whole reply, written down after: nobody waits for the disk.
        """
        exchange = None
        try:
            self.breaker.check()
            asked = asked or self._admission.read(attempt, request, body)
            call = await self._admission.admit(attempt, asked)
            response = await self._forwarder.forward(request, call, attempt)
            wait_s = self._retries.wait_s(attempt)
            exchange = self._settled(attempt, len(body), final=wait_s is None)
            if wait_s is not None:
                return asked, wait_s
            await response.prepare(request)
            await response.write_eof()
            return asked, response
        except Refusal as refusal:
            attempt.fail(refusal.status, refusal.fault, str(refusal), NOT_SENT)
            raise
        finally:
            self._write_down(exchange or self._settled(attempt, len(body)), attempt.reply, body)

    def _settled(self, attempt: Attempt, size: int, final: bool = True) -> Exchange:
        if attempt.error:
            attempt.error = self._service.redactor.clean_text(attempt.error)
        exchange = attempt.exchange()
        refused = exchange.usage.requests == 0
        self._refusals += refused
        if not refused or self._refusals <= REFUSALS_KEPT:
            self._service.ledger.settle(exchange)
        self._meter.learn(size, exchange.usage)
        if final:
            self.breaker.note(exchange)
        self.bug = self.bug or attempt.bug
        if attempt.reply and not attempt.error:
            self._follow(attempt, attempt.reply)
        return exchange

    def _follow(self, attempt: Attempt, reply: Reply) -> None:
        """What a usable reply tells beside itself: whether the model loops, and what the provider charges."""
        loop = self.progress.note(attempt.phase, attempt.summary, reply)
        if loop and self._service.settings.ends_loops:
            self.breaker.stop(loop)
        if reply.tokens and reply.tokens.cost_usd is not None:
            price = priced(self._service.model, reply.tokens)
            self.reconciliation.note(attempt.phase, reply.tokens.cost_usd, price)

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
