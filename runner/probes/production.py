"""What would hurt in production: forged requests, unescaped output, state of one process."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tree_sitter import Node

from runner.core.protocols import Subject
from runner.core.records import Finding, Location
from runner.core.tree import SourceTree
from runner.probes.delivered import ci, image
from runner.probes.kit.files import yaml_data
from runner.probes.kit.files.application import Application
from runner.probes.kit.page import javascript, raw_scripts
from runner.probes.kit.ruby import process_state
from runner.probes.kit.ruby.budget import within_budget
from runner.probes.kit.ruby.raw_ruby import RawOutput
from runner.probes.kit.ruby.syntax import Call, descendants, literal, text
from runner.probes.kit.verdicts import Verdict, bad, good, moot, place

_NO_APP = "there is no Rails application"
_TOKEN_CHECK = "verify_authenticity_token"
_OFF_SWITCHES = ("allow_forgery_protection=", "default_protect_from_forgery=", "protect_from_forgery=")
_HARMLESS = re.compile(r"config/environments/(?:test|development)\.rb$")
_CALLED_BY_SERVICES = re.compile(r"webhook|omniauth|_callbacks?_controller|pwa_controller")
_SAFE_ACTIONS = frozenset(("show", "index", "new", "edit"))
_TOKEN = re.compile(
    r"authenticate_(?:or_request_)?with_http_token|request\.authorization|doorkeeper_authorize!|authenticate_api_\w+"
    r"|headers\W{1,4}(?:HTTP_)?(?:Authorization|AUTHORIZATION|X-Api-Key|X-API-KEY)"
)
_FIRST_SAFE_DEFAULTS = 5.2
_SHARED_STORES = re.compile(r"redis|mem_cache|solid|file_store|dalli", re.IGNORECASE)
_CABLE_USE = re.compile(
    r"\bturbo_stream_from\b|\bbroadcast(?:s|s_to|s_refreshes|_\w+)\b|ActionCable\.server\.broadcast|createConsumer"
)
_LOCAL_ADAPTERS = ("async", "inline", "test")
_ERB = re.compile(r"<%.*?(?:%>|\Z)", re.DOTALL)


def _csrf(app: Application) -> Verdict:
    """CSRF protection is not switched off."""
    if not app.exists:
        return moot(_NO_APP)
    calls = [call for file in app.ruby("app/*.rb", "config/*.rb", "lib/*.rb") for call in file.calls]
    switched_off = [call.location for call in calls if _switches_off(call) and _is_forgeable(app, call)]
    if switched_off:
        return bad("CSRF protection is switched off", switched_off)
    protected = any(call.name == "protect_from_forgery" for call in calls)
    bare = [] if protected else _bare_controllers(app)
    if bare:
        return bad(
            "controllers without CSRF protection (ActionController::API or ::Metal) change state", bare
        )
    defaults = next((call for call in calls if call.name == "load_defaults" and call.positional), None)
    version = re.match(r"[\"']?(\d+\.\d+)", text(defaults.positional[0])) if defaults else None
    if not protected and (version is None or float(version.group(1)) < _FIRST_SAFE_DEFAULTS):
        where = [defaults.location] if defaults else []
        return bad("neither config.load_defaults nor protect_from_forgery switches CSRF protection on", where)
    return good("CSRF protection is on")


def _switches_off(call: Call) -> bool:
    if _HARMLESS.search(call.file.path):
        return False
    if call.name == "skip_forgery_protection":
        return True
    if call.name in ("skip_before_action", "skip_action_callback"):
        return any(literal(node) == _TOKEN_CHECK for node in call.positional)
    if call.name == "protect_from_forgery":
        return literal(call.keyword("with")) == "null_session" or call.keyword("except") is not None
    return (
        call.name in _OFF_SWITCHES
        and text(call.positional[0]) in ("false", "nil")
        and not _only_in_tests(call)
    )


def _is_forgeable(app: Application, call: Call) -> bool:
    """Whether a browser's cookie is what lets a request in: not for services that sign what they send,
    clients that bring a token, or actions that change nothing."""
    if _CALLED_BY_SERVICES.search(call.file.path):
        return False
    actions = call.keyword("only")
    named = (
        set() if actions is None else {literal(n) for n in descendants(actions, "simple_symbol", "string")}
    )
    if named and named <= _SAFE_ACTIONS:
        return False
    owner = app.code.owner(call.file, call.node)
    return not any(_brings_token(body) for above in app.code.lineage(owner) for _, body in above.bodies)


def _brings_token(body: Node) -> bool:
    """Whether a controller lets in who shows a token of its own."""
    return body.text is not None and _TOKEN.search(body.text.decode("utf-8", "replace")) is not None


def _only_in_tests(call: Call) -> bool:
    """`... = false if Rails.env.test?`, or in a block under such a condition."""
    around = (
        a
        for a in call.file.ancestors(call.node)
        if a.type in ("if", "if_modifier", "unless_modifier", "unless")
    )
    return any(
        re.search(r"env\.(?:test|development|local)\?|production\?", text(a.child_by_field_name("condition")))
        for a in around
    )


def _bare_controllers(app: Application) -> list[Location]:
    """Controllers outside ActionController::Base with an action that changes something."""
    found = []
    for owner in app.code.classes.values():
        above = app.code.ancestry(owner)
        file = owner.file if owner.bodies else None
        if (
            file is not None
            and "app/controllers/" in file.path
            and set(above) & {"ActionController::API", "ActionController::Metal"}
        ):
            changing = [
                m
                for m in owner.methods
                if m.name in ("create", "update", "destroy", "message", "chat", "send_message")
            ]
            token = any(_brings_token(body) for c in app.code.lineage(owner) for _, body in c.bodies)
            found += [file.location(owner.bodies[0][1])] if changing and not token else []
    return found


def _escaped_output(app: Application) -> Verdict:
    """The model's output is escaped or sanitised."""
    if not app.exists:
        return moot(_NO_APP)
    places = RawOutput(app).places() + raw_scripts.places(javascript.own_scripts(app))
    if places:
        return bad("the model's words reach the page as HTML, neither escaped nor sanitised", places)
    return good("nothing puts the model's words into the page as raw HTML")


