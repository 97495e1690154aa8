"""The whole site from its material, page by page; what has not changed stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic as clock
from typing import Any

from runner.core.records import Rubric, Run
from runner.core.tree import SourceTree
from runner.report.site import files as tree_files
from runner.report.site.entries import Entry, Material
from runner.report.site.naming import run_page, tree_pages
from runner.report.site.overview import overview_pages
from runner.report.site.rendering import Renderer
from runner.report.site.run_pages import missing_files, pages_of
from runner.report.site.writer import SiteFolder, key_of

Progress = Callable[[str], None]
ReadTree = Callable[[Run], SourceTree | None]
PLACES = "places.json"
EVERY_S = 1.0


def build(material: Material, out: Path, progress: Progress, live: bool = False) -> int:
    """Write the site below `out`; returns how many files were new or changed.

    `live` pages ask the server that serves them whether there is something new.
    """
    render = Renderer(live)
    site = SiteFolder(out)
    rubrics = {rubric.digest(): rubric for rubric in material.rubrics}
    made: set[str] = set()
    told = clock()
    for number, entry in enumerate(material.entries, 1):
        new = _add_run(entry, material.read_tree, rubrics, site, render, made)
        if new and clock() - told > EVERY_S:
            told = clock()
            progress(f"report: {number:,} of {len(material.entries):,} runs")
    for path, content in overview_pages(material, render).items():
        site.add(path, key_of(content), {path: content})
    site.add("assets", key_of(render.digest), render.assets())
    site.close()
    return site.written


def _add_run(
    entry: Entry,
    read_tree: ReadTree,
    rubrics: Mapping[str, Rubric],
    site: SiteFolder,
    render: Renderer,
    made: set[str],
) -> bool:
    """A run's pages and those of its tree, unless they are there; whether anything was made."""
    tree = _LazyTree(entry.run, read_tree)
    new = False
    if entry.run.tree and entry.run.tree not in made:
        made.add(entry.run.tree)
        new = _add_tree(entry.run.tree, tree, site, render)
    missing = missing_files(entry)
    key = _run_key(entry, render, missing)
    unit = run_page(entry.run.id)
    if site.fresh(unit, key):
        return new
    places = _places(site, entry.run.tree)
    rubric = rubrics.get(entry.score.rubric_digest) if entry.score else None
    site.add(unit, key, pages_of(entry, tree.read(), places, rubric, render))
    return True


def _add_tree(digest: str, tree: _LazyTree, site: SiteFolder, render: Renderer) -> bool:
    unit = tree_pages(digest)
    key = key_of(render.digest, digest)
    if site.fresh(unit, key):
        return False
    read = tree.read()
    if read is None:
        return False
    files = tree_files.shown_files(read)
    pages = {f"{unit}/{PLACES}": tree_files.places(files)}
    listing = {"listing": tree_files.nested(files), "left_out": tree_files.left_out(read), "tree": digest}
    for page, shown in tree_files.pages(files):
        path = f"{unit}/{page}.html"
        pages[path] = render.page(path, "files", page=page, files=shown, count=len(files), **listing)
    site.add(unit, key, pages)
    return True


class _LazyTree:
    """A run's tree, read when the first page needs it."""

    def __init__(self, run: Run, read: ReadTree) -> None:
        self._run = run
        self._read = read
        self._tree: list[SourceTree | None] = []

    def read(self) -> SourceTree | None:
        """The tree; None if the run left none."""
        if not self._tree:
            self._tree.append(self._read(self._run))
        return self._tree[0]


def _run_key(entry: Entry, render: Renderer, missing: Sequence[str]) -> str:
    records = [entry.run, entry.score, entry.calibration, *entry.improvements]
    return key_of(
        render.digest,
        entry.why_not or "",
        *missing,
        *_state(entry.folder / "repo.git"),
        *(record.canonical() if record else b"" for record in records),
        *_listing(entry.artifacts),
    )


def _state(repository: Path) -> list[str]:
    """Changes when a repository that could not be read is put right."""
    places = (repository, repository / "objects", repository / "objects/pack")
    return [str(place.stat().st_mtime_ns) if place.is_dir() else "" for place in places]


def _listing(folder: Path | None) -> list[str]:
    """Names, sizes and times of artifacts: they may be added to later."""
    if folder is None or not folder.is_dir():
        return []
    found = [(path, path.lstat()) for path in sorted(folder.rglob("*"))]
    return [f"{path.name} {stat.st_size} {stat.st_mtime_ns}" for path, stat in found]


def _places(site: SiteFolder, tree: str | None) -> dict[str, list[Any]]:
    place = site.root / tree_pages(tree) / PLACES if tree else None
    known: dict[str, list[Any]] = json.loads(place.read_bytes()) if place and place.is_file() else {}
    return known
