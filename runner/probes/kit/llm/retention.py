"""How long and how large what is kept may become: time to live, number and length of turns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.stores import CONVERSATION, is_about
from runner.probes.kit.ruby.paths import in_area
from runner.probes.kit.ruby.syntax import Call, RubyFile, constant_path, descendants, literal, text

COOKIE_BYTES = 4096
# Rails encrypts the cookie and writes it as Base64, which makes 4 of 3 bytes.
COOKIE_TEXT = COOKIE_BYTES * 3 // 4
_TTL_KEYWORDS = ("expires_in", "expire_after", "expires_at", "ex", "px", "exat")
_TTL_CALLS = ("expire", "expireat", "pexpire", "setex", "psetex")
_CLEANING = ("delete_if", "reject!", "delete", "rm", "rm_f", "unlink", "prune", "clear")
_AGE = re.compile(r"mtime|\.ago\b|Time\.(?:now|current)|expired?|CLOCK_MONOTONIC|ttl|_at\b", re.IGNORECASE)
_SIZES = ("bytesize", "truncate_bytes", "byteslice")
_CUTS = ("truncate", "first", "slice", "[]")
_CONTENT = re.compile(r"content|text|reply|body|message|answer|prompt|\.to_s$", re.IGNORECASE)
_NUMBERS = ("last", "take", "limit", "first", "max_by")
_ELSEWHERE = re.compile(r"config/environments/(?:test|development)\.rb$")
_FOLDERS = ("app", "lib", "config")


def times_to_live(use: LlmUse) -> list[Location]:
    """Where what is kept is given an end: a time to live, or old parts that are thrown away."""
    return [call.location for call in _code(use) if _ends(use, call)]


def measured(use: LlmUse) -> list[Location]:
    """Where the bytes of what is kept are counted."""
    calls = (c for c in _code(use) if c.name in _SIZES and is_about(use, c.file, c.node))
    return [call.location for call in calls]


def cut_texts(use: LlmUse) -> list[tuple[int | None, Location]]:
    """Where each turn's text is cut, with the length if it is written down."""
    return [(length, c.location) for c in _code(use) for length in _cut(use, c)]


def counts(use: LlmUse) -> list[tuple[int | None, Location]]:
    """Where only the last turns are kept, with their number if it is written down."""
    return [(number, c.location) for c in _code(use) for number in _counted(use, c)]


def _code(use: LlmUse) -> Iterator[Call]:
    for file in use.code.app_files:
        if any(in_area(file.path, folder) for folder in _FOLDERS) and not in_area(file.path, "app/views"):
            yield from file.calls


def _ends(use: LlmUse, call: Call) -> bool:
    if call.name == "cache_store=":
        keys = {literal(pair.child_by_field_name("key")) for pair in descendants(call.node, "pair")}
        return "expires_in" in keys and not _ELSEWHERE.search(call.file.path)
    if any(call.keyword(word) is not None for word in _TTL_KEYWORDS):
        kept = in_area(call.file.path, "config") or is_about(use, call.file, call.node)
        return kept and call.name not in ("http_cache_forever", "expires_in", "signed_id", "url_for")
    if call.name not in (*_TTL_CALLS, *_CLEANING) or not is_about(use, call.file, call.node):
        return False
    if call.name in _TTL_CALLS:
        return True
    method = use.code.method_of(call.file, call.node)
    return _AGE.search(text(call.node if method is None else method.node)) is not None


def _cut(use: LlmUse, call: Call) -> Iterator[int | None]:
    """A text that is cut: `truncate(500)`, `content.first(500)`, `content[0, 500]`, `content[0...500]`."""
    if call.name not in _CUTS or call.receiver is None or not call.positional:
        return
    if not is_about(use, call.file, call.node) or not _CONTENT.search(text(call.receiver)):
        return
    last = call.positional[-1]
    if call.name in ("[]", "slice"):
        bounds = last.named_children if last.type == "range" else list(call.positional)
        if len(bounds) != 2 or text(bounds[0]) != "0":
            return
        last = bounds[1]
    elif re.search(r"(?:s|history|log)\)?$", text(call.receiver)):
        return
    yield number_of(use, call.file, last)


def _counted(use: LlmUse, call: Call) -> Iterator[int | None]:
    if call.receiver is None or not call.positional:
        return
    first = call.positional[0]
    if call.name in _NUMBERS and CONVERSATION.search(text(call.receiver)) and len(call.positional) == 1:
        yield number_of(use, call.file, first)
    elif call.name == "[]" and first.type == "range" and text(first).startswith(("-", "(-")):
        begin = next(iter(first.named_children), None)
        inner = begin.named_children[-1] if begin is not None and begin.named_children else begin
        yield None if inner is None else number_of(use, call.file, inner)


def number_of(use: LlmUse, file: RubyFile, node: Node, depth: int = 3) -> int | None:
    """The whole number an expression stands for: a literal, a constant, or a product of such."""
    if node.type == "integer":
        written = text(node).replace("_", "").lstrip("-")
        return int(written) if written.isdecimal() else None
    if node.type in ("unary", "parenthesized_statements") and node.named_children:
        return number_of(use, file, node.named_children[-1], depth)
    if node.type == "binary" and text(node.child_by_field_name("operator")) == "*":
        parts = [number_of(use, file, n, depth) for n in node.named_children]
        return parts[0] * parts[1] if len(parts) == 2 and parts[0] and parts[1] else None
    path = constant_path(node)
    value = use.kinds.names.constant(path) if path is not None and depth else None
    return None if value is None else number_of(use, value[0], value[1], depth - 1)
