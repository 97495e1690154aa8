"""What tokens cost: the model's own prices, else the genai-prices table. Only the gateway imports this."""

from __future__ import annotations

from genai_prices import Usage, calc_price

from runner.core.records import Model
from runner.gateway.wire import Tokens

MILLION = 1_000_000


def cost_usd(model: Model, tokens: Tokens) -> float | None:
    """The provider's own figure if the reply states one: that is the bill. Else by price, see `priced`."""
    return priced(model, tokens) if tokens.cost_usd is None else tokens.cost_usd


def priced(model: Model, tokens: Tokens) -> float | None:
    """What tokens cost by the model's own prices or by the table; None when neither knows the price."""
    prices = model.prices
    if prices is None:
        return _table_cost(model, tokens)
    read = prices.input if prices.cached_input is None else prices.cached_input
    write = prices.input if prices.cache_write is None else prices.cache_write
    fresh = tokens.input - tokens.cached_input - tokens.cache_write
    cost = fresh * prices.input + tokens.cached_input * read + tokens.cache_write * write
    return (cost + tokens.output * prices.output) / MILLION


def is_priced(model: Model) -> bool:
    """Whether a cost limit can be held: the price is known before a request is sent."""
    return priced(model, Tokens(input=1, cached_input=0, output=1)) is not None


def worst_usd(model: Model, read: int, written: int) -> float | None:
    """The most that so many tokens can cost: all of the input may be written to the cache, or none."""
    ways = (
        Tokens(input=read, cached_input=0, output=written),
        Tokens(input=read, cached_input=0, output=written, cache_write=read),
        Tokens(input=read, cached_input=read, output=written),
    )
    known = [cost for tokens in ways if (cost := priced(model, tokens)) is not None]
    return max(known, default=None)


def _table_cost(model: Model, tokens: Tokens) -> float | None:
    usage = Usage(
        input_tokens=tokens.input,
        cache_read_tokens=tokens.cached_input,
        cache_write_tokens=tokens.cache_write,
        output_tokens=tokens.output,
    )
    try:
        return float(calc_price(usage, model.name, provider_id=model.provider).total_price)
    except (LookupError, ValueError):
        return None
