"""Templates with escaping that cannot be forgotten, and what they may call."""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib import resources
from pathlib import PurePosixPath
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from runner.report.rubric_diff import cause_words, change_words
from runner.report.rubric_sheet import condition_words, group_words
from runner.report.site.naming import model_page, rubric_page, run_page, tree_pages
from runner.report.site.visible import bounded, visible
from runner.report.text import count, duration, interval, money

# `file:` is for pages opened from the disk, where some browsers give every file an origin of its own.
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src 'self' file:;"
    " base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types shipworthy"
)
LIVE_POLICY = POLICY.replace("; base-uri", "; connect-src 'self'; base-uri", 1)


class Renderer:
    """Renders pages at their depth: every link is relative, so that the site works from the file system."""

    def __init__(self, live: bool) -> None:
        self.live = live
        package = resources.files("runner.report.site")
        self._assets = {
            name: package.joinpath("assets", name).read_bytes() for name in ("site.css", "site.js")
        }
        folder = package.joinpath("templates")
        texts = {item.name: item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".j2")}
        self._texts = texts
        self._environment = _environment(texts)

    @cached_property
    def digest(self) -> str:
        """Changes with whatever could change a page that is made from the same run."""
        parts = [*sorted(self._texts.items()), *sorted((n, str(b)) for n, b in self._assets.items())]
        package = resources.files("runner.report.site")
        code = [item.read_text() for item in sorted(package.iterdir(), key=str) if item.name.endswith(".py")]
        return hashlib.sha256(repr((parts, code, self.live)).encode()).hexdigest()

    def assets(self) -> dict[str, bytes]:
        """The style sheet and the script, by path."""
        return {f"assets/{name}": content for name, content in self._assets.items()}

    def page(self, path: str, template: str, **context: Any) -> bytes:
        """The page at `path` below the root."""
        depth = len(PurePosixPath(path).parts) - 1
        page = self._environment.get_template(f"{template}.html.j2").render(
            root="../" * depth, policy=LIVE_POLICY if self.live else POLICY, live=self.live, **context
        )
        return page.encode("utf-8", "replace")


def _environment(texts: dict[str, str]) -> Environment:
    environment = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(
        money=money,
        duration=duration,
        count=count,
        points=_points,
        bounded=bounded,
        percent=_percent,
        at=_moment,
    )
    environment.globals.update(
        interval=_span,
        cause_words=cause_words,
        change_words=change_words,
        condition_words=condition_words,
        group_words=group_words,
        model_page=model_page,
        run_page=run_page,
        tree_pages=tree_pages,
        rubric_page=rubric_page,
    )
    return environment


def _shown(value: Any) -> Any:
    """Every text that is printed, with hidden characters written out; HTML of ours stays."""
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _points(value: float) -> str:
    """`72.5`, without a needless `.0`."""
    return f"{round(value, 1):g}".replace("-", "\N{MINUS SIGN}")


def _span(low: float, high: float) -> str:
    """`72` or `60–72`; of numbers below 0 `−3 to 2`."""
    if low == high or low < 0:
        return _points(low) if low == high else f"{_points(low)} to {_points(high)}"
    return interval(low, high).replace("-", "\N{EN DASH}")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _moment(text: Any) -> str:
    """`2026-05-01 12:00` of a time in UTC."""
    return str(text)[:16].replace("T", " ")
