"""The produced repository as pages: a few files to a page, each line with its number, nothing interpreted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from runner.core.tree import SourceTree
from runner.report.site.highlight import highlighted

FILE_BYTES = 150_000
FILE_LINES = 4_000
TREE_BYTES = 6_000_000
MAX_FILES = 3_000
PAGE_BYTES = 250_000


@dataclass(frozen=True)
class ShownFile:
    """One file of a tree; `lines` is empty and `why_not` says why if it is not shown."""

    path: str
    page: int
    anchor: str
    size: int
    mode: str
    lines: tuple[Markup, ...] = ()
    why_not: str = ""


@dataclass
class Folder:
    """A folder of the file list: its folders and files by name."""

    folders: dict[str, Folder] = field(default_factory=dict)
    files: list[tuple[str, ShownFile]] = field(default_factory=list)


def shown_files(tree: SourceTree) -> list[ShownFile]:
    """Every file in order, bounded in number and size, each with its page (from 1) and anchor."""
    found: list[ShownFile] = []
    page, on_page, total = 1, 0, 0
    for number, path in enumerate(sorted(tree), 1):
        if number > MAX_FILES:
            break
        file = tree.files[path]
        why_not = _why_not(tree, path, total)
        if why_not is None:
            total += len(file.content)
            if on_page and on_page + len(file.content) > PAGE_BYTES:
                page, on_page = page + 1, 0
            on_page += len(file.content)
        lines = () if why_not else highlighted(path, tree.text(path) or "")
        shown = ShownFile(path, page, f"f{number}", len(file.content), _mode(file.mode), lines, why_not or "")
        found.append(shown)
    return found


def left_out(tree: SourceTree) -> list[tuple[str, str]]:
    """What of a tree is not listed as a file, with the reason."""
    skipped = sorted(tree.skipped.items())[:200]
    more = len(tree.files) - MAX_FILES
    return [*skipped, *([(f"{more:,} more files", "only the first are listed")] if more > 0 else [])]


def pages(files: Sequence[ShownFile]) -> Iterator[tuple[int, list[ShownFile]]]:
    """The files of each page."""
    for page in sorted({file.page for file in files} or {1}):
        yield page, [file for file in files if file.page == page]


def nested(files: Sequence[ShownFile]) -> Folder:
    """The file list as folders in folders."""
    root = Folder()
    for file in files:
        *parents, name = file.path.split("/")
        here = root
        for parent in parents[:12]:
            here = here.folders.setdefault(parent, Folder())
        here.files.append(("/".join([*parents[12:], name]), file))
    return root


def places(files: Sequence[ShownFile]) -> bytes:
    """Where each file is shown, for links from score sheets: JSON of path to [page, anchor, lines]."""
    known = {file.path: [file.page, file.anchor, len(file.lines)] for file in files}
    return json.dumps(known).encode()


def _why_not(tree: SourceTree, path: str, total: int) -> str | None:
    file = tree.files[path]
    if file.is_link:
        return f"a link to {file.content[:300].decode('utf-8', 'replace')}"
    if len(file.content) > FILE_BYTES:
        return "too large to be shown"
    if total + len(file.content) > TREE_BYTES:
        return "the repository is larger than what is shown"
    text = tree.text(path)
    if text is None:
        return "a binary file"
    return "too many lines to be shown" if text.count("\n") > FILE_LINES else None


def _mode(mode: int) -> str:
    return {0o100755: "executable", 0o120000: "link"}.get(mode, "")
