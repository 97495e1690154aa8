"""What tokens cost: the model's own prices, else the genai-prices table. Only the gateway imports this."""

from __future__ import annotations

from genai_prices import Usage, calc_price

from runner.core.records import Model
from runner.gateway.wire import Tokens

MILLION = 1_000_000


def cost_usd(model: Model, tokens: Tokens) -> float | None:
    """None when neither the model's entry nor the table knows the price."""
    prices = model.prices
    if prices is None:
        return _table_cost(model, tokens)
    cached = prices.input if prices.cached_input is None else prices.cached_input
    fresh = tokens.input - tokens.cached_input
    return (fresh * prices.input + tokens.cached_input * cached + tokens.output * prices.output) / MILLION


def _table_cost(model: Model, tokens: Tokens) -> float | None:
    usage = Usage(
        input_tokens=tokens.input, cache_read_tokens=tokens.cached_input, output_tokens=tokens.output
    )
    try:
        return float(calc_price(usage, model.name, provider_id=model.provider).total_price)
    except (LookupError, ValueError):
        return None
