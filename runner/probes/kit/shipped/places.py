"""Where a name in a compose file leads: into the repository or out of it, links followed."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from runner.core.tree import SourceTree

_ABSOLUTE = re.compile(r"[/~\\]|[a-z]:\\|\w+://|\w[\w.-]*@", re.I)
_MOST_LINKS = 20


def leads_out(tree: SourceTree, path: str, name: Any) -> bool:
    """Whether a name that stands in the file `path` leads out of the repository, by itself or by a link."""
    text = str(name)
    if _ABSOLUTE.match(text):
        return True
    place: str | None = posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
    for _ in range(_MOST_LINKS):
        if place is None or place == ".." or place.startswith(("../", "/", "~")):
            return True
        link = _first_link(tree, place)
        if link is None:
            return False
        place = _followed(tree, place, link)
    return True  # links that lead in a circle lead nowhere


def _first_link(tree: SourceTree, place: str) -> str | None:
    pieces = place.split("/")[:200]
    above = ("/".join(pieces[: n + 1]) for n in range(len(pieces)))
    return next((path for path in above if path in tree.files and tree.files[path].is_link), None)


def _followed(tree: SourceTree, place: str, link: str) -> str:
    target = tree.files[link].content.decode("utf-8", "replace")
    if target.startswith("/"):
        return target
    return posixpath.normpath(posixpath.join(posixpath.dirname(link), target, place[len(link) :].lstrip("/")))
