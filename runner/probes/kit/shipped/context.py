"""The files that a build may copy, less what .dockerignore names, and the choice of them by a COPY."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from runner.core.tree import SourceFile, SourceTree

MOST_RULES = 1_000
MOST_SOURCES = 200
# A rule is tried on a path in about a microsecond for each of its folders.
MOST_TRIES = 5_000_000


class TooMuch(Exception):
    """Reading it would take longer than any real repository needs."""


class Context:
    """Files by their path in the context. `size` is that of all, in bytes."""

    def __init__(self, files: Mapping[str, SourceFile]) -> None:
        self.files = files
        self.size = sum(len(file.content) for file in files.values())
        self._paths = sorted(files)
        self._tries = 0

    def chosen(self, source: str, without: Sequence[str] = ()) -> dict[str, SourceFile] | None:
        """What a COPY takes for one source, by the path below its destination; None if it is not there.

        The files of a folder are taken, not the folder. Nothing above the context is ever found; a pattern
        that fits nothing takes nothing. `without` are patterns of what is left out.
        """
        wanted = posixpath.normpath(f"/{source}").strip("/")
        if any(sign in wanted for sign in "*?["):
            found = self._fitting(wanted.split("/"))
        elif wanted in self.files:
            found = {posixpath.basename(wanted): self.files[wanted]}
        else:
            found = self._below(wanted)
            if not found and wanted:
                return None
        return {path: file for path, file in found.items() if not self._fits_any(path, without)}

    def is_file(self, source: str) -> bool:
        """Whether a source is a file and no folder; a pattern counts as what it fits."""
        wanted = posixpath.normpath(f"/{source}").strip("/")
        return wanted in self.files or any(sign in wanted for sign in "*?[")

    def _below(self, folder: str) -> dict[str, SourceFile]:
        prefix = f"{folder}/" if folder else ""
        first = bisect_left(self._paths, prefix)
        last = bisect_left(self._paths, f"{folder}0") if folder else len(self._paths)  # "0" follows "/"
        return {path[len(prefix) :]: self.files[path] for path in self._paths[first:last]}

    def _fitting(self, wanted: list[str]) -> dict[str, SourceFile]:
        self._try(len(self._paths) * len(wanted))
        found: dict[str, SourceFile] = {}
        for path in self._paths:
            pieces = path.split("/")
            if len(pieces) >= len(wanted) and all(map(fnmatchcase, pieces, wanted)):
                below = pieces[len(wanted) :] or pieces[-1:]
                found["/".join(below)] = self.files[path]
        return found

    def _fits_any(self, path: str, patterns: Sequence[str]) -> bool:
        self._try(len(patterns))
        return any(reaches(path.split("/"), _pieces(pattern)) for pattern in patterns)

    def _try(self, times: int) -> None:
        self._tries += times
        if self._tries > MOST_TRIES:
            raise TooMuch("its patterns are too many for the files there are")


def context_of(tree: SourceTree, folder: str, dockerfile: str) -> Context:
    """What a build in this folder (`""` or ending with a slash) may copy. Raises TooMuch."""
    inside = {p.removeprefix(folder): file for p, file in tree.files.items() if p.startswith(folder)}
    own = tree.text(f"{dockerfile}.dockerignore")
    text = own if own is not None else tree.text(f"{folder}.dockerignore") or ""
    rules = ignore_rules(text)
    if len(inside) * len(rules) > MOST_TRIES:
        raise TooMuch("its .dockerignore has too many rules for the files there are")
    return Context({path: file for path, file in inside.items() if not is_ignored(path, rules)})


Rule = tuple[list[str], bool]


def ignore_rules(text: str) -> list[Rule]:
    """The rules of a .dockerignore: (pieces of the pattern, whether what fits is ignored). Raises TooMuch."""
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if len(lines) > MOST_RULES:
        raise TooMuch(f"its .dockerignore has more than {MOST_RULES} rules")
    return [(_pieces(line.removeprefix("!").strip()), not line.startswith("!")) for line in lines]


def is_ignored(path: str, rules: Sequence[Rule]) -> bool:
    """As the engine's client decides: the last rule that fits wins; a rule also fits what is below it."""
    pieces = path.split("/")
    return next((ignores for wanted, ignores in reversed(rules) if reaches(pieces, wanted)), False)


def reaches(pieces: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a pattern fits a path or a folder above it; `**` stands for any number of folders."""
    states = _with_empty({0}, wanted)
    for piece in pieces:
        if len(wanted) in states:
            return True
        states = _after(piece, states, wanted)
    return len(wanted) in states


def _after(piece: str, states: set[int], wanted: Sequence[str]) -> set[int]:
    stay = {n for n in states if wanted[n] == "**"}
    steps = {n + 1 for n in states if n in stay or fnmatchcase(piece, wanted[n])}
    return _with_empty(stay | steps, wanted)


def _with_empty(states: set[int], wanted: Sequence[str]) -> set[int]:
    """With those that are reached when `**` stands for no folder; at the end it stands for something."""
    reached = set(states)
    for number in range(min(states, default=0), len(wanted) - 1):
        if number in reached and wanted[number] == "**":
            reached.add(number + 1)
    return reached


def _pieces(pattern: str) -> list[str]:
    """A pattern folder by folder; Go writes a negated class with ^, fnmatch with an exclamation mark."""
    plain = posixpath.normpath(f"/{pattern}").strip("/")
    return [piece.replace("[^", "[!") for piece in plain.split("/")] if plain else []
