"""A run's transcript as turns: each shows only what is new in its request, then what the model replied."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.report.site.conversation import Block, blocks, call, history, identity
from runner.report.site.visible import bounded

BLOCK_CHARACTERS = 24_000
TURN_CHARACTERS = 120_000
MAX_TURNS = 3_000
LINE_BYTES = 64_000_000
_SAYS_NOTHING = ("set -", "cd ", "#!")  # how scripts begin; what they do comes after


@dataclass(frozen=True)
class Turn:
    """One exchange with the model. `repeated` is how many items of its request were shown before."""

    number: int
    phase: str
    at: str
    wall_s: float | None
    status: int | None
    attempt: int
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    summary: str
    error: str
    repeated: int
    blocks: tuple[Block, ...]

    @property
    def failed(self) -> bool:
        """Whether it brought no reply."""
        return bool(self.error) or (self.status is not None and self.status >= 400)


def read_turns(path: Path) -> Iterator[Turn]:
    """In order, at most MAX_TURNS; a line that is no exchange is passed over."""
    seen: dict[str, _Seen] = {}
    for number, line in enumerate(_lines(path), 1):
        if number > MAX_TURNS:
            return
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield _turn(record, number, seen.setdefault(str(record.get("phase")), _Seen()))


class _Seen:
    """What a phase's earlier turns have shown: how often each item, and whether the model has replied."""

    def __init__(self) -> None:
        self.items: Counter[bytes] = Counter()
        self.replied = False

    def new(self, items: list[Any]) -> list[Any]:
        """Items beyond those shown before; the model's own words were shown as its reply."""
        fresh, here = [], Counter[bytes]()
        for item in items:
            key = hashlib.sha256(identity(item).encode("utf-8", "surrogatepass")).digest()
            here[key] += 1
            if here[key] > self.items[key]:
                fresh.append(item)
        self.items |= here
        return fresh


def _turn(record: dict[str, Any], number: int, seen: _Seen) -> Turn:
    sent = history(record.get("request"))
    new = seen.new(sent)
    shown = [block for item in new for block in blocks(item) if not (block.is_models and seen.replied)]
    reply = record.get("reply")
    if isinstance(reply, dict):
        shown += _reply(reply)
        seen.replied = True
    usage = record.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Turn(
        number=_whole(record.get("n")) or number,
        phase=str(record.get("phase") or ""),
        at=str(record.get("at") or ""),
        wall_s=_number(record.get("wall_s")),
        status=_whole(record.get("status")),
        attempt=_whole(record.get("attempt")) or 1,
        input_tokens=_whole(usage.get("input_tokens")),
        cached_tokens=_whole(usage.get("cached_input_tokens")),
        output_tokens=_whole(usage.get("output_tokens")),
        cost_usd=_number(record.get("cost_usd")),
        summary=_summary(record, reply),
        error=str(record.get("error") or record.get("fault") or ""),
        repeated=len(sent) - len(new),
        blocks=tuple(_within_bounds(shown)),
    )


def _reply(reply: dict[str, Any]) -> Iterator[Block]:
    if reply.get("reasoning"):
        yield Block("reasoning", str(reply["reasoning"]))
    if reply.get("text"):
        yield Block("assistant", str(reply["text"]))
    for each in reply.get("tool_calls") or []:
        if isinstance(each, dict):
            yield call(str(each.get("name")), each.get("arguments"))


def _summary(record: dict[str, Any], reply: Any) -> str:
    """One line: the command, else the tools called, else the first words."""
    words = record.get("command")
    if not words and isinstance(reply, dict):
        tools = [str(each.get("name")) for each in reply.get("tool_calls") or [] if isinstance(each, dict)]
        words = ", ".join(tools) or reply.get("text")
    lines = [line.strip() for line in str(words or "").splitlines() if line.strip()]
    line = next((line for line in lines if not line.startswith(_SAYS_NOTHING)), next(iter(lines), ""))
    return line if len(line) <= 160 else f"{line[:157]}..."


def _within_bounds(shown: list[Block]) -> Iterator[Block]:
    left = TURN_CHARACTERS
    for block in shown:
        if left <= 0:
            yield Block("system", f"[{len(shown)} parts in this turn; the rest is left out]")
            return
        text = bounded(block.text, min(BLOCK_CHARACTERS, max(left, 400)))
        left -= len(text)
        yield Block(block.kind, text, block.name)


def _lines(path: Path) -> Iterator[bytes]:
    if not path.is_file() or path.is_symlink():
        return
    with path.open("rb") as file:
        while line := file.readline(LINE_BYTES):
            yield line


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
