"""What a Python project uses of libraries that have a manifest, and what of it does not exist.

Only what is certain is followed: names that an import binds in a file and nothing else there does. What is
guarded (an ImportError or AttributeError that is caught, hasattr, a test of the version) is not accused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from runner.core.records import Location
from runner.probes.kit.manifests import Manifest, Version, nearest_manifest
from runner.probes.kit.python.imports import is_local
from runner.probes.kit.python.project import Project, PythonFile
from runner.probes.kit.python.versions import wanted_version
from runner.probes.kit.verdicts import place

DYNAMIC = "__getattr__"
_NAMING = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.ExceptHandler, ast.MatchAs, ast.MatchStar),
)
_GUARDS = {"ImportError", "ModuleNotFoundError", "AttributeError", "TypeError", "Exception"}


@dataclass(frozen=True)
class Invented:
    """A name or keyword that a library does not have."""

    library: str
    words: str
    location: Location


@dataclass(frozen=True)
class Judge:
    """A library's manifest, and the version that the project asks for."""

    manifest: Manifest
    wanted: Version | None

    @property
    def certain(self) -> bool:
        """Whether what the manifest lacks is missing from the wanted version, too; patches add no names."""
        return self.wanted is None or self.wanted[:2] == self.manifest.version[:2]

    @property
    def words(self) -> str:
        """Which version was judged by."""
        name = f"{self.manifest.library} {_dotted(self.manifest.version)}"
        if self.wanted is None or self.wanted == self.manifest.version:
            return name
        return f"{name}, the nearest known to {_dotted(self.wanted)}"


class ApiUse:
    """A project beside the manifests of a folder."""

    def __init__(self, project: Project, manifests: Path) -> None:
        self._project = project
        self._manifests = manifests
        self._known = {path.stem.rpartition("-")[0] for path in manifests.glob("*-*.json")}
        self.judges: dict[str, Judge] = {}

    @cached_property
    def invented(self) -> list[Invented]:
        """Every use of what does not exist, by file and line; fills `judges` with what was imported."""
        return [found for file in (*self._project.code, *self._project.tests) for found in self._of(file)]

    def judge(self, file: PythonFile, module: str) -> Judge | None:
        """By what a module is judged: None without a manifest, or if the project has one of that name."""
        library = module.partition(".")[0]
        if library not in self._known or is_local(self._project, file, library):
            return None
        if library not in self.judges:
            wanted = wanted_version(self._project.tree, library)
            manifest = nearest_manifest(self._manifests, library, wanted)
            if manifest.language != "python":
                self._known.discard(library)
                return None
            self.judges[library] = Judge(manifest, wanted)
        return self.judges[library]

    def _of(self, file: PythonFile) -> Iterator[Invented]:
        reader = _Reader(self, file)
        for node, module, words in reader.findings():
            where = place(self._project.tree, file.path, node.lineno)
            yield Invented(module.partition(".")[0], words, where)


