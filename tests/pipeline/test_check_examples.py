"""The examples in the texts of checks are judged as they say, by the probes themselves.

Only those that make a file by themselves can be: what the app's behaviour decides, and a file's mere
presence, are shown in words.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.protocols import Subject
from runner.core.records import Outcome
from runner.core.tree import SourceFile, SourceTree
from runner.pipeline.grading.evidence import all_probes
from runner.pipeline.rubrics.explain import documentation

SANDBOXES = Path(__file__).parents[2] / "sandboxes"
RAILS = {
    "config/application.rb": "module App\n  class Application < Rails::Application\n"
    '    config.load_defaults "8.0"\n  end\nend\n',
    "Gemfile": 'gem "rails"\n',
}
CHAT_TURN = {
    "app/services/chat_turn.rb": "class ChatTurn\n  def initialize(chat: RubyLLM.chat) = @chat = chat\n"
    "  def answer(text) = @chat.ask(text).content\nend\n"
}
FRONT = {
    "config/importmap.rb": 'pin "@hotwired/turbo-rails", to: "turbo.min.js"\npin "@hotwired/stimulus"\n',
    "app/javascript/controllers/composer_controller.js": 'import { Controller } from "@hotwired/stimulus"\n'
    "export default class extends Controller {}\n",
    "app/views/messages/_message.html.erb": "<p><%= message.content %></p>\n",
}
CACHE = {"app/models/conversation.rb": 'class Conversation\n  def all = Rails.cache.read("chat")\nend\n'}
SERVICE, CONTROLLER = "app/services/reply.rb", "app/controllers/replies_controller.rb"
MODEL, VIEW = "app/models/history.rb", "app/views/chats/show.html.erb"
TEST, PYTHON = "test/services/chat_turn_test.rb", "notes/store.py"

Place = tuple[dict[str, str], str]


def places(probe: str, names: str, around: dict[str, str], path: str) -> dict[str, Place]:
    """The same place for several checks of a probe."""
    return {f"{probe}.{name}": (around, path) for name in names.split()}


# What stands around an example, and the file that it is.
PLACES: dict[str, Place] = {
    **places("ruby_llm", "used entry signature dsl response multi_turn system_prompt", {}, SERVICE),
    **places("ruby_llm_v1", "only_known_calls", {}, SERVICE),
    **places("architecture", "service_object thin_controllers", CHAT_TURN, CONTROLLER),
    **places("architecture", "no_invented_wrapper", CHAT_TURN, SERVICE),
    **places("error_handling", "rescued typed key_preflight degraded_page network_errors", {}, SERVICE),
    **places("error_handling", "setup_errors bugs_visible", {}, SERVICE),
    **places("persistence", "kept shared bounded cookie_fits expires", {}, MODEL),
    "production.csrf": (RAILS, "app/controllers/messages_controller.rb"),
    "production.escaped_output": (RAILS, VIEW),
    "production.multi_worker": (RAILS | CACHE, "config/environments/production.rb"),
    **places("production", "image_user health_check", {}, "Dockerfile"),
    **places("production", "security_in_ci linter_in_ci", RAILS, ".github/workflows/ci.yml"),
    **places("hotwire", "stimulus partials", FRONT, VIEW),
    **places("test_quality", "llm_path mocks_exist mocking_tool error_path", CHAT_TURN, TEST),
    **places("deliverables", "ruby_llm llm_gem stimulus", {}, "Gemfile"),
    **places("deliverables", "brakeman rubocop simplecov bundle_audit", {}, "Gemfile"),
    "deliverables.without_active_record": ({}, "config/application.rb"),
    "deliverables.routes": ({}, "config/routes.rb"),
    "deliverables.tests": ({}, TEST),
    **places("deliverables", "openrouter_config key_from_env", {}, "config/initializers/ruby_llm.rb"),
    **places("deliverables", "dockerfile dockerfile_ruby", {}, "Dockerfile"),
    "deliverables.compose": ({}, "compose.yaml"),
    "deliverables.readme": ({}, "README.md"),
    **places("python_project", "standard_library argument_parser no_swallowed_errors api", {}, PYTHON),
    "python_project.tests": ({}, "tests/test_store.py"),
    **places("python_project", "readme readme_tests", {}, "README.md"),
}


async def outcome(check: str, example: str) -> Outcome:
    around, path = PLACES[check]
    texts = {**around, path: example}
    files = {name: SourceFile(name, 0o100644, text.encode()) for name, text in texts.items()}
    (probe,) = (probe for probe in all_probes() if check in probe.checks)
    tree = SourceTree(digest=str(hash(example)), files=files)
    manifests = SANDBOXES / ("base" if probe.id.startswith("python") else "rails") / "manifests"
    found = await probe.run(Subject(tree=tree, run="r", manifests=manifests))
    return next(finding.outcome for finding in found if finding.check == check)


@pytest.mark.parametrize("check", PLACES)
async def test_good_passes_and_bad_fails(check: str) -> None:
    (probe,) = (probe for probe in all_probes() if check in probe.checks)
    doc = documentation(probe)[check]
    assert (await outcome(check, doc.good), await outcome(check, doc.bad)) == (Outcome.PASS, Outcome.FAIL)
