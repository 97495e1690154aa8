"""Which versions of Ruby exist: a table with a date, from the list of rbenv/ruby-build."""

from __future__ import annotations

import re
from enum import Enum

AS_OF = "2026-07-01"
LAST_PATCH = {
    (2, 0): 0,
    (2, 1): 10,
    (2, 2): 10,
    (2, 3): 8,
    (2, 4): 10,
    (2, 5): 9,
    (2, 6): 10,
    (2, 7): 8,
    (3, 0): 7,
    (3, 1): 7,
    (3, 2): 11,
    (3, 3): 11,
    (3, 4): 10,
    (4, 0): 5,
}
LAST_ENDED = (3, 2)
_ONLY_PREVIEWED = {(3, 5)}
_PRERELEASE = re.compile(r"[-.]?(?:preview|rc)\d*$")
_VERSION = re.compile(r"\s*(?:ruby-|v)?(\d{1,3}(?:\.\d{1,3}){0,2}(?:[-.]?(?:preview|rc)\d*)?)(?![.\w])")
_REQUIREMENT = re.compile(r"(~>|>=|<=|!=|=|>|<)?\s*(?:ruby-)?(\d{1,3}(?:\.\d{1,3}){0,2})")


class Existence(Enum):
    """Whether a version was ever released; NEWER means that the table is too old to tell."""

    EXISTS = "exists"
    IMPOSSIBLE = "impossible"
    NEWER = "newer"


def version_in(text: str) -> str | None:
    """The version an image tag, `.ruby-version` or requirement starts with: `3.4` of `3.4-slim`."""
    found = _VERSION.match(text)
    return found.group(1) if found else None


def existence(version: str) -> Existence:
    """Whether `3`, `3.4`, `3.4.2` or `4.0.0-preview2` was released."""
    major, minor, patch = parts(version)
    if _PRERELEASE.search(version) and (major, minor) in _ONLY_PREVIEWED:
        return Existence.EXISTS
    newest = max(LAST_PATCH)
    if (major, minor or 0) > newest:
        return Existence.NEWER
    if minor is None:
        return Existence.EXISTS if any(known[0] == major for known in LAST_PATCH) else Existence.IMPOSSIBLE
    last = LAST_PATCH.get((major, minor))
    if last is None:
        return Existence.IMPOSSIBLE
    if patch is None or patch <= last:
        return Existence.EXISTS
    return Existence.IMPOSSIBLE if (major, minor) <= LAST_ENDED else Existence.NEWER


def parts(version: str) -> tuple[int, int | None, int | None]:
    """Major, minor and patch; None for what the version leaves open."""
    numbers = [int(n) for n in _PRERELEASE.sub("", version).split(".")]
    return numbers[0], numbers[1] if len(numbers) > 1 else None, numbers[2] if len(numbers) > 2 else None


def satisfies(version: str, requirement: str) -> bool:
    """Whether a version, perhaps an open one as `3.4`, can meet `3.4.2`, `~> 3.4` or `>= 3.2, < 4`."""
    return all(_meets(version, *found) for found in _REQUIREMENT.findall(requirement))


def _meets(version: str, operator: str, wanted: str) -> bool:
    mine, asked = parts(version), parts(wanted)
    shared = [(a, b) for a, b in zip(mine, asked, strict=True) if a is not None and b is not None]
    low, high = [a for a, _ in shared], [b for _, b in shared]
    if operator in (">=", ">"):
        return low >= high
    if operator in ("<", "<="):
        return low < high if operator == "<" and None not in mine else low <= high
    if operator == "~>":
        given = sum(part is not None for part in asked)
        return low >= high and low[: given - 1] == high[: given - 1]
    return operator == "!=" or low == high