class _Reader:
    """One file."""

    def __init__(self, use: ApiUse, file: PythonFile) -> None:
        self._use = use
        self._file = file
        self._nodes = list(file.nodes())
        self._guarded = {id(inner) for node in self._nodes for inner in _guarded(node)}
        self._patched = {
            node.attr
            for node in self._nodes
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
        }

    def findings(self) -> Iterator[tuple[ast.stmt | ast.expr, str, str]]:
        """(where, module, what) of each invention."""
        for node in self._nodes:
            if id(node) in self._guarded:
                continue
            if isinstance(node, ast.ImportFrom):
                yield from self._imported(node)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                yield from self._attribute(node)
            elif isinstance(node, ast.Call):
                yield from self._keywords(node)

    def _imported(self, node: ast.ImportFrom) -> Iterator[tuple[ast.stmt, str, str]]:
        module = node.module or ""
        judge = None if node.level else self._use.judge(self._file, module)
        if judge is None or module not in judge.manifest.modules:
            return
        for alias in node.names:
            if alias.name != "*" and _has(judge.manifest, module, alias.name) is False:
                yield node, module, f"{module}.{alias.name} does not exist"

    def _attribute(self, node: ast.Attribute) -> Iterator[tuple[ast.expr, str, str]]:
        module = self.module(node.value)
        judge = None if module is None else self._use.judge(self._file, module)
        if module is None or judge is None or node.attr in self._patched:
            return
        if _has(judge.manifest, module, node.attr) is False:
            yield node, module, f"{module}.{node.attr} does not exist"

    def _keywords(self, node: ast.Call) -> Iterator[tuple[ast.expr, str, str]]:
        path = self.named(node.func)
        judge = None if path is None else self._use.judge(self._file, path)
        parameters = None if path is None or judge is None else _parameters(judge.manifest, path)
        if path is None or parameters is None:
            return
        taken = [parameter.split(" ", 1) for parameter in parameters]
        if any(kind == "keyrest" for kind, _ in taken):
            return
        names = {name for kind, name in taken if kind in ("req", "opt", "key", "keyreq")}
        for keyword in node.keywords:
            if keyword.arg is not None and keyword.arg not in names:
                yield node, path, f"{path} takes no {keyword.arg}="

    def module(self, node: ast.expr) -> str | None:
        """The module or class of a manifest that an expression is."""
        path = self.named(node)
        judge = None if path is None else self._use.judge(self._file, path)
        if path is None or judge is None:
            return None
        return path if path in judge.manifest.modules else _class(judge.manifest, path)

    def named(self, node: ast.expr) -> str | None:
        """The dotted path that an expression stands for, by the file's imports."""
        if isinstance(node, ast.Name):
            return self._bound.get(node.id)
        if isinstance(node, ast.Attribute) and (base := self.named(node.value)) is not None:
            return f"{base}.{node.attr}"
        return None

    @cached_property
    def _bound(self) -> dict[str, str]:
        """What each name is that only imports of one thing bind."""
        imported: dict[str, set[str]] = {}
        for node in self._nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    bound, path = (alias.asname, alias.name) if alias.asname else (top, top)
                    imported.setdefault(bound, set()).add(path)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    path = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                    imported.setdefault(alias.asname or alias.name, set()).add(path)
        other = {name for node in self._nodes for name in _binds(node)}
        return {name: min(paths) for name, paths in imported.items() if len(paths) == 1 and name not in other}


def _has(manifest: Manifest, module: str, name: str) -> bool | None:
    """Whether a module or class offers a name; None where that cannot be told."""
    facts = manifest.modules[module]
    if name.startswith("_") or f"{module}.{name}" in manifest.modules:
        return None
    if facts["kind"] == "class" and any("enum" in ancestor.lower() for ancestor in facts["ancestors"]):
        return None
    known = {*facts["constants"], *facts["singleton"], *facts["instance"]}
    if name in known:
        return True
    return None if DYNAMIC in known else False


def _class(manifest: Manifest, path: str) -> str | None:
    """The class that a module hands on under a path: by its own name, if just one below it has that."""
    module, _, name = path.rpartition(".")
    if module not in manifest.modules or name not in manifest.modules[module]["constants"]:
        return None
    found = [
        key
        for key, facts in manifest.modules.items()
        if facts["kind"] == "class" and key.rpartition(".")[2] == name
    ]
    return found[0] if len(found) == 1 else None


def _parameters(manifest: Manifest, path: str) -> list[str] | None:
    """Those of a function of a module, or of making an instance."""
    module, _, name = path.rpartition(".")
    made = path if path in manifest.modules else _class(manifest, path)
    if made is not None and manifest.modules[made]["kind"] == "class":
        module, name = made, "new"
    facts = manifest.modules.get(module)
    signature = None if facts is None else facts["singleton"].get(name)
    return None if signature is None else list(signature["parameters"])


def _binds(node: ast.AST) -> Iterator[str]:
    """Names that a node binds otherwise than by an import."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, _NAMING) and node.name:
        yield node.name
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names


def _guarded(node: ast.AST) -> Iterator[ast.AST]:
    """What stands where a missing name was thought of."""
    if isinstance(node, ast.Try | ast.With | ast.AsyncWith):
        caught = {name for part in _catching(node) for name in _names(part)}
        if caught & _GUARDS:
            yield from (inner for statement in node.body for inner in ast.walk(statement))
    elif isinstance(node, ast.If | ast.IfExp) and _names(node.test) & {"hasattr", "version_info", "getattr"}:
        yield from ast.walk(node)


def _catching(node: ast.Try | ast.With | ast.AsyncWith) -> list[ast.expr | None]:
    if isinstance(node, ast.Try):
        return [handler.type for handler in node.handlers]
    return [item.context_expr for item in node.items]


def _names(node: ast.expr | None) -> set[str]:
    """Every name and attribute in an expression; a handler without a type catches everything."""
    if node is None:
        return {"Exception"}
    walked = list(ast.walk(node))
    plain = {inner.id for inner in walked if isinstance(inner, ast.Name)}
    return plain | {inner.attr for inner in walked if isinstance(inner, ast.Attribute)}


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))
