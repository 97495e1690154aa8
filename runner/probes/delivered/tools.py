"""The tools for continuous integration: gems of the application, or really invoked elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.core.records import Location
from runner.probes.kit.files import gemfile as gemfiles
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.gemfile import Gem, Gemfile
from runner.probes.kit.verdicts import Verdict, bad, good, moot

_WORKFLOWS = (".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitlab-ci.yml", ".circleci/config.yml")
_SCRIPTS = (
    "bin/*",
    "script/*",
    "scripts/*",
    "Makefile",
    "Rakefile",
    "lib/tasks/*.rake",
    "config/ci.rb",
    "Dockerfile*",
    "*.sh",
)
_GEMFILES = ("Gemfile.*", "*.gemfile", "*/Gemfile", "gemfiles/*")
_LOADED_BY_TESTS = ("test/*.rb", "spec/*.rb", ".simplecov", "config/*.rb", "bin/*", "Rakefile")
_STARTED = re.compile(r"^(?!\s*#).*\bSimpleCov\s*\.\s*start\b")
_LOADS_APPLICATION = re.compile(r"^\s*require(?:_relative)?\b.*config/environment[\"')]")


@dataclass(frozen=True)
class Tool:
    """A tool, the gems that bring it and the commands that run it."""

    title: str
    gems: re.Pattern[str]
    command: str


BRAKEMAN = Tool("Brakeman", re.compile(r"brakeman$"), r"brakeman")
RUBOCOP = Tool(
    "RuboCop", re.compile(r"rubocop(?:-[\w-]+)?$|standard(?:rb)?$|standard-rails$"), r"rubocop|standardrb"
)
SIMPLECOV = Tool("SimpleCov", re.compile(r"simplecov$"), r"simplecov")
BUNDLE_AUDIT = Tool(
    "bundle-audit",
    re.compile(r"bundler-audit$|bundle-audit$|ruby_audit$"),
    r"bundle[r]?[- ]audit|bundler-audit",
)


def tool(app: Application, gemfile: Gemfile | None, wanted: Tool) -> Verdict:
    """The tool is a gem of the application, or a script or workflow installs and runs it."""
    gem = _gem(gemfile, wanted) or _of_other_gemfile(app, wanted)
    if gem is not None:
        return good(f"{wanted.title} comes as gem {gem.name}", [gem.location], via="gem")
    run = _installed_and_run(app, wanted)
    if run is not None:
        return good(f"{wanted.title} is installed and run by a script", [run], via="script")
    return bad(
        f"no {wanted.title}: neither a gem in a Gemfile nor a script or workflow that installs and runs it"
    )


def simplecov(app: Application, gemfile: Gemfile | None) -> Verdict:
    """SimpleCov is a gem of the application; whether the tests start it is a value."""
    verdict = tool(app, gemfile, SIMPLECOV)
    places = _starts(app)
    return good(verdict.message, verdict.locations, started=bool(places)) if verdict.values else verdict


def simplecov_started(app: Application, gemfile: Gemfile | None) -> Verdict:
    """What the tests load starts SimpleCov, before the application's own code is loaded."""
    brought = tool(app, gemfile, SIMPLECOV)
    if not brought.values:
        return moot("there is no SimpleCov")
    started = _starts(app)
    if not started:
        return bad("SimpleCov is at hand, but nothing starts it: no coverage is measured", brought.locations)
    late = [place for place in started if _is_late(app, place)]
    if len(late) == len(started):
        return bad("SimpleCov starts after the application is loaded: what was loaded is not counted", late)
    return good("SimpleCov measures the coverage of the tests", started)


def _starts(app: Application) -> list[Location]:
    return app.matches(_STARTED, *_LOADED_BY_TESTS)


def _is_late(app: Application, place: Location) -> bool:
    """Whether the file loads the environment in a line above: eagerly loaded code is then never counted."""
    above = (app.tree.text(place.path) or "").splitlines()[: (place.line or 1) - 1]
    return any(_LOADS_APPLICATION.match(line) for line in above)


def _gem(gemfile: Gemfile | None, wanted: Tool) -> Gem | None:
    return next((gem for gem in (gemfile.gems if gemfile else ()) if wanted.gems.match(gem.name)), None)


def _of_other_gemfile(app: Application, wanted: Tool) -> Gem | None:
    """A gem of a second Gemfile that a script names, e.g. by BUNDLE_GEMFILE."""
    for path in app.glob(*_GEMFILES):
        other = gemfiles.read_path(app, path) if not path.endswith(".lock") else None
        gem = _gem(other, wanted)
        if gem is not None and app.matches(
            re.compile(re.escape(path[len(app.folder) :])), *_SCRIPTS, *_WORKFLOWS
        ):
            return gem
    return None


def _installed_and_run(app: Application, wanted: Tool) -> Location | None:
    """A step that runs the tool without the application's bundle: installed by name, action or image."""
    named = rf"(?:{wanted.command})"
    installs = re.compile(rf"^(?!\s*#).*\bgem\s+install\b.*\b{named}\b")
    runs = re.compile(rf"^(?!\s*(?:#|-?\s*name:))(?!.*\bgem\s+install\b[^&;]*$).*(?<!bin/)\b{named}\b")
    brings = re.compile(rf"^(?!\s*#).*(?:uses:\s*\S*{named}|(?:docker|podman)\s+run\b.*/{named}\b)")
    actions = app.matches(brings, *_WORKFLOWS, *_SCRIPTS)
    if actions:
        return actions[0]
    installed = app.matches(installs, *_WORKFLOWS, *_SCRIPTS)
    run = app.matches(runs, *_WORKFLOWS, *_SCRIPTS) if installed else []
    return run[0] if run else None
