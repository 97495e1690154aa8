"""What boot makes of a root page, and of an app whose dependencies are not those it asked for."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.records import Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.probes.boot import boots, root_page
from runner.probes.kit.lab.installed import Installed
from runner.probes.kit.lab.lab import Lab, RootPage
from runner.probes.kit.lab.recipes import App, recipes
from runner.probes.kit.verdicts import bad, good

OK, BAD, MOOT = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE
ROUTES = SourceFile("config/routes.rb", 0o100644, b"Rails.application.routes.draw do\nend\n")
CRASH = b"config/routes.rb:2:in `x': uninitialized constant Turns (NameError)\n"


def lab(log: bytes = b"") -> Lab:
    app: Any = None  # nothing runs here
    found = Lab(SourceTree("t", {ROUTES.path: ROUTES}), App(recipes()[0], ""), app)
    found.log.feed(log)
    return found


@pytest.mark.parametrize(
    ("page", "outcome", "told"),
    [
        (RootPage(status=200, text="Chat", source="<p>Chat</p>"), OK, "a page of its own"),
        (RootPage(status=200), BAD, "an empty page"),
        (RootPage(status=404, text="No route"), BAD, "GET / answers 404"),
        (RootPage(status=302, location="https://chat.example/"), BAD, "redirects to https://chat.example/"),
        (RootPage(status=200, text="Rails", source="<title>Ruby on Rails 7.2</title>"), BAD, "welcome page"),
        (RootPage(status=500), BAD, "GET / answers 500"),
        (RootPage(died=True, exit_code=1), MOOT, "does not start"),
    ],
)
def test_the_root_page_must_be_the_apps_own(page: RootPage, outcome: Outcome, told: str) -> None:
    verdict = root_page(lab(), page)
    assert verdict.outcome is outcome
    assert told in verdict.message


def test_an_app_that_ends_is_told_with_its_first_error_and_place() -> None:
    verdict = boots(lab(CRASH), RootPage(died=True, exit_code=1))
    assert verdict.outcome is BAD
    assert verdict.message.startswith("the app ended with exit code 1: config/routes.rb:2")
    assert [(place.path, place.line) for place in verdict.locations] == [("config/routes.rb", 2)]


def test_an_app_that_starts_as_it_says_itself_is_told_so() -> None:
    assert "started as Procfile.dev says" in boots(lab(), RootPage(status=200, by="Procfile.dev")).message


@pytest.mark.parametrize(
    ("installed", "outcome"),
    [
        (Installed(), BAD),
        (Installed(note="without gems of command-line tools"), BAD),
        (Installed(note="the image's gem versions", alters=True), Outcome.UNKNOWN),
    ],
)
def test_a_failure_with_other_versions_may_not_be_the_apps_own(
    installed: Installed, outcome: Outcome
) -> None:
    failed = installed.fair(bad("it crashed"))
    assert failed.outcome is outcome
    assert (failed.values or {}).get("lab", "") == installed.note
    assert installed.fair(good("it starts")).outcome is OK
