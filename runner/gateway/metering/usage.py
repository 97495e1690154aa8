"""From a reply's tokens to usage, and from a request's size to its worst case."""

from __future__ import annotations

from runner.core.records import UNKNOWN_USAGE, Model, Usage
from runner.gateway.metering.pricing import cost_usd, worst_usd
from runner.gateway.wire import Reply

DENSEST = 1 / 2  # tokens a byte: code and prose in JSON have 1/3 or less
TELLING_BYTES = 10_000
MARGIN = 1.05
CAP_BYTES = 64
RATE_STEP = 10_000


class Meter:
    """Knows one model's prices, and learns how densely its tokens lie."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._density = DENSEST
        self._rates: dict[int, tuple[float, float] | None] = {}

    def usage(self, reply: Reply) -> Usage:
        """What a reply's tokens come to. What it does not tell is unknown, and so is the output of one that
        broke off: its count may be one of the way."""
        tokens = reply.tokens
        if tokens is None:
            return UNKNOWN_USAGE
        return Usage(
            requests=1,
            input_tokens=tokens.input,
            cached_input_tokens=tokens.cached_input,
            cache_write_tokens=tokens.cache_write,
            output_tokens=tokens.output if reply.complete else None,
            reasoning_tokens=tokens.reasoning if reply.complete else None,
            cost_usd=cost_usd(self._model, tokens) if reply.complete else None,
        )

    def worst(self, body_bytes: int, output: int) -> Usage:
        """The most that a request of this size can come to with so many output tokens."""
        read = -(-int((body_bytes + CAP_BYTES) * self._density * 1000) // 1000)
        rates = self._rates_of(read)
        cost = None if rates is None else read * rates[0] + output * rates[1]
        return Usage(requests=1, input_tokens=read, output_tokens=output, cost_usd=cost)

    def _rates_of(self, read: int) -> tuple[float, float] | None:
        """USD a token, input and output, of a request of this size rounded up: prices rise with size.

        Looking them up in the table each time would take longer than all else that is done to a request.
        """
        size = -(-read // RATE_STEP) * RATE_STEP
        if size not in self._rates:
            self._rates[size] = None
            without = worst_usd(self._model, size, 0)
            with_output = worst_usd(self._model, size, size)
            if without is not None and with_output is not None:
                self._rates[size] = without / size, (with_output - without) / size
        return self._rates[size]

    def learn(self, body_bytes: int, usage: Usage) -> None:
        """Worst cases follow the densest request so far; a small one says too little."""
        if body_bytes >= TELLING_BYTES and usage.input_tokens:
            self._density = max(self._density, usage.input_tokens / body_bytes * MARGIN)
