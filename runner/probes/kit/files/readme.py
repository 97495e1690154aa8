"""What a README says: the stock template taken away, is there a what, a set-up and a run?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.core.tree import SourceTree

_NAME = re.compile(r"readme(?:\.(?:md|markdown|mdown|rdoc|txt|adoc|asciidoc|org|rst))?", re.IGNORECASE)
_STOCK = (
    "this readme would normally document whatever steps are necessary",
    "things you may want to cover",
)
_STOCK_ITEMS = frozenset(
    (
        "ruby version",
        "system dependencies",
        "configuration",
        "database creation",
        "database initialization",
        "how to run the test suite",
        "services (job queues, cache servers, search engines, etc.)",
        "deployment instructions",
        "application up and running.",
        "...",
    )
)
_SET_UP = re.compile(
    r"bundle\s+(?:install|check|config)|bin/setup|bundle$|bundle\s+&&|cp\s+\S*\.env|\.env\.\w+"
    r"|docker[ -]compose\s+(?:build|up)"
    r"|docker\s+(?:buildx\s+)?build|(?:export|set)\s+\w*API_KEY|OPENROUTER_API_KEY\s*=|-e\s+OPENROUTER_API_KEY"
    r"|(?:npm|yarn|pnpm)\s+(?:install|ci)|make\s+(?:setup|install|build)|\binstall(?:s|ing)?\s+(?:the\s+)?(?:gems|dependencies)"
    r"|(?:set|provide|export)\s+(?:the\s+)?(?:your\s+)?[`*\"]*OPENROUTER_API_KEY",
    re.IGNORECASE | re.MULTILINE,
)
_RUN = re.compile(
    r"bin/dev|rails\s+(?:server|s)\b|docker[ -]compose\s+up|docker\s+run|podman\s+(?:run|compose\s+up)"
    r"|foreman\s+start|overmind\s+s"
    r"|exec\s+(?:puma|rackup)\b|make\s+(?:run|up|dev|start|server)|bin/(?:start|run|server)\b|just\s+(?:run|up|dev)|thrust\b",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(?:[#=]+ .*|.*\n[-=~]{3,} *)$", re.MULTILINE)
_MARKUP = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\n]*\)|<[^<>\n]+>|[*_`#=>|]+")
_SUBJECT = re.compile(
    r"chat|conversation|assistant|\bLLM|GPT|Claude|\bAI\b|チャット|聊天|对话|채팅|чат", re.IGNORECASE
)
_WIDE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_WORDS_OF_A_SENTENCE = 4


@dataclass(frozen=True)
class Readme:
    """A README and what it does not say; `stock` when only the generator's template is left."""

    path: str
    stock: bool
    missing: tuple[str, ...]


def find(tree: SourceTree, folders: tuple[str, ...]) -> Readme | None:
    """The best README of these folders, None without any."""
    paths = [p for f in folders for p in tree if p.startswith(f) and _NAME.fullmatch(p[len(f) :])]
    read = [_judge(path, text) for path in paths if (text := _text(tree, path)) is not None]
    return min(read, key=lambda readme: (len(readme.missing), readme.stock), default=None)


def _text(tree: SourceTree, path: str) -> str | None:
    file = tree.files[path]
    if not file.is_link:
        return tree.text(path)
    target = file.content.decode("utf-8", "replace").removeprefix("./")
    return tree.text("/".join(filter(None, (path.rpartition("/")[0], target))))


def _judge(path: str, text: str) -> Readme:
    own = "\n".join(line for line in text.splitlines() if not _is_stock(line))
    held = any(sentence in " ".join(text.lower().split()) for sentence in _STOCK)
    missing = [
        topic
        for topic, said in (
            ("what the application is", _describes(own)),
            ("how to set it up", _SET_UP.search(own)),
            ("how to run it", _RUN.search(own)),
        )
        if not said
    ]
    return Readme(path, held and len(missing) > 1, tuple(missing))


def _is_stock(line: str) -> bool:
    plain = line.strip().lstrip("*-=# ").lower().rstrip(":")
    return plain in _STOCK_ITEMS or any(plain.startswith(sentence) for sentence in _STOCK)


def _describes(text: str) -> bool:
    """Whether a sentence of prose on the subject stands outside code and headings."""
    prose = _MARKUP.sub(lambda m: m.group(1) or " ", _HEADING.sub("\n", _FENCE.sub("", text)))
    paragraphs = re.split(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+\.)\s)", prose)
    return any(_SUBJECT.search(p) and _is_sentence(p) for p in paragraphs)


def _is_sentence(paragraph: str) -> bool:
    lines = [line for line in paragraph.splitlines() if line.strip()]
    if all(line.startswith(("    ", "\t", "$ ")) for line in lines):
        return False
    return (
        len(re.findall(r"[^\W\d_]+", paragraph)) >= _WORDS_OF_A_SENTENCE or len(_WIDE.findall(paragraph)) > 8
    )
