"""Where the Rails application stands in a tree, and its own files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Self

from tree_sitter import Node

from runner.core.records import Location
from runner.core.tree import SourceTree, matching
from runner.probes.kit.ruby.code import RubyCode
from runner.probes.kit.ruby.syntax import RubyFile
from runner.probes.kit.verdicts import place

_MAX_CHARS = 500_000
_MAX_LINE = 1_000
_FOREIGN = frozenset(
    ("node_modules", "tmp", "log", "coverage", "dummy", "fixtures", "templates", ".git", ".bundle")
)
_BUNDLED = re.compile(r"(?:^|/)vendor/(?:bundle|cache|gems|ruby)/")
_TEST_FOLDERS = frozenset(("test", "spec"))
_MARKS = ("config/application.rb", "config/routes.rb", "config/environment.rb", "bin/rails")


class Application:
    """The Rails application of a tree: in the root, else the first one in a sub-folder.

    `folder` is where it stands, `""` for the root (and when there is none), else ending with `/`.
    Files are found by patterns relative to it; paths that come back are relative to the tree.
    Dummy applications of tests and bundled gems do not count.
    """

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        folders = sorted(_folders(tree), key=lambda f: (f.count("/"), f))
        self.exists = bool(folders)
        self.folder = folders[0] if folders else ""
        self.nested = [folder for folder in folders if folder]
        self._globbed: dict[tuple[str, ...], list[str]] = {}

    @classmethod
    def of(cls, tree: SourceTree) -> Self:
        """A tree's application, looked for once."""
        return tree.derived(cls.__name__, lambda: cls(tree))

    @property
    def folders(self) -> tuple[str, ...]:
        """The repository's root, and the application's folder if that is another."""
        return tuple(dict.fromkeys(("", self.folder)))

    @cached_property
    def paths(self) -> list[str]:
        """Its own files, without dependencies, logs, fixtures and other applications."""
        others = tuple(folder for folder in self.nested if folder != self.folder)
        return [
            path
            for path in self.tree
            if path.startswith(self.folder) and not path.startswith(others) and not _is_foreign(path)
        ]

    @cached_property
    def code(self) -> RubyCode:
        """All Ruby of the tree, with its classes."""
        return RubyCode.of(self.tree)

    def text(self, path: str) -> str:
        """A file by its path relative to the application; empty if there is none."""
        return self.tree.text(self.folder + path) or ""

    def glob(self, *patterns: str) -> list[str]:
        """Its files that match patterns; `*` also crosses `/`."""
        if patterns not in self._globbed:
            self._globbed[patterns] = matching(self.paths, *(self.folder + p for p in patterns))
        return list(self._globbed[patterns])

    def ruby(self, *patterns: str) -> list[RubyFile]:
        """Its Ruby and ERB files that match, parsed."""
        return [file for path in self.glob(*patterns) if (file := self.code.files.get(path)) is not None]

    def parsed(self, path: str) -> RubyFile | None:
        """Any file of the tree as Ruby; None if it is absent, binary or too large to be hand-written."""
        source = self.tree.text(path)
        known = self.code.files.get(path)
        return known or (
            None if source is None or len(source) > _MAX_CHARS else RubyFile(path, source, self.code.budget)
        )

    def matches(self, pattern: re.Pattern[str], *globs: str) -> list[Location]:
        """The lines of its text files that match."""
        return [
            Location(path=path, line=number, text=line)
            for path in self.glob(*globs)
            for number, line in self._candidates(pattern, path)
            if pattern.search(line[:_MAX_LINE])
        ]

    def _candidates(self, pattern: re.Pattern[str], path: str) -> Iterable[tuple[int, str]]:
        """The numbered lines of a file, none if a look at all of them together finds nothing.

        That look skips lines without content: white space in a pattern would run through all that follow.
        """
        lines = (self.tree.text(path) or "")[:_MAX_CHARS].splitlines()
        together = "\n".join(line[:_MAX_LINE] for line in lines if line and not line.isspace())
        return enumerate(lines, start=1) if _in_any_line(pattern).search(together) else ()

    def at(self, file: RubyFile, node: Node) -> Location:
        """Where a node of a Ruby file stands."""
        return place(self.tree, file.path, node.start_point[0] + 1)


@lru_cache(maxsize=200)
def _in_any_line(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """Finds nothing in a text none of whose lines the pattern matches: most files need no second look."""
    return re.compile(pattern.pattern, pattern.flags | re.MULTILINE)


def _folders(tree: SourceTree) -> set[str]:
    """Where applications stand: by the main mark, or by two others."""
    seen: dict[str, set[str]] = {}
    for path in tree:
        mark = next((m for m in _MARKS if path == m or path.endswith("/" + m)), None)
        if mark is not None and not _is_foreign(path) and _TEST_FOLDERS.isdisjoint(path.split("/")):
            seen.setdefault(path[: -len(mark)], set()).add(mark)
    return {folder for folder, marks in seen.items() if len(marks) > 1 or _MARKS[0] in marks}


def _is_foreign(path: str) -> bool:
    return not _FOREIGN.isdisjoint(path.split("/")[:-1]) or _BUNDLED.search(path) is not None
