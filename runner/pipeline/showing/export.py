"""What `shipworthy export` reads of an archive, and how it writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from runner.archive.archive import Archive
from runner.core.errors import ShipworthyError, UserError
from runner.core.records import Finding, Run, Score
from runner.pipeline.grading.evidence import probes_for
from runner.pipeline.grading.grader import get_rubric, latest
from runner.pipeline.settings import Settings
from runner.report.exports.kit.entry import Document, Entry
from runner.scoring.evaluate import evidence_digest


def chosen(archive: Archive, references: Sequence[str]) -> list[Run]:
    """The named runs, each once, or every one. Raises UserError for an unknown name."""
    runs = [archive.find(reference) for reference in references] if references else archive.runs()
    return list({run.id: run for run in runs}.values())


def entries(
    archive: Archive, runs: Sequence[Run], settings: Settings, by_check: bool, add: Callable[[int], None]
) -> list[Entry]:
    """Runs with their latest scores, and every finding if `by_check`; `add` hears of each that was read."""
    found = []
    for run in runs:
        result = latest(archive, run)
        findings = _findings(archive, run, result.score, settings) if by_check and result.score else ()
        found.append(Entry(run, result.score, result.why_not, archive.folder(run), findings))
        add(1)
    return found


def _findings(archive: Archive, run: Run, score: Score, settings: Settings) -> tuple[Finding, ...]:
    """What the score was made of: nothing, unless rubric and evidence are still what they were then."""
    try:
        rubric = get_rubric(score.rubric, settings)
        checks = rubric.checks()
        kept = [archive.latest_evidence(run.tree or "", p.id, p.version) for p in probes_for(checks)]
        evidence = [each for each in kept if each is not None]
    except ShipworthyError:
        return ()
    if (rubric.digest(), evidence_digest(evidence)) != (score.rubric_digest, score.evidence_digest):
        return ()
    return tuple(f for each in evidence for f in each.findings if f.check in checks)


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
