"""The variables of a compose file: from what the lab gives and the repository's .env, never the host's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runner.core.tree import SourceTree

# What an app may find in its environment; never the host's own. No RAILS_MASTER_KEY: a wrong one keeps an app
# whose credentials are encrypted from starting, and without one they are merely empty.
GIVEN = {
    "OPENROUTER_API_KEY": "sk-or-v1-dummy-key-of-the-lab",
    "OPENAI_API_KEY": "sk-dummy-key-of-the-lab",
    "ANTHROPIC_API_KEY": "sk-ant-dummy-key-of-the-lab",
    "SECRET_KEY_BASE": "5f" * 64,
}
# The innermost of nested ones; a dollar sign that stands for itself is hidden before.
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-?+])([^{}$]*))?\})")
_DEEPEST = 8
_MOST = 16_000
_DOLLAR = "\0"


def variables(tree: SourceTree, folder: str) -> dict[str, str]:
    """What a compose file in this folder (`""` or ending with a slash) sees."""
    known = {"PWD": ".", "COMPOSE_PROJECT_NAME": "app"}
    for line in (tree.text(f"{folder}.env") or "").splitlines()[:2_000]:
        name, sign, value = line.strip().removeprefix("export ").partition("=")
        if sign and re.fullmatch(r"\w+", name.strip()):
            known[name.strip()] = str(interpolated(_unquoted(value.strip()), {**known, **GIVEN}))
    return {**known, **GIVEN}


def interpolated(value: Any, known: Mapping[str, str] = GIVEN) -> Any:
    """A value, however nested, with its variables put in."""
    if isinstance(value, dict):
        return {key: interpolated(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, known) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value
    text = value[:_MOST].replace("$$", _DOLLAR)
    for _ in range(_DEEPEST):
        before, text = text, _VARIABLE.sub(lambda found: _value(found, known), text)[:_MOST]
        if text == before:
            break
    return text.replace(_DOLLAR, "$")


def _value(found: re.Match[str], known: Mapping[str, str]) -> str:
    value = known.get(found[1] or found[2], "").replace("$", _DOLLAR)
    sign, other = found[3] or "", found[4] or ""
    if sign.endswith("+"):
        return other if value else ""
    return value or (other if sign.endswith("-") else "")


def _unquoted(value: str) -> str:
    quote = value[:1]
    if quote in ("'", '"') and value.count(quote) > 1:
        return value[1 : value.index(quote, 1)]
    return value.partition(" #")[0].strip()
