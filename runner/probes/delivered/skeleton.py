"""The application itself: its place, frameworks, routes, views and tests."""

from __future__ import annotations

import re

from runner.core.records import Location
from runner.probes.kit.files.application import Application
from runner.probes.kit.files.gemfile import Gemfile
from runner.probes.kit.page.stimulus import GREETING
from runner.probes.kit.ruby.syntax import Call, RubyFile, literal, text
from runner.probes.kit.verdicts import Verdict, bad, good, moot, place

_ENTRY_FILES = ("config/application.rb", "config.ru", "bin/rails")
_RAILS_GEMS = ("rails", "railties")
_UNWANTED = {
    "rails/all": "Active Record, Action Mailer and Active Job",
    "active_record": "Active Record",
    "active_record/railtie": "Active Record",
    "action_mailer": "Action Mailer",
    "action_mailer/railtie": "Action Mailer",
    "active_job": "Active Job",
    "active_job/railtie": "Active Job",
    "active_storage/engine": "Active Storage, and with it Active Record and Active Job",
    "action_mailbox/engine": "Action Mailbox, and with it all three",
    "action_text/engine": "Action Text, and with it Active Record",
}
_STOCK_ROUTES = re.compile(r"rails/(?:health|pwa)#")
_PAGE_ROUTES = ("get", "match", "resources", "resource")
_VIEWS = ("app/views/*.erb", "app/views/*.haml", "app/views/*.slim", "app/views/*.rb", "app/components/*")
_NOT_PAGES = re.compile(r"app/views/(?:layouts|pwa|shared)/|app/views/\S*mailer\S*/")
_EXAMPLE_TEST = re.compile(
    r"^[ \t]*#[ \t]*test \"the truth\" do|^[ \t]*pending \"add some examples", re.MULTILINE
)
_REAL_TEST = re.compile(
    r"(?:test|it|specify|scenario|should|def test_\w*|include_examples|it_behaves_like)\b"
)
_PLACEHOLDER = re.compile(r"Find me in app/(?:views|components)/")


def rails_app(app: Application, gemfile: Gemfile | None) -> Verdict:
    """There is a generated Rails application, wherever it stands: its place is judged on its own."""
    missing = [path for path in _ENTRY_FILES if not app.text(path)]
    if gemfile is None or gemfile.find(*_RAILS_GEMS) is None:
        missing.append("Gemfile with rails")
    if "Rails::Application" not in app.text("config/application.rb") and _ENTRY_FILES[0] not in missing:
        missing.append("a class < Rails::Application in config/application.rb")
    if missing:
        return bad(f"not a generated Rails application: it lacks {', '.join(missing)}", missing=missing)
    return good("a generated Rails application is there", [Location(path=app.folder + _ENTRY_FILES[0])])


def _entries(app: Application) -> list[Location]:
    """A file that shows each nested application."""
    shown = [[p for p in app.tree if p.startswith(folder)] for folder in app.nested]
    return [Location(path=next((p for p in paths if p.endswith(_ENTRY_FILES)), paths[0])) for paths in shown]


def workspace_root(app: Application) -> Verdict:
    """No application is nested in a sub-folder."""
    if app.nested:
        return bad(f"an application is nested in {', '.join(app.nested)}", _entries(app))
    return good("no application is nested in a sub-folder")


def without_active_record(app: Application) -> Verdict:
    """Active Record, Action Mailer and Active Job are not loaded."""
    files = app.ruby(
        "config/application.rb", "config/boot.rb", "config/environment*.rb", "config/initializers/*.rb"
    )
    if not files:
        return moot("there is no Rails application")
    loaded = [(name, where) for file in files for name, where in _required(file) if name in _UNWANTED]
    if loaded:
        what = ", ".join(dict.fromkeys(_UNWANTED[name] for name, _ in loaded))
        return bad(f"loaded although unwanted: {what}", [where for _, where in loaded])
    return good("neither rails/all nor one of the three frameworks is required")


