"""Names of pages: short, of plain characters and unique, whatever the thing itself is called."""

from __future__ import annotations

import hashlib
import re

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def slug(name: str) -> str:
    """A file name that still can be recognised; the digest keeps different names apart."""
    plain = _UNSAFE.sub("-", name).strip("-_")[:60]
    return f"{plain or 'x'}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def run_page(run: str) -> str:
    """The folder of a run's pages."""
    return f"runs/{slug(run)}"


def tree_pages(tree: str) -> str:
    """The folder of a produced repository's pages; `tree` is a Git id."""
    return f"trees/{_UNSAFE.sub('-', tree)[:64]}"


def model_page(model: str) -> str:
    """A model's page."""
    return f"models/{slug(model)}.html"


def rubric_page(name: str, digest: str) -> str:
    """A rubric's page."""
    return f"rubrics/{_UNSAFE.sub('-', name)}-{digest[:12]}.html"
