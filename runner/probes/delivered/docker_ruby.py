"""The Ruby of the Dockerfile: does it exist, and is it the one the application asks for?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.core.records import Location, Outcome
from runner.probes.kit.files import dockerfile
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.dockerfile import Stage
from runner.probes.kit.files.gemfile import Gemfile
from runner.probes.kit.files.ruby_releases import (
    AS_OF,
    LAST_PATCH,
    Existence,
    existence,
    satisfies,
    version_in,
)
from runner.probes.kit.verdicts import Verdict, bad, good, moot, place, unclear

_WORST = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS)
_LOCKED = re.compile(r"^RUBY VERSION\n\s+ruby (\d+\.\d+\.\d+)", re.MULTILINE)
_BUILT = re.compile(
    r"(?:ruby-build|rbenv install|rvm install|asdf install ruby|ruby-install(?: ruby)?|ruby@)"
    r"[ =]*(?:-\S+ )*\"?(\d{1,3}\.\d{1,3}(?:\.\d{1,3})?)"
)


@dataclass(frozen=True)
class _Wish:
    """A version of Ruby that the application asks for."""

    requirement: str
    where: Location


def docker_ruby(app: Application, gemfile: Gemfile | None) -> Verdict:
    """The Dockerfile's Ruby exists and agrees with .ruby-version and Gemfile."""
    path = dockerfile.dockerfile_path(app.tree, app.folders)
    stages = dockerfile.parse(app.tree.text(path) or "") if path else []
    if path is None or not stages:
        return moot("there is no Dockerfile with a FROM")
    wishes = _wishes(app, gemfile)
    images = dockerfile.ruby_stages(stages)
    if not images:
        return _without_image(stages, place(app.tree, path, stages[-1].line), wishes)
    verdicts = [_of_image(stage, tag, place(app.tree, path, stage.line), wishes) for stage, tag in images]
    return min(verdicts, key=lambda verdict: _WORST.index(verdict.outcome))


def _wishes(app: Application, gemfile: Gemfile | None) -> list[_Wish]:
    found = []
    if gemfile is not None and gemfile.ruby:
        found.append(
            _Wish(gemfile.ruby, next(iter(app.matches(re.compile(r"^\s*ruby\b"), "Gemfile", "gems.rb"))))
        )
    pinned = version_in(app.text(".ruby-version"))
    if pinned:
        found.append(_Wish(pinned, place(app.tree, f"{app.folder}.ruby-version", 1)))
    locked = _LOCKED.search(app.text("Gemfile.lock"))
    if locked:
        line = app.text("Gemfile.lock").count("\n", 0, locked.start(1)) + 1
        found.append(_Wish(locked.group(1), place(app.tree, f"{app.folder}Gemfile.lock", line)))
    return found


def _of_image(stage: Stage, tag: str, where: Location, wishes: list[_Wish]) -> Verdict:
    if tag.startswith("-"):
        return bad(f"the Ruby version of {stage.image} is an ARG without a value", [where])
    version = version_in(tag)
    if version is None:
        return _of_newest(stage, where, wishes)
    return _judged(version, where, wishes)


def _judged(version: str, where: Location, wishes: list[_Wish]) -> Verdict:
    known = existence(version)
    if known is Existence.IMPOSSIBLE:
        return bad(f"Ruby {version} was never released", [where], version=version)
    unmet = [wish for wish in wishes if not satisfies(version, wish.requirement)]
    if unmet:
        asked = ", ".join(f"{wish.where.path} asks for {wish.requirement}" for wish in unmet)
        return bad(
            f"the Dockerfile has Ruby {version}, but {asked}",
            [where, *(w.where for w in unmet)],
            version=version,
        )
    if known is Existence.NEWER:
        return unclear(f"Ruby {version} is newer than this program's table of {AS_OF}", [where])
    return good(
        f"Ruby {version} exists and agrees with what the application asks for", [where], version=version
    )


def _of_newest(stage: Stage, where: Location, wishes: list[_Wish]) -> Verdict:
    """An image without a version is the newest: at least the table's."""
    newest = "{}.{}".format(*max(LAST_PATCH))
    if all(satisfies(newest, wish.requirement) for wish in wishes):
        return good(
            f"{stage.image} holds the newest Ruby, which meets what the application asks for", [where]
        )
    return unclear(
        f"which Ruby {stage.image} holds changes with time; the application asks for a certain one", [where]
    )


def _without_image(stages: list[Stage], where: Location, wishes: list[_Wish]) -> Verdict:
    commands = " ".join(
        i.arguments for stage in stages for i in stage.instructions if i.keyword in ("RUN", "ARG", "ENV")
    )
    built = _BUILT.search(commands)
    if built:
        return _judged(built.group(1), where, wishes)
    exact = [wish for wish in wishes if wish.requirement[0].isdigit()]
    if dockerfile.package_ruby(stages) is None:
        return unclear(f"{stages[-1].image} is not known to hold Ruby", [where])
    if exact:
        return unclear(
            "the distribution's Ruby is installed; files do not tell which version that is", [where]
        )
    return good("the distribution's own Ruby is installed and no certain one asked for", [where])
