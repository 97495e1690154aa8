"""Whether a missing API key is noticed before a provider is called."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from runner.core.records import Location
from runner.core.tree import SourceTree
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.ruby.syntax import (
    METHODS,
    Call,
    RubyFile,
    constant_path,
    descendants,
    literal,
    text,
    within,
)
from runner.probes.kit.verdicts import place

_KEY_NAME = re.compile(r"api_?key|openrouter_?key|llm_?key", re.I)
# Services whose keys an application may test for reasons of its own.
_OTHERS = re.compile(
    r"(?:^|_)(?:stripe|sendgrid|postmark|mailgun|mailchimp|twilio|aws|maps|algolia|cloudinary|github|slack|sentry"
    r"|deepgram|elevenlabs|serp|serpapi|tavily|brave|resend|brevo|segment|amplitude|mapbox|weather|honeybadger"
    r"|rollbar|datadog|hubspot|shopify|intercom|zendesk|notion|airtable|pinecone|qdrant)_"
)
_TESTS = ("present?", "blank?", "nil?", "empty?", "key?", "has_key?", "exist?", "zero?")
_ALARM = re.compile(r"raise|abort|warn|error|fatal|render|redirect_to|flash|fail|exit")
_ANSWERS = ("call", "identifier", "string", "constant", "scope_resolution", "hash", "array")
_CONDITIONS = ("if", "unless", "elsif", "if_modifier", "unless_modifier", "conditional", "case")
_SHELL = re.compile(r"OPENROUTER_API_KEY(:?\?|[}\"']*\s*(\]|==?\s*[\"']{2}))")
_STARTERS = (
    "bin/*",
    "*/bin/*",
    "compose.y*ml",
    "docker-compose.y*ml",
    "*/compose.y*ml",
    "*/docker-compose.y*ml",
)


def key_tests(use: LlmUse) -> list[Location]:
    """Places that look whether the model's key is there and do something about it."""
    return use.tree.derived("key tests", lambda: _key_tests(use))


def _key_tests(use: LlmUse) -> list[Location]:
    found = [call.location for file in use.code.app_files for call in _ruby_tests(use, file)]
    return found + list(_shell_tests(use.tree))


def _ruby_tests(use: LlmUse, file: RubyFile) -> Iterator[Call]:
    for call in file.calls:
        if _is_env(call):
            told = _fails_loudly(call) or _tested(file, call.node)
            if told and _is_key(use, file, call.node):
                yield call
        elif call.name in _TESTS and _leads_on(use, file, call.node):
            parts = (call.receiver, *call.positional)
            if any(_is_key(use, file, part) for part in parts if part is not None):
                yield call


def _leads_on(use: LlmUse, file: RubyFile, node: Node) -> bool:
    """Whether something is done about what a test says, here or by who asks the method it stands in."""
    return _acts(file, node) or _used_predicate(use, file, node)


def _is_env(call: Call) -> bool:
    return constant_path(call.receiver) == "ENV" and call.name in ("[]", "fetch")


def _fails_loudly(call: Call) -> bool:
    """`ENV.fetch(KEY)` raises by itself; with a block it does what the block does."""
    if call.name != "fetch" or len(call.positional) > 1:
        return False
    return call.block is None or _alarms(call.block)


def _tested(file: RubyFile, node: Node) -> bool:
    """Whether a read of the key is itself a condition: `unless ENV[KEY]`, `ENV[KEY] || raise(...)`."""
    above = file.parent(node)
    while (
        above is not None
        and above.type in ("parenthesized_statements", "call")
        and text(above).endswith("presence")
    ):
        above = file.parent(above)
    if above is not None and above.type == "binary":
        right = above.child_by_field_name("right")
        return right is not None and not within(node, right) and _alarms(right)
    if above is not None and above.type == "unary":
        above = file.parent(above)
    if above is None or above.type not in _CONDITIONS:
        return False
    condition = above.child_by_field_name("condition")
    return condition is not None and within(node, condition) and _acts(file, node)


def _is_key(use: LlmUse, file: RubyFile, node: Node, depth: int = 2) -> bool:
    known: dict[tuple[str, int, int], bool] = use.tree.derived("keys", dict)
    place = (file.path, node.id, depth)
    if place not in known:
        known[place] = _names_key(use, file, node, depth)
    return known[place]


def _names_key(use: LlmUse, file: RubyFile, node: Node, depth: int) -> bool:
    for inner in descendants(node):
        use.code.budget.spend()
        if inner.type in ("string", "simple_symbol") and _is_key_name(use, literal(inner) or ""):
            return True
        if inner.type in ("identifier", "instance_variable", "constant"):
            if _is_key_name(use, text(inner)):
                return True
            definitions = use.kinds.names.definitions(file, inner) if depth else []
            if any(_is_key(use, file, d, depth - 1) for d in definitions if not within(inner, d)):
                return True
    return False


def _is_key_name(use: LlmUse, name: str) -> bool:
    """Whether it names a key, and not one of another service or of a provider that is not configured."""
    found = _KEY_NAME.search(name)
    if found is None:
        return False
    named = name[: found.end()].lower()
    if _OTHERS.search(named):
        return False
    vendors = {provider.lower() for provider in use.api.providers} & set(named.split("_"))
    return not vendors or bool(vendors & (use.configured_providers or vendors))


def _acts(file: RubyFile, node: Node) -> bool:
    """Whether a condition around the test does more than leave a setting unset."""
    for around in file.ancestors(node):
        if around.type in METHODS:
            return False
        if around.type in _CONDITIONS:
            condition = around.child_by_field_name("condition")
            if condition is None or not within(node, condition):
                continue
            rest = [c for c in around.named_children if c != condition]
            return file.path.endswith(".erb") or any(map(_speaks, rest))
        if around.type == "binary" and text(around.child_by_field_name("operator")) in (
            "||",
            "&&",
            "or",
            "and",
        ):
            right = around.child_by_field_name("right")
            if right is not None and not within(node, right) and _alarms(right):
                return True
    return False


def _alarms(node: Node) -> bool:
    """Whether code raises, warns, answers or leaves the method."""
    calls = (text(n.child_by_field_name("method")) for n in descendants(node, "call"))
    return any(_ALARM.match(name) for name in calls) or any(True for _ in descendants(node, "return"))


def _speaks(node: Node) -> bool:
    """Whether a branch does anything but set an option: alarms, or has a value that says something."""
    last = node.named_children[-1] if node.type in ("then", "else") and node.named_children else node
    return _alarms(node) or (last.type in _ANSWERS and "ENV" not in text(last))


def _used_predicate(use: LlmUse, file: RubyFile, node: Node) -> bool:
    """Whether the test is what a method answers, and that method is asked somewhere else."""
    method = use.code.method_of(file, node)
    if method is None or not method.body or not within(node, method.body[-1]):
        return False
    mentions = use.kinds.names.mentions(method.name)
    outside = (f for f, n in mentions if not (f is file and within(n, method.node)))
    return any(use.code.is_app_file(f) for f in outside)


def _shell_tests(tree: SourceTree) -> Iterator[Location]:
    for path in tree.glob(*_STARTERS):
        for number, line in enumerate((tree.text(path) or "").splitlines(), 1):
            if _SHELL.search(line) and not line.lstrip().startswith("#"):
                yield place(tree, path, number)
