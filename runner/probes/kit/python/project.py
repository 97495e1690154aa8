"""A produced Python project: its files by what they are for, parsed once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from runner.core.tree import SourceTree
from runner.probes.kit.python.syntax import Parsed, parse

MOST_FILES = 400
MOST_CHARACTERS = 4_000_000

_FOREIGN = re.compile(r"(?:^|/)(?:\.?venv|env|site-packages|node_modules|\.tox|\.nox|\.git|build|dist)/")
_TEST = re.compile(r"(?:^|/)(?:tests?|testing)/|(?:^|/)(?:test_[^/]*|[^/]*_tests?|tests?|conftest)\.py$")
_TOOLING = re.compile(r"^(?:setup|noxfile|fabfile|tasks)\.py$|^(?:docs?|scripts?|tools|examples?)/")
_MAIN = re.compile(r"^([A-Za-z_]\w*)/__main__\.py$")


@dataclass(frozen=True)
class PythonFile:
    """One file below the project's root."""

    path: str
    source: str
    parsed: Parsed

    def nodes(self) -> Iterator[ast.AST]:
        """Every node of its tree; nothing if it has none."""
        return ast.walk(self.parsed.tree) if self.parsed.tree is not None else iter(())


class Project:
    """The Python side of a tree; what lies in environments and build folders is not the project's."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree

    @cached_property
    def paths(self) -> list[str]:
        """The project's Python files, those that are links left out."""
        return [
            p for p in self.tree if p.endswith(".py") and not self.is_foreign(p) and self._text(p) is not None
        ]

    @cached_property
    def packages(self) -> list[str]:
        """Packages in the root that `python -m` can run."""
        return sorted({match[1] for path in self.paths if (match := _MAIN.match(path))})

    @cached_property
    def code_paths(self) -> list[str]:
        """What the program consists of: the runnable packages, without one all that is not test or tool."""
        code = [p for p in self.paths if not _TEST.search(p) and not _TOOLING.search(p)]
        packaged = [p for p in code if p.split("/")[0] in self.packages]
        return packaged or code

    @cached_property
    def test_paths(self) -> list[str]:
        """Files for tests, their helpers among them."""
        return [p for p in self.paths if _TEST.search(p)]

    @cached_property
    def code(self) -> list[PythonFile]:
        """The program's files, as far as the bounds reach."""
        return self._files(self.code_paths)

    @cached_property
    def tests(self) -> list[PythonFile]:
        """The tests' files, as far as the bounds reach."""
        return self._files(self.test_paths)

    def is_foreign(self, path: str) -> bool:
        """Whether it lies in an environment, a build folder or the like."""
        return _FOREIGN.search(path) is not None

    def unread(self, files: list[PythonFile], paths: list[str]) -> dict[str, str]:
        """Files that could not be judged, with the reason; a plain syntax error is none."""
        bound = dict.fromkeys(paths[len(files) :], "beyond the bounds of what is read")
        return {f.path: f.parsed.why_not for f in files if f.parsed.hostile} | bound

    def _files(self, paths: list[str]) -> list[PythonFile]:
        files, room = [], MOST_CHARACTERS
        for path in paths[:MOST_FILES]:
            source = self._text(path) or ""
            room -= len(source)
            if room < 0:
                break
            files.append(PythonFile(path, source, parse(source)))
        return files

    def _text(self, path: str) -> str | None:
        return self.tree.text(path)
