"""What a request becomes before it is sent: read, completed, and held to what the budget has left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from runner.core.records import Model
from runner.gateway.calls.attempt import Attempt, Refusal
from runner.gateway.calls.seal import breach
from runner.gateway.calls.upstream import Call
from runner.gateway.metering.ledger import Demand, Ledger, OverBudget
from runner.gateway.metering.usage import Meter
from runner.gateway.wire import Fault, Wire, parsed

DEFAULT_OUTPUT = 128_000
LEAST_OUTPUT = 1024


@dataclass(frozen=True)
class Asked:
    """A request of the agent; `body` is what goes out, `document` the same parsed."""

    body: bytes
    document: dict[str, Any]
    path: str
    headers: dict[str, str]


class Admission:
    """Reads requests of one model and admits them into the ledger."""

    def __init__(self, model: Model, wire: Wire, ledger: Ledger, meter: Meter) -> None:
        self._model = model
        self._wire = wire
        self._ledger = ledger
        self._meter = meter

    def read(self, attempt: Attempt, request: web.BaseRequest, body: bytes) -> Asked:
        """The agent's bytes, unless the model's entry or metering adds to them; raises Refusal."""
        model, wire = self._model, self._wire
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
        if wanted := breach(document):
            raise Refusal(400, Fault.BAD_REQUEST, f"this run is sealed: {wanted} is refused")
        changes = model.params | wire.additions(document | model.params)
        sent = merged(body, document, changes) if changes else body
        attempt.summary = wire.summary(request.path_qs, document | changes)
        path, headers = wire.upstream_path(request.path_qs), wire.passed_headers(request.headers)
        return Asked(sent, document | changes, path, headers)

    async def admit(self, attempt: Attempt, asked: Asked) -> Call:
        """The call, once there is room for its worst case; raises Refusal if there never will be.

        A reply without a bound of its own gets one if the budget demands it and leaves a useful length.
        """
        demand = self._demand(attempt, asked)
        try:
            granted = await self._ledger.admit(attempt.n, attempt.phase, demand)
        except OverBudget as error:
            raise Refusal(self._wire.stop_status, Fault.BUDGET, str(error)) from error
        attempt.sending()
        body = asked.body
        if granted < demand.most:
            attempt.capped_to = granted // attempt.summary.choices
            limit = self._wire.output_limit(asked.document, attempt.capped_to)
            body = merged(body, asked.document, limit)
        return Call(attempt.phase, asked.path, body, attempt.summary, asked.headers)

    def _demand(self, attempt: Attempt, asked: Asked) -> Demand:
        summary, size = attempt.summary, len(asked.body)
        named = summary.max_output_tokens
        most = (self._model.max_output_tokens or DEFAULT_OUTPUT) if named is None else named
        least = min(most, LEAST_OUTPUT) if named is None else most
        return Demand(
            most * summary.choices, least * summary.choices, lambda output: self._meter.worst(size, output)
        )


def merged(body: bytes, document: dict[str, Any], changes: dict[str, Any]) -> bytes:
    """`body` with `changes`; where nothing is replaced, the agent's own bytes stay as they are."""
    if document.keys().isdisjoint(changes):
        return body.rstrip()[:-1] + b"," + json.dumps(changes).encode()[1:]
    return json.dumps(document | changes).encode()
