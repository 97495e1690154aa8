"""Methods of RubyLLM's that a symbol names: `public_send(:user)`, `map(&:text)`, `delegate :user`."""

from __future__ import annotations

from collections.abc import Iterator

from runner.probes.kit.llm.inventions import GemCall, Invention, Inventions
from runner.probes.kit.ruby.kind import Kind
from runner.probes.kit.ruby.kinds import Kinds
from runner.probes.kit.ruby.syntax import Call, literal

_SENDING = ("public_send", "send", "__send__")


class NamedCalls:
    """Judges calls whose method stands in a symbol."""

    def __init__(self, kinds: Kinds, inventions: Inventions) -> None:
        self._kinds = kinds
        self._inventions = inventions

    def of_call(self, call: Call) -> Iterator[Invention]:
        """What a call names that its receiver does not have."""
        if call.name in _SENDING and call.positional:
            yield from self._judged(call, self._kinds.on_gem(call), literal(call.positional[0]))
        elif call.name == "delegate" and call.receiver is None:
            yield from self._delegated(call)
        elif call.file.says_symbol_block and call.receiver is not None and call.block_argument is not None:
            symbol = next(iter(call.block_argument.named_children), None)
            kind = self._kinds.of(call.file, call.receiver) if literal(symbol) is not None else None
            each = kind.of if kind is not None and kind.name == "Array" else None
            yield from self._judged(call, _gem(each), literal(symbol))

    def _delegated(self, call: Call) -> Iterator[Invention]:
        to = literal(call.keyword("to"))
        if to is None or call.keyword("prefix") is not None:
            return
        owner = self._kinds.code.owner(call.file, call.node)
        on = _gem(self._kinds.answer(Kind("App", owner), to))
        for part in call.positional:
            yield from self._judged(call, on, literal(part))

    def _judged(self, call: Call, on: str | None, name: str | None) -> Iterator[Invention]:
        if on is not None and name is not None and self._inventions.api.knows(on):
            yield from self._inventions.of_name(GemCall(call, on), name)


def _gem(kind: Kind | None) -> str | None:
    return None if kind is None or kind.app is not None else kind.name