def _required(file: RubyFile) -> list[tuple[str, Location]]:
    """What it requires by name, also through `%w[...].each { |name| require name }`."""
    requires = [call for call in file.calls if call.receiver is None and call.name == "require"]
    named = [
        (value, call.location)
        for call in requires
        if call.positional and (value := literal(call.positional[0]))
    ]
    if len(named) == len(requires):
        return named
    return named + [(value, file.location(node)) for value, node in file.strings if "/" in value]


def routes(app: Application) -> Verdict:
    """A route leads to a page."""
    files = app.ruby("config/routes.rb", "config/routes/*.rb")
    calls = [call for file in files for call in file.calls if call.receiver is None]
    roots = [call for call in calls if _is_root(call)]
    if roots:
        return good("a route leads to the root page", [roots[0].location], root=True)
    pages = [c for c in calls if c.name in _PAGE_ROUTES and not _STOCK_ROUTES.search(text(c.node))]
    if pages:
        return good("routes lead to pages, though none to the root", [pages[0].location], root=False)
    return bad(
        f"no route leads to a page in {app.folder}config/routes.rb", [f.location(1) for f in files[:1]]
    )


def _is_root(call: Call) -> bool:
    if call.name == "root":
        return bool(call.positional or call.keywords)
    first = call.positional[0] if call.positional else None
    named = first.child_by_field_name("key") if first is not None and first.type == "pair" else first
    return call.name in ("get", "match") and literal(named) in ("", "/")


def pages(app: Application) -> list[str]:
    """The view templates of its own, without layouts and the generator's placeholders."""
    paths = [path for path in app.glob(*_VIEWS) if not _NOT_PAGES.search(path)]
    return [path for path in paths if (source := app.tree.text(path)) and not _PLACEHOLDER.search(source)]


def views(app: Application) -> Verdict:
    """There are views."""
    own = pages(app)
    if own:
        return good(f"view templates: {len(own)}", count=len(own))
    return bad(f"no view beside layouts and placeholders in {app.folder}app/views")


def tests(app: Application) -> Verdict:
    """There are Minitest tests."""
    files = [file for file in app.ruby("test/*_test.rb") if _has_case(file)]
    if files:
        return good(
            f"files with Minitest tests: {len(files)}",
            [Location(path=f.path) for f in files],
            count=len(files),
        )
    if app.glob("spec/*_spec.rb"):
        return bad(
            "the tests are RSpec; the brief asks for Minitest",
            [place(app.tree, app.glob("spec/*_spec.rb")[0])],
        )
    return bad(f"no file in {app.folder}test defines a test")


def _has_case(file: RubyFile) -> bool:
    blocks = any(
        c.name in ("test", "it", "specify") and c.block is not None for c in file.calls if c.receiver is None
    )
    named = any(text(node.child_by_field_name("name")).startswith("test_") for node in file.of("method"))
    return blocks or named


def placeholders(app: Application) -> Verdict:
    """No example that the generators write in place of work is left; the README has a check of its own."""
    if not app.exists:
        return moot("there is no Rails application")
    greeting = app.matches(GREETING, "app/javascript/*.js", "app/javascript/*.ts")
    views = app.matches(_PLACEHOLDER, "app/views/*", "app/components/*")
    tests = [
        place(app.tree, path)
        for path in app.glob("test/*_test.rb", "spec/*_spec.rb")
        if _is_empty_test(app.tree.text(path) or "")
    ]
    left = [*views, *greeting, *tests]
    if left:
        return bad("examples of the generators are left as they were written", left, left=len(left))
    return good("no view, Stimulus controller or test is a generator's example")


def _is_empty_test(source: str) -> bool:
    """A generated test class with its example in comments, or RSpec's pending line, and nothing else."""
    if not _EXAMPLE_TEST.search(source):
        return False
    code = [line.strip() for line in source.splitlines() if line.strip() and not line.strip().startswith("#")]
    return not any(_REAL_TEST.match(line) for line in code)
