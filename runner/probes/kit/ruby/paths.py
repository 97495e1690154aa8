"""What a file is by its place: hand-written Ruby, a test, a task, a part of the application."""

from __future__ import annotations

from functools import lru_cache

_NOT_THEIRS = {"vendor", "node_modules", "tmp", "log", "storage", "coverage", "public", ".bundle", ".git"}


def is_ruby(path: str) -> bool:
    """Whether a file is Ruby or ERB that the author of the repository wrote."""
    *folders, name = path.split("/")
    ruby = name.endswith((".rb", ".rake", ".ru", ".erb", ".jbuilder")) or name in ("Rakefile", "Gemfile")
    return ruby and not _NOT_THEIRS & set(folders)


@lru_cache(maxsize=50_000)
def is_test(path: str) -> bool:
    """Whether a file belongs to a test suite; its folder may lie in a nested application."""
    folders = path.split("/")[:-1]
    first = next((f for f in folders if f in ("app", "lib", "config", "test", "spec", "features")), "")
    return first in ("test", "spec", "features")


def is_task(path: str) -> bool:
    """Whether a file is run by hand on a command line, where an error may end the program."""
    return path.endswith((".rake", "Rakefile")) or in_area(path, "script") or in_area(path, "db")


def in_area(path: str, area: str) -> bool:
    """Whether a file lies below a folder of the application, e.g. `app/controllers`, nested or not."""
    return f"/{area}/" in f"/{path}"
