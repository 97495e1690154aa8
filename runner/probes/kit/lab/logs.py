"""Output of a hostile program: kept within bounds, read for its first useful line and place."""

from __future__ import annotations

import re
from pathlib import Path

from runner.core.records import Location
from runner.core.tree import SourceTree
from runner.probes.kit.verdicts import place

KEPT_BYTES = 200_000
FLOOD_BYTES = 40_000_000
_MAX_PLACES = 3
_LINE = 500
_SHORT = 300

_ESCAPES = re.compile(
    r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
_CLASS = r"(?:[A-Z]\w*::)*[A-Z]\w*(?:Error|Exception|NotFound|Invalid|Missing|Overflow|Refused|Failed)\w*"
_EXCEPTIONS = (
    re.compile(rf"^.*\({_CLASS}\)[ ]*$", re.M),  # path:1:in `x': message (NameError)
    re.compile(rf"^ *{_CLASS} \(.+$", re.M),  # NameError (message):, as Rails logs it
    re.compile(rf"^[^\w\n]*{_CLASS}:.*$", re.M),  # NameError: message
)
_ABORTED = re.compile(r"(?<=aborted!\n).*\w.*")  # what Rake and the Rails commands say next
_COMPLAINT = re.compile(
    r"^(?!.*aborted!).*(?:error|abort|fatal|cannot|could not|no such file|no \w+ found).*$", re.M | re.I
)
_PLACE = re.compile(
    r"(?<![\w@./-])(?:\.?/)?"
    r"((?:[\w@.-]+/)*(?:[\w@.-]+\.(?:rb|erb|ru|rake|yml)|Gemfile|Rakefile|bin/\w+)):(\d+)"
)


class Flood(Exception):
    """A program wrote far more than any log holds."""


class Log:
    """The first and the last of an output of any length, its lines shortened."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next piece. Raises Flood when there is no end to it."""
        self._size += len(chunk)
        room = KEPT_BYTES - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:] if room < len(chunk) else b""
        if len(self._tail) > 2 * KEPT_BYTES:
            del self._tail[:-KEPT_BYTES]
        if self._size > FLOOD_BYTES:
            raise Flood

    def become(self, other: Log) -> None:
        """Hold what another one holds, and go on from there."""
        self._head[:], self._tail[:], self._size = other._head, other._tail, other._size

    @property
    def text(self) -> str:
        """What was kept, with a note where the middle is left out."""
        left_out = self._size - len(self._head) - len(self._tail)
        note = f"\n[... {left_out} bytes left out ...]\n".encode() if left_out else b""
        whole = bytes(self._head) + note + bytes(self._tail)
        plain = _ESCAPES.sub("", whole.decode("utf-8", "replace")).replace("\r\n", "\n")
        return "\n".join(line[:_LINE] for line in plain.split("\n"))  # patterns are slow on endless lines

    def keep(self, folder: Path | None, name: str) -> None:
        """Write it among the artifacts, if there are any."""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(self.text, encoding="utf-8")


def exception_line(text: str) -> str:
    """The first line that names an exception, shortened; empty if none does."""
    return _first(_EXCEPTIONS, text)


def error_line(text: str) -> str:
    """The first line that says what went wrong, else the last line, shortened; empty for no text."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return _first((_ABORTED, *_EXCEPTIONS, _COMPLAINT), text) or (lines[-1][:_SHORT] if lines else "")


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> str:
    found = (match for pattern in patterns if (match := pattern.search(text)))
    return next((match[0].strip().rstrip(":")[:_SHORT] for match in found), "")


def error_places(tree: SourceTree, folder: str, text: str) -> list[Location]:
    """Places inside the tree that the output names, from the first error on, the innermost first."""
    line = error_line(text)
    start = max(0, text.find(line)) if line else 0
    found: dict[tuple[str, int], None] = {}
    for path, number in _PLACE.findall(text[start:]):
        inside = _in_tree(tree, folder, path)
        if inside is not None and has_line(tree, inside, int(number[:9])):
            found[(inside, int(number[:9]))] = None
    return [place(tree, path, number) for path, number in list(found)[:_MAX_PLACES]]


def has_line(tree: SourceTree, path: str, line: int) -> bool:
    """Whether a file has such a line."""
    return 0 < line <= len((tree.text(path) or "").splitlines())


def _in_tree(tree: SourceTree, folder: str, path: str) -> str | None:
    relative = path.lstrip("/").removeprefix("workspace/").removeprefix("./")
    return next((p for p in (relative, folder + relative) if p in tree), None)