def _multi_worker(app: Application) -> Verdict:
    """The application is safe with several workers."""
    if not app.exists:
        return moot(_NO_APP)
    kept = process_state.places(app.code)
    if kept:
        return bad("conversations live in one process: another worker does not see them", kept)
    cached = _memory_cache(app)
    if cached:
        return bad("state is kept in a cache that production holds in one process's memory", cached)
    cable = _local_cable(app)
    if cable:
        return bad(
            "broadcasts go through an Action Cable adapter that stays in one process in production", cable
        )
    return good("no state of one process, no in-memory cache or cable adapter for shared state in production")


def _memory_cache(app: Application) -> list[Location]:
    """The setting of an in-memory store and a use of it; the default is a file store, which workers share."""
    settings = _cache_settings(app)
    in_memory = [
        call for call in settings if "memory_store" in _symbols(call) or "MemoryStore" in text(call.node)
    ]
    if not in_memory or _shared_when_configured(app, settings):
        return []
    calls = [call for file in app.ruby("app/*.rb", "lib/*.rb", "config/*.rb") for call in file.calls]
    uses = [call.location for call in calls if call.name == "cache" and text(call.receiver) == "Rails"]
    uses += [call.location for call in calls if _keeps_sessions_in_cache(call)]
    return [in_memory[0].location, *uses] if uses else []


def _keeps_sessions_in_cache(call: Call) -> bool:
    return call.name in ("session_store", "session_store=") and "cache_store" in map(literal, call.positional)


def _cache_settings(app: Application) -> list[Call]:
    """What sets the cache store in production: its own file, else the application's."""
    for pattern in ("config/environments/production.rb", "config/application.rb"):
        calls = [call for file in app.ruby(pattern) for call in file.calls if call.name == "cache_store="]
        if calls:
            return calls
    return []


def _symbols(call: Call) -> set[str]:
    return {value for node in descendants(call.node, "simple_symbol", "string") if (value := literal(node))}


def _shared_when_configured(app: Application, settings: list[Call]) -> bool:
    """Whether a variable that the container sets chooses a shared store instead."""
    written = "\n".join(
        text(call.file.enclosing(call.node, "if", "unless", "case") or call.node) for call in settings
    )
    variables = re.findall(r"ENV(?:\.fetch\(|\.key\?\(|\[)\s*[\"'](\w+)", written)
    shipped = app.matches(re.compile("|".join(variables) or r"(?!)"), "*compose*.y*ml", "Dockerfile*")
    return _SHARED_STORES.search(written) is not None and bool(shipped)


def _local_cable(app: Application) -> list[Location]:
    """The production adapter of config/cable.yml if it is local and broadcasts are really made."""
    source = app.text("config/cable.yml")
    try:
        settings = yaml_data.mapping(yaml_data.load(_ERB.sub("erb", source)))
    except yaml_data.BrokenYaml:
        return []
    adapter = yaml_data.mapping(settings.get("production")).get("adapter")
    uses = app.matches(_CABLE_USE, "app/*.rb", "app/*.erb", "app/*.haml", "app/*.slim", "app/*.js")
    uses = [where for where in uses if not (where.text or "").lstrip().startswith(("#", "//", "*"))]
    if adapter not in _LOCAL_ADAPTERS or not uses:
        return []
    lines = source.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("production:")), 0)
    line = next((n for n, text_ in enumerate(lines[start:], start + 1) if "adapter" in text_), start + 1)
    return [place(app.tree, f"{app.folder}config/cable.yml", line), *uses]


class Production:
    """Looks for switched-off protection, raw output and state that only one worker has."""

    id = "production"
    version = 5
    needs_lab = False
    checks: Mapping[str, str] = {
        "production.csrf": "CSRF protection is not switched off",
        "production.escaped_output": "the model's output is escaped or sanitised",
        "production.multi_worker": "the application is safe with several workers",
        "production.image_user": "the image does not run as root",
        "production.health_check": "something asks the shipped application whether it still answers",
        "production.security_in_ci": "CI runs Brakeman and bundle-audit",
        "production.linter_in_ci": "CI runs RuboCop",
    }

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding per check."""
        return within_budget(self, subject.tree, lambda: findings(subject.tree))


def findings(tree: SourceTree) -> list[Finding]:
    """What the files say."""
    app = Application.of(tree)
    return [
        _csrf(app).of("production.csrf"),
        _escaped_output(app).of("production.escaped_output"),
        _multi_worker(app).of("production.multi_worker"),
        image.image_user(app).of("production.image_user"),
        image.health_check(app).of("production.health_check"),
        ci.security_tools(app).of("production.security_in_ci"),
        ci.linter(app).of("production.linter_in_ci"),
    ]


PROBE = Production()
