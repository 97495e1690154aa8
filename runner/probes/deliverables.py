"""The deliverables of the brief: what must lie in the repository, whichever way it got there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.delivered import container, llm_access, screen, skeleton, tools
from runner.probes.delivered.docker_ruby import docker_ruby
from runner.probes.kit.files import gemfile
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.gemfile import Gemfile
from runner.probes.kit.page import frontend
from runner.probes.kit.ruby.budget import within_budget
from runner.probes.kit.verdicts import Verdict


@dataclass(frozen=True)
class _Repository:
    """What every check looks at."""

    app: Application
    gems: Gemfile | None


_Judge = Callable[[_Repository], Verdict]
_CHECKS: dict[str, tuple[str, _Judge]] = {
    "rails_app": (
        "there is a generated Rails application",
        lambda r: skeleton.rails_app(r.app, r.gems),
    ),
    "workspace_root": (
        "no application is nested in a sub-folder",
        lambda r: skeleton.workspace_root(r.app),
    ),
    "without_active_record": (
        "Active Record, Action Mailer and Active Job are not loaded",
        lambda r: skeleton.without_active_record(r.app),
    ),
    "routes": ("a route leads to a page", lambda r: skeleton.routes(r.app)),
    "views": ("there are views", lambda r: skeleton.views(r.app)),
    "tests": ("there are Minitest tests", lambda r: skeleton.tests(r.app)),
    "ruby_llm": ("the Gemfile asks for ruby_llm", lambda r: llm_access.ruby_llm(r.gems)),
    "llm_gem": (
        "no wrong LLM gem takes the place of ruby_llm",
        lambda r: llm_access.llm_gem(r.app, r.gems),
    ),
    "openrouter_config": (
        "RubyLLM is configured for OpenRouter and a Claude Sonnet model",
        lambda r: llm_access.openrouter_config(r.app),
    ),
    "key_from_env": (
        "OPENROUTER_API_KEY is read from the environment",
        lambda r: llm_access.key_from_env(r.app),
    ),
    "turbo": ("Turbo is part of the application", lambda r: screen.library(r.app, r.gems, frontend.TURBO)),
    "stimulus": (
        "Stimulus is part of the application",
        lambda r: screen.library(r.app, r.gems, frontend.STIMULUS),
    ),
    "tailwind": (
        "Tailwind CSS is part of the application and used",
        lambda r: screen.tailwind(r.app, r.gems),
    ),
    "partials": (
        "views are split in partials, CSS and JavaScript stand in their own files",
        lambda r: screen.partials(r.app),
    ),
    "brakeman": ("Brakeman is at hand for CI", lambda r: tools.tool(r.app, r.gems, tools.BRAKEMAN)),
    "rubocop": ("RuboCop is at hand for CI", lambda r: tools.tool(r.app, r.gems, tools.RUBOCOP)),
    "simplecov": ("SimpleCov is at hand for CI", lambda r: tools.simplecov(r.app, r.gems)),
    "simplecov_started": (
        "the tests start SimpleCov before they load the application",
        lambda r: tools.simplecov_started(r.app, r.gems),
    ),
    "bundle_audit": (
        "bundle-audit is at hand for CI",
        lambda r: tools.tool(r.app, r.gems, tools.BUNDLE_AUDIT),
    ),
    "dockerfile": ("a Dockerfile has a FROM and a start command", lambda r: container.docker_file(r.app)),
    "dockerfile_ruby": (
        "the Dockerfile's Ruby exists and agrees with .ruby-version, Gemfile and Gemfile.lock",
        lambda r: docker_ruby(r.app, r.gems),
    ),
    "compose": (
        "a readable compose file, by any of its four names, has a service",
        lambda r: container.compose(r.app),
    ),
    "no_placeholders": (
        "no view, Stimulus controller or test is still the generator's example",
        lambda r: skeleton.placeholders(r.app),
    ),
    "readme": (
        "a README, not the stock one, says what the application is, how to set it up and how to run it",
        lambda r: container.read_me(r.app),
    ),
}


class Deliverables:
    """Looks for each thing the brief asks for."""

    id = "deliverables"
    version = 4
    needs_lab = False
    checks: Mapping[str, str] = {
        f"deliverables.{name}": statement for name, (statement, _) in _CHECKS.items()
    }

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding per check."""
        return within_budget(self, subject.tree, lambda: findings(subject.tree))


def findings(tree: SourceTree) -> list[Finding]:
    """What the files say."""
    app = Application.of(tree)
    repository = _Repository(app, gemfile.read(app))
    return [judge(repository).of(f"deliverables.{name}") for name, (_, judge) in _CHECKS.items()]


PROBE = Deliverables()
