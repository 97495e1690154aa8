"""A run's pages: the score sheet with its source lines, the transcript in parts, screenshots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from runner.core.records import Location, Rubric
from runner.core.tree import SourceTree
from runner.report.site.entries import Entry
from runner.report.site.highlight import highlighted
from runner.report.site.naming import run_page, tree_pages
from runner.report.site.png import checked
from runner.report.site.rendering import Renderer
from runner.report.site.transcript import Turn, read_turns
from runner.report.site.visible import bounded, visible
from runner.report.site.wire import timelines

PART_CHARACTERS = 300_000
SEARCHED_CHARACTERS = 12_000
INDEX_CHARACTERS = 12_000_000
LOG_CHARACTERS = 30_000
MAX_SHOTS = 24
CONTEXT_LINES = 3


@dataclass(frozen=True)
class Excerpt:
    """Highlighted lines around a location, from `first` on; `line` is the one that is meant."""

    first: int
    line: int
    lines: Sequence[Markup]


@dataclass(frozen=True)
class Shot:
    """A screenshot, taken over as a file of the site."""

    file: str
    name: str
    width: int
    height: int


def pages_of(
    entry: Entry,
    tree: SourceTree | None,
    places: Mapping[str, list[Any]],
    rubric: Rubric | None,
    render: Renderer,
) -> dict[str, bytes]:
    """All files of a run's folder, by path. `places` tells where files of its tree are shown."""
    folder = run_page(entry.run.id)
    parts = list(_parts(read_turns(entry.folder / "transcript.jsonl")))
    files = {
        f"{folder}/{_part_file(n)}": render.page(
            f"{folder}/x", "transcript", entry=entry, turns=turns, part=n, parts=parts, part_file=_part_file
        )
        for n, turns in enumerate(parts, 1)
    }
    files[f"{folder}/search.js"] = _search_index(parts)
    shots = dict(_shots(entry.artifacts))
    files |= {f"{folder}/{shot.file}": content for shot, content in shots.items()}
    files[f"{folder}/index.html"] = render.page(
        f"{folder}/index.html",
        "run",
        entry=entry,
        run=entry.run,
        score=entry.score,
        rubric=rubric,
        shots=list(shots),
        wires=timelines(entry.artifacts),
        logs=list(_logs(entry)),
        turns=sum(map(len, parts)),
        parts=len(parts),
        tree_folder=tree_pages(entry.run.tree) if entry.run.tree else None,
        file_count=len(places),
        link=lambda location: _link(location, places, entry.run.tree),
        excerpt=lambda location: _excerpt(location, tree),
        missing=missing_files(entry),
        is_unreadable=entry.run.tree is not None and tree is None,
    )
    return files


def missing_files(entry: Entry) -> list[str]:
    """What was sealed with a run and is gone: the page says so instead of showing less without a word."""
    gone = (name for name in entry.run.files if not (entry.folder / name).is_file())
    return sorted({name.split("/")[0] for name in gone})


def _link(location: Location, places: Mapping[str, list[Any]], tree: str | None) -> str | None:
    """Where a location is shown, relative to the root."""
    place = places.get(location.path)
    if place is None or tree is None:
        return None
    page, anchor, lines = place
    line = f"L{location.line}" if location.line and 0 < location.line <= lines else ""
    return f"{tree_pages(tree)}/{page}.html#{anchor}{line}"


def _excerpt(location: Location, tree: SourceTree | None) -> Excerpt | None:
    text = tree.text(location.path) if tree and location.line and location.path in tree.files else None
    if text is None or location.line is None:
        return _quoted(location)
    lines = highlighted(location.path, text) if len(text) <= 400_000 else ()
    if not 0 < location.line <= len(lines):
        return _quoted(location)
    first = max(1, location.line - CONTEXT_LINES)
    around = lines[first - 1 : location.line + CONTEXT_LINES]
    return None if any(len(x) > 4_000 for x in around) else Excerpt(first, location.line, around)


def _quoted(location: Location) -> Excerpt | None:
    """The line that the finding itself quotes."""
    text = (location.text or "").strip("\n")
    if not text.strip():
        return None
    lines = highlighted(location.path, bounded(text, 2_000))
    return Excerpt(location.line or 1, location.line or 0, lines[:12])


def _parts(turns: Iterator[Turn]) -> Iterator[list[Turn]]:
    """Turns in parts of a bounded size."""
    part: list[Turn] = []
    size = 0
    for turn in turns:
        part.append(turn)
        size += 400 + sum(len(block.text) for block in turn.blocks)
        if size > PART_CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part


def _part_file(part: int) -> str:
    return "transcript.html" if part == 1 else f"transcript-{part}.html"


def _search_index(parts: Sequence[Sequence[Turn]]) -> bytes:
    """A script that hands the turns' texts to the search box: plain data, ASCII, no HTML."""
    rows: list[list[Any]] = []
    left = INDEX_CHARACTERS
    for part, turns in enumerate(parts, 1):
        for turn in turns:
            text = "\n".join([turn.summary, turn.error, *(block.text for block in turn.blocks)])
            text = visible(text[: min(SEARCHED_CHARACTERS, left)])
            left -= len(text)
            rows.append([_part_file(part), turn.number, text])
    return b"shipworthyData(" + json.dumps(rows, ensure_ascii=True).replace("<", "\\u003c").encode() + b");\n"


def _shots(artifacts: Path | None) -> Iterator[tuple[Shot, bytes]]:
    if artifacts is None or not artifacts.is_dir():
        return
    paths = [p for p in sorted(artifacts.rglob("*.png")) if p.is_file() and not p.is_symlink()]
    for number, path in enumerate(paths[:MAX_SHOTS], 1):
        picture = checked(path.read_bytes())
        if picture is not None:
            content, width, height = picture
            yield Shot(f"shot-{number}.png", _shot_name(path, artifacts), width, height), content


def _shot_name(path: Path, artifacts: Path) -> str:
    """`too long (visit 1, start 2)` of visit-1/2/too-long.png: which probe saw it, and at which start."""
    words = path.stem.replace("_", " ").replace("-", " ")
    probe, *starts = path.relative_to(artifacts).parts[:-1] or ("",)
    start = f", start {starts[0]}" if starts and starts[0] != "1" else ""
    name, _, version = probe.rpartition("-")
    where = (name if version.isdigit() else probe).replace("_", " ")
    return f"{words} ({where}{start})" if where else words


def _logs(entry: Entry) -> Iterator[tuple[str, str]]:
    """(name, text) of what the agent printed and of what the probed app printed."""
    folders = [("agent", entry.folder / "logs"), ("lab", entry.artifacts)]
    for source, folder in folders:
        if folder is None or not folder.is_dir():
            continue
        for path in sorted(folder.glob("*.log")):
            if path.is_symlink() or not path.stat().st_size:
                continue
            with path.open("rb") as file:
                text = file.read(4_000_000).decode("utf-8", "replace")
            yield f"{source}: {path.name}", bounded(text, LOG_CHARACTERS)
