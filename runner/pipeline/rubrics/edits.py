"""Files changed in memory: what a self-test makes of its reference application."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from runner.core.errors import SpecError
from runner.core.selftest import Change, Edit
from runner.core.tree import SourceFile, SourceTree

Files = dict[str, SourceFile]


def tree_of(files: Files) -> SourceTree:
    """A tree of these files; its digest is one of our own, not Git's."""
    content = hashlib.sha256()
    for path, file in sorted(files.items()):
        content.update(repr((path, file.mode, file.content)).encode())
    return SourceTree(digest=content.hexdigest(), files=files)


def read_folders(*folders: Path) -> Files:
    """The files of folders, laid over each other. Raises SpecError if two have the same file: one is dead."""
    files: Files = {}
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
            name = path.relative_to(folder).as_posix()
            if name in files:
                raise SpecError(f"{path}: there is such a file in {folders[0]} too; delete one")
            mode = 0o100755 if path.stat().st_mode & 0o100 else 0o100644
            files[name] = SourceFile(name, mode, path.read_bytes())
    return files


def changed(files: Files, change: Change) -> Files:
    """The files after a change.

    Raises SpecError naming entry, edit and field if an edit does not fit or if nothing really changes.
    """
    after = edited(files, change.id, change.edits)
    if after == files:
        raise SpecError(f"{change.id}.edits: they leave every file as it was")
    return after


def edited(files: Files, id: str, edits: Iterable[Edit]) -> Files:
    """The files after edits, each of which must change something; `id` names them in a SpecError."""
    after = dict(files)
    for n, edit in enumerate(edits):
        before = dict(after)
        try:
            _apply(after, edit)
        except ValueError as error:
            raise SpecError(f"{id}.edits[{n}].{error}") from None
        if after == before:
            raise SpecError(f"{id}.edits[{n}]: changes nothing in {edit.path}")
    return after


def executable(files: Files, patterns: Collection[str]) -> Files:
    """The files, with those that match a pattern executable."""
    chosen = {path for path in files if any(fnmatchcase(path, pattern) for pattern in patterns)}
    return {path: replace(file, mode=0o100755) if path in chosen else file for path, file in files.items()}


def _apply(files: Files, edit: Edit) -> None:
    if edit.write is not None:
        _put(files, edit.path, edit.write)
        return
    chosen = [path for path in sorted(files) if fnmatchcase(path, edit.path)]
    if not chosen:
        raise ValueError(f"path: no file matches {edit.path!r}")
    if edit.delete:
        for path in chosen:
            del files[path]
    elif edit.rename is not None:
        _rename(files, chosen, edit.path, edit.rename)
    elif edit.replace is not None:
        _put(files, edit.path, _replaced_once(_text(files, edit.path), edit))
    else:
        _replace_all(files, chosen, edit)


def _put(files: Files, path: str, text: str) -> None:
    mode = files[path].mode if path in files else 0o100644
    files[path] = SourceFile(path, mode, text.encode())


def _text(files: Files, path: str) -> str:
    return files[path].content.decode("utf-8", "replace")


def _replaced_once(text: str, edit: Edit) -> str:
    assert edit.replace is not None
    assert edit.by is not None
    if (times := text.count(edit.replace)) != 1:
        raise ValueError(f"replace: stands {times} times in {edit.path}, not once: {edit.replace!r}")
    return text.replace(edit.replace, edit.by)


def _replace_all(files: Files, chosen: Iterable[str], edit: Edit) -> None:
    assert edit.replace_all is not None
    assert edit.by is not None
    holding = [path for path in chosen if edit.replace_all in _text(files, path)]
    if not holding:
        raise ValueError(f"replace_all: stands nowhere in {edit.path}: {edit.replace_all!r}")
    for path in holding:
        _put(files, path, _text(files, path).replace(edit.replace_all, edit.by))


def _rename(files: Files, chosen: Iterable[str], pattern: str, to: str) -> None:
    if pattern.endswith("*") != to.endswith("/"):
        raise ValueError(
            f"rename: {pattern!r} to {to!r}; a pattern ends in * and goes to a folder ending in /"
        )
    fixed = pattern.removesuffix("*")
    moved = {(to + path.removeprefix(fixed) if to.endswith("/") else to): files.pop(path) for path in chosen}
    if taken := sorted(moved.keys() & files.keys()):
        raise ValueError(f"rename: there is a file {taken[0]} already")
    files.update({path: SourceFile(path, file.mode, file.content) for path, file in moved.items()})
