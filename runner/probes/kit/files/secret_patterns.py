"""What a real secret looks like, and what only stands in for one."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_PROVIDERS = (
    ("OpenRouter key", r"sk-or-(?:v\d-)?[A-Za-z0-9]{20,}"),
    ("Anthropic key", r"sk-ant-[A-Za-z0-9_-]{20,}"),
    ("OpenAI key", r"sk-(?!or-|ant-)(?:[a-z]+-)?[A-Za-z0-9_-]{20,}"),
    ("Google key", r"AIza[0-9A-Za-z_-]{35}"),
    ("AWS access key", r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"),
    ("GitHub token", r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})"),
    ("GitLab token", r"glpat-[A-Za-z0-9_-]{20,}"),
    ("Slack token", r"xox[abprs]-[A-Za-z0-9-]{20,}"),
    ("Stripe key", r"[rs]k_(?:live|test)_[A-Za-z0-9]{20,}"),
    ("Hugging Face token", r"hf_[A-Za-z0-9]{30,}"),
    ("Groq key", r"gsk_[A-Za-z0-9]{40,}"),
    ("xAI key", r"xai-[A-Za-z0-9]{40,}"),
    ("RubyGems key", r"rubygems_[0-9a-f]{48}"),
    ("npm token", r"npm_[A-Za-z0-9]{36}"),
)
_TOKEN = re.compile("|".join(rf"(?<![A-Za-z0-9_-])(?P<p{n}>{p})" for n, (_, p) in enumerate(_PROVIDERS)))
# How each of those keys begins: finding these is many times quicker than trying the patterns everywhere.
_BEGINNINGS = (
    *("sk-", "AIza", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox"),
    *("rk_", "sk_", "hf_", "gsk_", "xai-", "rubygems_", "npm_"),
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\\n|\s)+(?:[\w-]+: [^\n]*\n\s*)*"
    r"(?P<body>[A-Za-z0-9+/=]{40,})"
)
_NAMED = re.compile(
    r"(?P<name>api[_-]?key|secret[_-]?key(?:[_-]?base)?|(?:access|auth|api|bearer)[_-]?token|client[_-]?secret"
    r"|encryption[_-]?key|private[_-]?key|passw(?:or)?d|(?<![a-z])secret|(?<![a-z])token)"
    r"\w*[\"'`\]\)]*\s*(?:=>|:=|\|\|=|=|:|,)\s*(?P<quote>[\"'`]?)(?:Bearer )?"
    r"(?P<value>[A-Za-z0-9+/_=-]{20,}(?:--[\w=+/-]+)*)(?P<end>.?)",
    re.IGNORECASE,
)
_NOT_SECRET_NAMES = re.compile(r"csrf|authenticity|nonce|integrity|digest|public|_id$|signed", re.IGNORECASE)
_STAND_IN = re.compile(
    r"(?<![a-z])(?:test|fake|your|demo|mock|stub|todo|not|here|key)(?![a-z])|dummy|example|xxxx|placeholder|change"
    r"|replace|insert|sample|secret|token|fixture|invalid|canary|redacted|filtered|testing|testkey|apikey|deadbeef"
    r"|abc123|development|production",
    re.IGNORECASE,
)
_MASTER_KEY_VALUE = re.compile(r"(?<=RAILS_MASTER_KEY[=:])\s*[\"']?[0-9a-f]{32}")
_CAMEL = re.compile(r"(?:[A-Z][a-z]{2,12}){2,}\d{0,6}")
_STARS = "*" * 8
_MAX_LINE = 4_000
_KEY_WORDS = ("key", "token", "secret", "passw")
_LEAST_LINE = 26  # a name, a sign and a value of 20 characters
_LEAST_ENTROPY = 3.1


@dataclass(frozen=True)
class Secret:
    """A secret in a text: what it is, where. `value` must never reach a message."""

    kind: str
    line: int
    value: str


def provider_secrets(source: str) -> Iterator[Secret]:
    """Keys whose form alone gives them away, and private keys."""
    for found in _tokens(source):
        kind = _PROVIDERS[int((found.lastgroup or "p0")[1:])][0]
        body = re.sub(r"^(?:[A-Za-z]+[-_])*(?:v\d-)?", "", found.group())
        if is_real(body if len(body) >= 12 else found.group(), digits=1):
            yield Secret(kind, _line(source, found.start()), found.group())
    for found in _PRIVATE_KEY.finditer(source) if "PRIVATE KEY" in source else ():
        if is_real(found.group("body"), digits=1):
            yield Secret("private key", _line(source, found.start()), found.group("body"))


def _tokens(source: str) -> Iterator[re.Match[str]]:
    """What `_TOKEN.finditer` finds."""
    starts = (m.start() for word in _BEGINNINGS for m in _occurrences(word, source))
    end = 0
    for start in sorted(set(starts)):
        found = _TOKEN.match(source, start) if start >= end else None
        if found is not None:
            end = found.end()
            yield found


def _occurrences(word: str, source: str) -> Iterator[re.Match[str]]:
    return re.finditer(re.escape(word), source) if word in source else iter(())


def named_secrets(source: str, quoted: bool) -> Iterator[Secret]:
    """Random-looking values given to something named like a key; `quoted` asks for quotes around them."""
    for number, line in _lines_about_keys(source):
        for found in _NAMED.finditer(line):
            quote, end = found.group("quote"), found.group("end")
            closed = end == quote if quote else not quoted and end in ("", " ", '"', "'", "`", ",", "\\")
            named = re.split(r"[^\w-]", line[: found.end("name")])[-1]
            if closed and not _NOT_SECRET_NAMES.search(named) and is_real(found.group("value")):
                yield Secret(f"value of {named}", number, found.group("value"))


def _lines_about_keys(source: str) -> Iterator[tuple[int, str]]:
    """The lines that `_NAMED` can match at all, numbered: most hold none of its words."""
    folded = source.casefold()
    if not any(word in folded for word in _KEY_WORDS):
        return
    has_word = re.compile("|".join(_KEY_WORDS)).search
    for number, (line, low) in enumerate(zip(source.splitlines(), folded.splitlines(), strict=True), start=1):
        if _LEAST_LINE <= len(line) <= _MAX_LINE and has_word(low):
            yield number, line


def is_real(value: str, digits: int = 2) -> bool:
    """Whether a value looks random rather than made up; `digits`: how many it has at least."""
    kinds = sum(1 for c in value if c.isdigit()) >= digits and sum(1 for c in value if c.isalpha()) >= 2
    if not kinds or _STAND_IN.search(value) or _is_worded(value):
        return False
    return _entropy(value) >= _LEAST_ENTROPY and not _is_counting(value) and not _is_repeating(value)


def redacted(text: str) -> str:
    """The text with everything starred out that may be a secret."""
    for secret in (*provider_secrets(text), *named_secrets(text, quoted=False)):
        text = text.replace(secret.value, _STARS)
    return _MASTER_KEY_VALUE.sub(_STARS, text)


def _line(source: str, offset: int) -> int:
    return source.count("\n", 0, offset) + 1


def _entropy(value: str) -> float:
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())


def _is_worded(value: str) -> bool:
    """`not-a-real-key-1234`, `MyLongPassword123`: most of it words."""
    words = [
        w for w in re.split(r"[-_/.]", value) if re.fullmatch(r"[a-z]{2,12}|[A-Z]{2,12}|[A-Z][a-z]{2,12}", w)
    ]
    return _CAMEL.fullmatch(value) is not None or (len(words) > 1 and sum(map(len, words)) * 2 > len(value))


def _is_counting(value: str) -> bool:
    """`0123456789abcdef`, `abcdefghij`: most characters follow the one before."""
    digits = value.lower()
    steps = sum(1 for a, b in pairwise(digits) if ord(b) - ord(a) == 1 or a + b in ("90", "9a"))
    return steps * 2 > len(value)


def _is_repeating(value: str) -> bool:
    return any(
        value == (value[:n] * len(value))[: len(value)] for n in range(1, min(24, len(value) // 2) + 1)
    )
