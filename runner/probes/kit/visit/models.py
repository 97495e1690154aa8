"""Which models count as a current Claude Sonnet, and where an app says which model it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from runner.core.records import Location
from runner.core.tree import SourceTree
from runner.probes.kit.verdicts import Verdict, bad, good, place, unclear

_DATA = Path(__file__).with_name("models.yaml")
_SETTING = re.compile(
    r"""(?:ENV(?:\.fetch\(\s*|\[\s*)|getenv\(\s*|environ(?:\.get\(\s*|\[\s*)|process\.env\.)["']?(\w*MODEL\w*)"""
)
_NO_CODE = re.compile(r"(^|/)(test|spec|node_modules|vendor|tmp|log|public)/|\.(md|lock|txt)$")
_CONFIGURATION = re.compile(r"(^|/)config/|\.ya?ml$|(^|/)\.env[\w.]*$|(^|/)settings\.\w+$")


@dataclass(frozen=True)
class Sonnet:
    """One model by its plain name; it counts as current from `since` to `until`, None for still."""

    name: str
    since: date
    until: date | None = None


@cache
def _data() -> dict[str, Any]:
    return dict(yaml.safe_load(_DATA.read_text()))


@cache
def sonnets() -> tuple[Sonnet, ...]:
    """All that are known, the newest first."""
    return tuple(Sonnet(**entry) for entry in _data()["sonnets"])


def checked() -> date:
    """The day of which this knowledge is."""
    return date.fromisoformat(str(_data()["checked"]))


def other_model(host: str) -> str:
    """A model that clients of this provider know and no app of ours asks for by itself."""
    others = _data()["others"]
    return str(others.get(host) or others["openrouter.ai"])


def plain_name(model: str) -> str:
    """A model's name without vendor, region, date and variant, as `claude-sonnet-4.6`."""
    name = re.sub(r"^~?(?:[\w-]+[./])*(?=claude)", "", model.lower())
    name = re.sub(r"(?:[:@].*|-v\d+.*|-20\d{6}.*|-thinking)$", "", name)
    return re.sub(r"(?<=\d)-(?=\d)", ".", name).removesuffix(".0")


def _generation(model: str) -> float:
    found = re.fullmatch(r"claude-sonnet-(\d+(?:\.\d+)?)", plain_name(model))
    return float(found[1]) if found else 0.0


def current(on: date) -> list[str]:
    """The plain names that count on a day."""
    return [s.name for s in sonnets() if s.since <= on and (s.until is None or on <= s.until)]


def judged_model(model: str) -> Verdict:
    """Whether a requested model is a current Sonnet, as of the day the data was checked."""
    names, day = current(checked()), checked().isoformat()
    if not model:
        return bad("the request names no model")
    if plain_name(model) in names:
        return good(f"{model} is a current Claude Sonnet, as of {day}", model=model)
    if _generation(model) > _generation(sonnets()[0].name):
        return unclear(f"{model} may be a newer Claude Sonnet than was known on {day}")
    known = "an older Claude Sonnet" if "sonnet" in model.lower() else "no Claude Sonnet"
    return bad(f"{model} is {known}; current as of {day}: {', '.join(names)}", model=model)


def settings(tree: SourceTree) -> list[str]:
    """Names of environment variables by which the app's code reads a model's name, sorted."""
    return sorted({name for _, text in _sources(tree) for name in _SETTING.findall(text)})


def named_at(tree: SourceTree, model: str) -> list[Location]:
    """Where the app's code or configuration writes a model's name, configuration first."""
    found = [
        place(tree, path, text[: found.start()].count("\n") + 1)
        for path, text in _sources(tree)
        for found in re.finditer(re.escape(model), text)
    ]
    return sorted(found, key=lambda where: not _CONFIGURATION.search(where.path))


def judged_setting(tree: SourceTree, asked: str, tried: tuple[str, ...] = (), then: str = "") -> Verdict:
    """Whether the model can be changed: `tried` are the variables set to another, `then` what was asked for.

    Without such a variable, one place of the configuration will do.
    """
    if tried and then and then != asked:
        return good(f"with {' and '.join(tried)} set, {then} is asked for", variables=list(tried))
    if tried and not then:
        return unclear(f"with {' and '.join(tried)} set, the app asked for no model at all")
    places = named_at(tree, asked)
    if tried:
        return bad(f"{asked} is asked for whatever {' and '.join(tried)} says", places)
    if len(places) == 1 and _CONFIGURATION.search(places[0].path):
        return good("the model's name stands in one place of the configuration", places)
    if not places:
        return bad(f"the app names no model: {asked} is what its library chose")
    where = "in code" if len(places) == 1 else f"in {len(places)} places"
    return bad(f"the model's name is written {where}, and no variable changes it", places)


def _sources(tree: SourceTree) -> Iterator[tuple[str, str]]:
    for path in tree:
        if not _NO_CODE.search(path) and (text := tree.text(path)) is not None:
            yield path, text
