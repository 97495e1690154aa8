"""Cost from the model's own prices, else from the table, else unknown."""

from __future__ import annotations

import pytest

from runner.core.records import Model, Prices
from runner.gateway.metering.pricing import cost_usd
from runner.gateway.wire import Tokens


def model(provider: str, name: str, prices: Prices | None = None) -> Model:
    return Model(
        id="x/y",
        provider=provider,
        name=name,
        wire="openai_chat",
        upstream="https://x.invalid",
        prices=prices,
    )


def test_the_models_own_prices_come_first_and_cached_input_apart() -> None:
    own = model("anthropic", "claude-opus-4-7", Prices(input=2, cached_input=0.5, output=8))
    assert cost_usd(own, Tokens(1_000_000, 400_000, 100_000)) == pytest.approx(1.2 + 0.2 + 0.8)


def test_without_a_cached_price_cached_input_costs_as_input() -> None:
    own = model("x", "y", Prices(input=2, output=8))
    assert cost_usd(own, Tokens(1_000_000, 400_000, 0)) == pytest.approx(2)


@pytest.mark.parametrize(
    ("provider", "name"), [("anthropic", "claude-opus-4-7"), ("openrouter", "anthropic/claude-opus-4.7")]
)
def test_the_table_knows_models_and_that_cached_input_is_cheaper(provider: str, name: str) -> None:
    fresh = cost_usd(model(provider, name), Tokens(1_000_000, 0, 0))
    cached = cost_usd(model(provider, name), Tokens(1_000_000, 1_000_000, 0))
    assert fresh is not None
    assert cached is not None
    assert 0 < cached < fresh


@pytest.mark.parametrize(("provider", "name"), [("ollama", "qwen3-coder"), ("openai", "no-such-model-7")])
def test_unknown_prices_are_none(provider: str, name: str) -> None:
    assert cost_usd(model(provider, name), Tokens(10, 0, 10)) is None
