"""Two figures for one thing: where a second source disagrees with the ledger."""

from __future__ import annotations

from runner.core.records import Disagreement, Usage

TOLERANCE = 0.05
METERS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_usd",
)


class Reconciliation:
    """The costs that replies state, beside what the same tokens cost by our prices; per phase."""

    def __init__(self) -> None:
        self._stated: dict[str, tuple[float, float]] = {}

    def note(self, phase: str, stated: float, priced: float | None) -> None:
        """One reply's two costs; it says nothing if ours is unknown."""
        if priced is not None:
            before = self._stated.get(phase, (0.0, 0.0))
            self._stated[phase] = (before[0] + stated, before[1] + priced)

    def with_provider(self, phase: str) -> list[Disagreement]:
        """The provider's figure is the ledger's, for it is the bill; `other` is what our prices give."""
        stated, priced = self._stated.get(phase, (0.0, 0.0))
        return _compared(phase, "provider", {"cost_usd": (stated, priced)})


def with_agent(phase: str, ledger: Usage, reported: Usage) -> list[Disagreement]:
    """What the agent's own log says, meter by meter, where both know; input includes what was cached.

    Requests are left out: what an agent counts are turns, and what the gateway tried again it never saw.
    """
    pairs = {meter: (getattr(ledger, meter), getattr(reported, meter)) for meter in METERS}
    return _compared(phase, "agent", pairs)


def _compared(
    phase: str, source: str, pairs: dict[str, tuple[float | None, float | None]]
) -> list[Disagreement]:
    return [
        Disagreement(phase=phase, meter=meter, source=source, ledger=ledger, other=other)
        for meter, (ledger, other) in pairs.items()
        if ledger is not None and other is not None
        if abs(ledger - other) > TOLERANCE * max(abs(ledger), abs(other))
    ]
