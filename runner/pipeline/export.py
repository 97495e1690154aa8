"""What `shipworthy export` reads of an archive, and how it writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from runner.archive.archive import Archive
from runner.core.errors import UserError
from runner.core.records import Run
from runner.pipeline.grading import latest
from runner.report.exports.kit.entry import Document, Entry


def chosen(archive: Archive, references: Sequence[str]) -> list[Run]:
    """The named runs, each once, or every one. Raises UserError for an unknown name."""
    runs = [archive.find(reference) for reference in references] if references else archive.runs()
    return list({run.id: run for run in runs}.values())


def entries(archive: Archive, runs: Sequence[Run], add: Callable[[int], None]) -> list[Entry]:
    """Runs with their latest scores; `add` hears of each that was read."""
    found = []
    for run in runs:
        result = latest(archive, run)
        found.append(Entry(run, result.score, result.why_not, archive.folder(run)))
        add(1)
    return found


def write_folder(documents: Iterable[Document], folder: Path) -> list[Path]:
    """Write each document into a folder, which is made. Raises UserError if there is a file in its place."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out: {folder} is a file; this format needs a folder")
    folder.mkdir(parents=True, exist_ok=True)
    return [write_file(content, folder / name) for name, content in documents]


def write_file(content: bytes, path: Path) -> Path:
    """Replace a file as a whole. Raises UserError if there is a folder in its place."""
    if path.is_dir():
        raise UserError(f"--out: {path} is a folder; this format needs a file's name")
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(content)
    os.chmod(file.name, 0o644)  # a temporary file is its owner's alone
    os.replace(file.name, path)
    return path
