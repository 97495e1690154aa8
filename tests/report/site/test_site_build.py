"""The site as files: complete, harmless, closed in itself, and written only where something changed."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from runner.core.errors import UserError
from runner.report.site.build import build
from runner.report.site.entries import Material
from tests.report.site.conftest import png, run_of, score_of

URLS = ("src", "href", "action", "formaction", "data", "srcset", "poster", "xlink:href")
OURS = {"script", "link", "meta", "svg", "img"}


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    @property
    def ids(self) -> set[str]:
        return {attributes["id"] or "" for _, attributes in self.tags if "id" in attributes}


def made(material: Material, out: Path) -> int:
    return build(material, out, lambda line: None)


def pages(out: Path) -> list[Page]:
    return [Page(path) for path in sorted(out.rglob("*.html"))]


@pytest.fixture
def site(material: Material, tmp_path: Path) -> Path:
    made(material, tmp_path / "site")
    return tmp_path / "site"


def test_every_kind_of_page_is_there(site: Path) -> None:
    kinds = {path.relative_to(site).parts[0] for path in site.rglob("*.html")}
    assert kinds == {
        *("index.html", "runs.html", "compare.html", "rubrics.html", "methodology.html"),
        *("runs", "trees", "models", "rubrics"),
    }
    assert len(list(site.glob("runs/*/index.html"))) == 4
    assert len(list(site.glob("rubrics/*-diff.html"))) == 1


def test_nothing_of_a_model_is_markup(site: Path) -> None:
    for page in pages(site):
        for tag, attributes in page.tags:
            assert not [name for name in attributes if name.startswith("on") or name == "style"], page.path
            if tag == "script":
                assert (attributes["src"] or "").endswith("assets/site.js")
            assert tag not in ("iframe", "object", "embed", "base", "style")
            assert "window.ran" not in " ".join(attributes[n] or "" for n in attributes if n in URLS)


def test_every_page_forbids_what_it_does_not_need(site: Path) -> None:
    for page in pages(site):
        (policy,) = [
            a["content"] or "" for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "connect-src" not in policy
        assert "require-trusted-types-for 'script'" in policy
        order = [t for t, a in page.tags if t in ("script", "link") or a.get("http-equiv")]
        assert order[0] == "meta"


def test_every_link_leads_to_something_on_the_site(site: Path) -> None:
    found = {page.path.resolve(): page for page in pages(site)}
    for page in found.values():
        for _, attributes in page.tags:
            for url in (attributes[name] or "" for name in URLS if name in attributes):
                parts = urlsplit(url)
                assert not parts.scheme, url
                assert not parts.netloc, url
                target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
                assert target.is_relative_to(site.resolve()), url
                assert target.is_file(), f"{page.path}: {url}"
                if parts.fragment and target.resolve() in found:
                    assert unquote(parts.fragment) in found[target.resolve()].ids, f"{page.path}: {url}"


def test_names_of_files_are_ours(site: Path) -> None:
    for path in site.rglob("*"):
        assert path.name.isascii()
        assert not set(path.name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
        assert len(path.name) < 100
        assert path.suffix in ("", ".html", ".css", ".js", ".json", ".png")


def test_what_cannot_be_seen_is_written_out(site: Path) -> None:
    (tree,) = site.glob("trees/*/1.html")
    text = tree.read_text()
    assert "\\u{202e}" in text
    assert "\\u{1b}" in text
    assert not {"\u202e", "\x1b", "\x01"} & set(text)


def test_only_real_pictures_are_taken_over_and_only_what_draws(site: Path) -> None:
    pictures = sorted(site.rglob("*.png"))
    assert {p.name for p in pictures} == {"shot-1.png"}
    assert all(b"window.ran" not in p.read_bytes() for p in pictures)


def test_a_lost_point_shows_its_reason_and_the_source_around_it(site: Path) -> None:
    (page,) = site.glob("runs/*good*e1*/index.html")
    text = page.read_text()
    assert "−27" in text
    assert 'class="l hit"' in text
    assert "trees/" in text
    assert "not/there.rb:1" in text


def test_a_second_build_writes_nothing(material: Material, site: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}
    asked: list[str] = []
    again = replace(material, read_tree=lambda run: asked.append(run.id))
    assert made(again, site) == 0
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()} == before
    assert asked == []


def test_a_new_score_makes_that_runs_page_again_and_no_other(material: Material, site: Path) -> None:
    first = material.entries[0]
    changed = replace(first, score=score_of(first.run, 77))
    before = {path: path.stat().st_mtime_ns for path in site.glob("runs/*/index.html")}
    made(replace(material, entries=[changed, *material.entries[1:]]), site)
    touched = [p.parent.name for p, at in before.items() if p.stat().st_mtime_ns != at]
    assert len(touched) == 1
    assert touched[0].startswith("chat-good-one-bash-e1")


def test_pages_of_a_run_that_is_gone_are_removed_and_nothing_else(material: Material, site: Path) -> None:
    stranger = site / "runs" / "notes.txt"
    stranger.write_text("mine")
    made(replace(material, entries=material.entries[:1]), site)
    assert len(list(site.glob("runs/*/index.html"))) == 1
    assert stranger.read_text() == "mine"


def test_a_page_that_was_deleted_comes_back(material: Material, site: Path) -> None:
    (page,) = site.glob("trees/*/1.html")
    page.unlink()
    made(material, site)
    assert page.exists()


def test_a_folder_of_something_else_is_refused(material: Material, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("x")
    with pytest.raises(UserError, match="no site of ours"):
        made(material, tmp_path / "home")


def test_a_manifest_that_names_files_outside_removes_nothing(material: Material, tmp_path: Path) -> None:
    out, victim = tmp_path / "site", tmp_path / "victim"
    out.mkdir()
    victim.write_text("x")
    (out / ".shipworthy-site.json").write_text('{"u": {"key": "k", "files": ["../victim"]}}')
    made(material, out)
    assert victim.exists()


def test_an_empty_archive_has_a_site_too(material: Material, tmp_path: Path) -> None:
    made(replace(material, entries=[], standings=[]), tmp_path / "empty")
    for name in ("index.html", "runs.html"):
        assert "no run in this archive" in (tmp_path / "empty" / name).read_text()


def test_two_runs_never_share_a_page(material: Material, tmp_path: Path) -> None:
    runs = [run_of("a/b"), run_of("a-b"), run_of("a.b"), run_of("ä/b")]
    entries = [replace(material.entries[0], run=run) for run in runs]
    made(replace(material, entries=entries), tmp_path / "out")
    assert len(list((tmp_path / "out").glob("runs/*/index.html"))) == 4


def test_a_repository_that_cannot_be_read_is_told_and_tried_again(material: Material, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made(replace(material, read_tree=lambda run: None), out)
    (page,) = out.glob("runs/*good*e1*/index.html")
    assert "The produced repository cannot be read" in page.read_text()
    (material.entries[0].folder / "repo.git/objects/pack").mkdir(parents=True)  # as whoever mends it does
    made(material, out)
    assert "cannot be read" not in page.read_text()


def test_what_is_gone_from_a_sealed_run_is_told(material: Material, tmp_path: Path) -> None:
    first = material.entries[0]
    files = {"transcript.jsonl": "a", "repo.git/HEAD": "b", "repo.git/objects/x": "c"}
    entry = replace(first, run=first.run.model_copy(update={"files": files}))
    made(replace(material, entries=[entry]), tmp_path / "out")
    (page,) = (tmp_path / "out").glob("runs/*/index.html")
    assert "Missing from the archive:</strong> repo.git." in page.read_text()


def test_a_run_without_a_repository_and_one_of_a_variant_say_so(material: Material, tmp_path: Path) -> None:
    first = material.entries[0]
    trial = first.run.trial.model_copy(update={"variant": "colleague"})
    run = first.run.model_copy(update={"trial": trial, "tree": None})
    made(replace(material, entries=[replace(first, run=run)]), tmp_path / "out")
    (page,) = (tmp_path / "out").glob("runs/*/index.html")
    assert "It left no repository" in page.read_text()
    assert "variant <strong>colleague</strong>" in page.read_text()
    assert "colleague" in (tmp_path / "out/runs.html").read_text()


def test_pictures_say_which_probe_took_them(material: Material, tmp_path: Path) -> None:
    artifacts = material.entries[0].artifacts
    assert artifacts is not None
    for start in ("1", "2"):
        (artifacts / "visit-1" / start).mkdir(parents=True)
        (artifacts / "visit-1" / start / "too-long.png").write_bytes(png())
    made(material, tmp_path / "out")
    (page,) = (tmp_path / "out").glob("runs/*good*e1*/index.html")
    captions = re.findall("<figcaption>(.*?)</figcaption>", page.read_text())
    assert captions == ["empty page", "too long (visit)", "too long (visit, start 2)"]


def test_a_models_wordings_are_compared(site: Path) -> None:
    (page,) = (path for path in site.glob("models/*.html") if "In other words" in path.read_text())
    text = " ".join(page.read_text().split())
    assert "the words matter more than noise explains" in text
    assert "the original words less the others: 20, 95 % interval −2.5 to 30 (p = 0.2)" in text
