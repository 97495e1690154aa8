"""What the page is made with: Turbo, Stimulus, Tailwind, partials."""

from __future__ import annotations

import re

from runner.core.records import Location
from runner.probes.delivered.skeleton import pages
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.gemfile import Gemfile
from runner.probes.kit.page.frontend import Library, npm_package, source_of
from runner.probes.kit.page.markup import inline_code, utility_classes
from runner.probes.kit.verdicts import Verdict, bad, good, moot

_LAYOUTS = ("app/views/*", "app/components/*", "public/*.html")
_COMPILED = ("app/assets/*.css", "public/*.css", "vendor/*.css")
_TAILWIND_BANNER = re.compile(r"/\*!?\s*(?:! )?tailwindcss v\d|--tw-[a-z-]+:")
_TAILWIND_CDN = re.compile(
    r"cdn\.tailwindcss\.com|@tailwindcss/browser|/tailwind(?:css)?[@/.\w-]*\.(?:css|js)"
)
_TAILWIND_SOURCE = re.compile(r"@import\s+[\"']tailwindcss|@tailwind\s+(?:base|utilities)")
_TAILWIND_CLI = re.compile(r"^(?!\s*#).*\btailwindcss\b.*(?:\s-i\b|--input|\s-o\b|--output|--watch|build)")
_SCRIPTS = ("bin/*", "Procfile*", "Dockerfile*", "Makefile", "Rakefile", "lib/tasks/*.rake", "package.json")
_FEW_LINES = 15


def library(app: Application, gemfile: Gemfile | None, wanted: Library) -> Verdict:
    """Turbo or Stimulus gets into the application, whichever way."""
    title = wanted.name.capitalize()
    source = source_of(app, gemfile, wanted)
    if source is None:
        return bad(f"no {title}: neither gem, importmap pin, npm package, vendored file nor CDN link")
    return good(f"{title} is there ({source.via})", [source.where], via=source.via)


def tailwind(app: Application, gemfile: Gemfile | None) -> Verdict:
    """Tailwind CSS is built or linked, and its utility classes are used."""
    used = utility_classes(app)
    gem = gemfile.starting("tailwindcss-r") if gemfile else None
    compiled = [
        Location(path=p)
        for p in app.glob(*_COMPILED)
        if _TAILWIND_BANNER.search((app.tree.text(p) or "")[:200_000])
    ]
    ways = (
        ("gem", gem.location if gem else None),
        ("npm", npm_package(app, r"tailwindcss|@tailwindcss/.*")),
        ("cli", next(iter(app.matches(_TAILWIND_CLI, *_SCRIPTS)), None)),
        ("compiled", compiled[0] if compiled else None),
        ("cdn", next(iter(app.matches(_TAILWIND_CDN, *_LAYOUTS)), None)),
        ("source", next(iter(app.matches(_TAILWIND_SOURCE, "app/*.css")), None)),
    )
    via = [(name, where) for name, where in ways if where is not None]
    if not via:
        return bad("no Tailwind: neither gem, npm package, CLI build, compiled output nor CDN link")
    if not used:
        return bad(f"Tailwind is there ({via[0][0]}), but no view uses its utility classes", [via[0][1]])
    return good(f"Tailwind is there ({via[0][0]}) and used", [via[0][1]], via=via[0][0], utilities=used)


def partials(app: Application) -> Verdict:
    """Views are split in partials; CSS and JavaScript are not in one file with the page."""
    if not pages(app):
        return moot("there are no views")
    split = [
        p for p in app.glob("app/views/*") if p.rpartition("/")[2].startswith("_") or "/components/" in p
    ]
    split += app.glob("app/components/*.rb", "app/components/*.erb")
    if not split:
        return bad("no view is a partial", [Location(path=path) for path in pages(app)])
    mixed = [
        where for path in app.glob("app/views/*.erb") for where in inline_code(app.tree, path, _FEW_LINES)
    ]
    if mixed:
        return bad("CSS or JavaScript stands in one file with the page", mixed)
    return good(f"partials: {len(split)}; CSS and JavaScript stand in their own files", count=len(split))
