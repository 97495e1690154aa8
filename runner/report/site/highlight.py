"""Source code as HTML lines: tokens from Pygments, everything escaped, within bounds of size and time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import lru_cache

from markupsafe import Markup, escape
from pygments.lexers import get_lexer_by_name
from pygments.token import Token, _TokenType

from runner.report.site.visible import visible

MAX_CHARACTERS = 120_000
MAX_LINE = 2_000
MAX_SECONDS = 2.0

# Only languages that a graded repository is made of: a guess could pick any lexer there is.
_LEXERS = {
    ".rb": "ruby", ".rake": "ruby", ".ru": "ruby", ".gemspec": "ruby", ".erb": "rhtml", ".html": "html",
    ".css": "css", ".js": "javascript", ".mjs": "javascript", ".ts": "typescript", ".json": "json",
    ".yml": "yaml", ".yaml": "yaml", ".toml": "toml", ".ini": "ini", ".sh": "bash", ".py": "python",
    ".md": "markdown", ".sql": "sql", ".xml": "xml", ".svg": "xml", ".diff": "diff",
}  # fmt: skip
_NAMED = {
    "gemfile": "ruby",
    "rakefile": "ruby",
    "dockerfile": "docker",
    "makefile": "make",
    "procfile": "yaml",
}
_CLASSES: Sequence[tuple[_TokenType, str]] = (
    (Token.Comment, "c"),
    (Token.Keyword, "k"),
    (Token.Operator.Word, "k"),
    (Token.Literal.String, "s"),
    (Token.Literal.Number, "m"),
    (Token.Name.Function, "n"),
    (Token.Name.Class, "n"),
    (Token.Name.Namespace, "n"),
    (Token.Name.Tag, "t"),
    (Token.Name.Attribute, "a"),
    (Token.Name.Variable, "a"),
    (Token.Name.Constant, "a"),
    (Token.Generic.Heading, "n"),
    (Token.Generic.Subheading, "n"),
    (Token.Generic.Inserted, "s"),
    (Token.Generic.Deleted, "a"),
)


@lru_cache(maxsize=4096)
def highlighted(path: str, text: str) -> tuple[Markup, ...]:
    """One piece of HTML a line, without line ends; plain if the language is unknown or it takes too long."""
    text = visible(text)
    language = language_of(path)
    if language is None or len(text) > MAX_CHARACTERS or any(len(x) > MAX_LINE for x in text.split("\n")):
        return tuple(escape(line) for line in _lines(text))
    coloured = _coloured(text, language)
    return tuple(escape(line) for line in _lines(text)) if coloured is None else coloured


def language_of(path: str) -> str | None:
    """The lexer's name for a path, by its last part."""
    name = path.rsplit("/", 1)[-1].lower()
    stem, dot, extension = name.rpartition(".")
    return _NAMED.get(name) or _NAMED.get(stem) or (_LEXERS.get(f".{extension}") if dot else None)


def _coloured(text: str, language: str) -> tuple[Markup, ...] | None:
    lexer = get_lexer_by_name(language, ensurenl=False, stripnl=False)
    deadline = time.monotonic() + MAX_SECONDS
    lines: list[list[Markup]] = [[]]
    for kind, value in lexer.get_tokens(text):
        if time.monotonic() > deadline:
            return None
        for n, part in enumerate(value.split("\n")):
            if n:
                lines.append([])
            if part:
                lines[-1].append(_span(kind, part))
    if not lines[-1] and text.endswith("\n"):
        lines.pop()
    return tuple(Markup("").join(line) for line in lines)


def _span(kind: _TokenType, part: str) -> Markup:
    name = next((name for family, name in _CLASSES if _within(kind, family)), None)
    return Markup('<i class="{}">{}</i>').format(name, part) if name else escape(part)


def _within(kind: _TokenType, family: _TokenType) -> bool:
    return tuple(kind)[: len(family)] == tuple(family)


def _lines(text: str) -> Iterator[str]:
    yield from text.removesuffix("\n").split("\n")
