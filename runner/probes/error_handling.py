"""What happens when the provider fails?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tree_sitter import Node

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.kit.llm.clauses import BROAD, Clause
from runner.probes.kit.llm.failures import (
    ONE_SHOT,
    Leak,
    broad_and_mute,
    network_leaks,
    setup_leaks,
    through_gem,
)
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.passed_on import is_read
from runner.probes.kit.llm.preflight import key_tests
from runner.probes.kit.llm.rescues import Guard, Rescues
from runner.probes.kit.ruby.budget import within_budget
from runner.probes.kit.ruby.paths import in_area, is_task
from runner.probes.kit.ruby.syntax import Call, RubyFile, descendants, statements, text
from runner.probes.kit.verdicts import Verdict, bad, good, moot

CHECKS = {
    "error_handling.rescued": "every provider call is covered by a rescue",
    "error_handling.typed": "what is rescued is specific and not swallowed",
    "error_handling.key_preflight": "a missing API key is noticed before a request is sent",
    "error_handling.degraded_page": "the user is shown a message when a turn fails",
    "error_handling.network_errors": "network errors, which RubyLLM::Error does not cover, are rescued, too",
    "error_handling.setup_errors": "a rescue also meets a missing key and an unknown model",
    "error_handling.bugs_visible": "a rescue that catches everything tells what it caught",
}

Guards = list[tuple[Call, Guard]]
_OUTER = ("app/controllers", "app/jobs", "app/channels", "app/sidekiq", "app/workers")
_SHOWING = re.compile(
    r"render\w*|redirect\w*|flash|turbo_stream|broadcast\w*|respond_to|respond_with|stream|notify\w*"
)
_LOGGING = re.compile(r"(Rails\.)?logger\b|Rails\.error|Sentry|Honeybadger|puts|warn\b|p\b")
_KEEPING = re.compile(r"<<|push|append\w*|add\w*|create!?|update!?|write|puts")
_OWN_WORDS = ("string", "heredoc_beginning", "chained_string")
_FORMED = ("call", "element_reference", "binary")
_FORMING = ("strip", "squish", "freeze", "chomp", "format", "%", "gsub", "sub", "truncate", "+", "<<")
_SIDE = re.compile(
    r"[Tt]itle|[Ss]ummar|[Cc]ategori[sz]|[Cc]lassif|(?:^|[^a-z])tag_|Tagg|[Nn]ame_(?:chat|conversation)"
)
_NOTHING = ("nil", "false", "true", "next", "retry", "break", "self")


def findings(tree: SourceTree, manifests: Path) -> list[Finding]:
    """One finding per check."""
    use = LlmUse.of(tree, manifests)
    rescues = Rescues(use)
    guards: Guards = [
        (call, rescues.guard(call)) for call in use.provider_calls if not is_task(call.file.path)
    ]
    verdicts = {
        "rescued": _rescued(guards),
        "typed": _typed(use, guards),
        "key_preflight": _key_preflight(use, guards),
        "degraded_page": _degraded_page(use, guards),
        "network_errors": _leaking(use, guards, network_leaks(use, rescues), "network errors"),
        "setup_errors": _setup_errors(use, rescues, guards),
        "bugs_visible": _bugs_visible(use, guards),
    }
    return [verdict.of(f"error_handling.{name}") for name, verdict in verdicts.items()]


def _clauses(guards: Guards) -> list[Clause]:
    found = [c for _, guard in guards for c in guard.clauses]
    return list({(c.file.path, c.node.id): c for c in found}.values())


def _rescued(guards: Guards) -> Verdict:
    if not guards:
        return bad("no call to a provider was found that a rescue could guard")
    bare = [(call, guard) for call, guard in guards if guard.escapes or not guard.final]
    if bare:
        ways = [place for call, guard in bare for place in (call.location, *guard.escapes)]
        places = list(dict.fromkeys(ways))
        return bad("a failure of the provider leaves the application's code unrescued", places)
    return good("every provider call is covered", [c.location for c in _clauses(guards)])


def _typed(use: LlmUse, guards: Guards) -> Verdict:
    clauses = _clauses(guards)
    missing = [i for i in use.inventions if i.area == "error"]
    if missing and use.api.complete:
        names = "; ".join(dict.fromkeys(i.message for i in missing))
        return bad(f"an error class is named that does not exist: {names}", [i.location for i in missing])
    if not clauses:
        return moot("no rescue meets a provider's failure")
    typed = [c for c in clauses if _names_provider_error(use, c)]
    if not typed:
        return bad("only StandardError or the like is rescued", [c.location for c in clauses])
    final = [c for _, guard in guards for c in guard.final]
    if final and not any(map(_says_anything, final)):
        return bad("the failure is swallowed without a trace for the user", [c.location for c in final])
    return good("errors of the provider are rescued by name", [c.location for c in typed])


def _names_provider_error(use: LlmUse, clause: Clause) -> bool:
    """Whether a clause tells provider errors apart, in its list or by looking at the error."""
    if any(e not in BROAD and not _is_own(use, e) for e in clause.errors):
        return True
    reached = [clause.body, *(m.node for m in clause.called(use))]
    return any(re.search(r"\bRubyLLM::\w*Error|\bFaraday::", text(n)) for n in reached if n is not None)


def _is_own(use: LlmUse, error: str) -> bool:
    """Whether the application defines an error class itself."""
    own = any(name == error or name.endswith(f"::{error}") for name in use.code.classes)
    return own and not error.startswith(("RubyLLM::", "Faraday::"))


def _says_anything(clause: Clause) -> bool:
    """Whether a clause leaves more than nil behind it."""
    if clause.body is None or clause.node.type in ("method", "call"):
        return True
    done = [s for s in clause.statements if not _LOGGING.match(text(s))]
    return any(
        s.type not in _NOTHING and text(s) not in ('""', "''", "[]", "{}", "return", "return nil")
        for s in done
    )


def _key_preflight(use: LlmUse, guards: Guards) -> Verdict:
    tests = key_tests(use)
    if tests:
        return good("the key is looked for before a request is sent", tests)
    named = [c for c in _clauses(guards) if "RubyLLM::ConfigurationError" in c.errors]
    if named:
        message = "RubyLLM's own check of its configuration is rescued by name"
        return good(message, [c.location for c in named])
    return bad("nothing notices a missing key before the provider refuses it (looked for tests of the key)")


def _degraded_page(use: LlmUse, guards: Guards) -> Verdict:
    if not guards:
        return bad("no call to a provider was found whose failure could be shown")
    turns = [(call, guard) for call, guard in guards if _asks_a_turn(use, call)] or guards
    mute = [call.location for call, guard in turns if not any(_shows(use, c) for c in guard.final)]
    if len(mute) == len(turns):
        return bad("no rescue leads to a message on the page", mute)
    if mute:
        return bad("one of the ways to ask the model leads to no message when it fails", mute)
    shown = [c for _, guard in turns for c in guard.final if _shows(use, c)]
    places = list(dict.fromkeys(c.location for c in shown))
    return good("a failed turn leads to a message for the user", places)


def _leaking(use: LlmUse, guards: Guards, leaks: list[Leak], what: str) -> Verdict:
    if not through_gem(use):
        return moot("nothing is sent through RubyLLM")
    if not any(guard.final for _, guard in guards):
        return moot("no rescue meets a provider's failure")
    if leaks:
        names = list(dict.fromkeys(leak.error for leak in leaks))
        places = [place for leak in leaks for place in (leak.call.location, *leak.escapes)]
        return bad(f"{', '.join(names)} leaves the application's code unrescued", places, errors=names)
    return good(f"{what} are rescued, too", [c.location for c in _clauses(guards)])


def _setup_errors(use: LlmUse, rescues: Rescues, guards: Guards) -> Verdict:
    leaks = setup_leaks(use, rescues, key_is_tested=bool(key_tests(use)))
    return _leaking(use, guards, leaks, "errors of the set-up")


def _bugs_visible(use: LlmUse, guards: Guards) -> Verdict:
    broad = [c for _, guard in guards for c in guard.final if c.catches_bugs and c.body is not None]
    if not broad:
        return moot("no rescue around a provider call catches everything")
    mute = broad_and_mute(use, guards)
    if mute:
        places = [c.location for c in mute]
        return bad("a rescue catches everything, NameError included, and leaves no trace of it", places)
    return good("what is caught is logged, reported or handed on", [c.location for c in broad])


def _asks_a_turn(use: LlmUse, call: Call) -> bool:
    """Whether it sends what somebody said: not a side call with a text of the program's own around it."""
    question = next(iter(call.positional), None)
    own_words = question is not None and _is_own_text(use, call.file, question)
    return call.name not in ONE_SHOT and not own_words and not _SIDE.search(_standing_in(use, call))


def _is_own_text(use: LlmUse, file: RubyFile, node: Node, depth: int = 4) -> bool:
    """Whether an expression is a text that the program holds, also by way of a name or a method."""
    if node.type in _OWN_WORDS or depth == 0:
        return depth > 0
    if node.type in _FORMED and node.named_children:
        call = file.call(node)
        if call is not None and call.name in _FORMING and call.receiver is not None:
            return _is_own_text(use, file, call.receiver, depth - 1)
        method = use.kinds.target(call) if call is not None else None
        last = [] if method is None else method.body[-1:]
        return method is not None and any(_is_own_text(use, method.file, n, depth - 1) for n in last)
    if node.type == "constant":
        value = use.kinds.names.constant(text(node))
        return value is not None and _is_own_text(use, *value, depth - 1)
    return node.type == "identifier" and _is_own_name(use, file, node, depth)


def _is_own_name(use: LlmUse, file: RubyFile, node: Node, depth: int) -> bool:
    """Whether a variable is only ever set to such a text, or a method of that name returns one."""
    assigned = use.kinds.names.reaching(file, node)
    if assigned:
        values = [part.child_by_field_name("right") for part in assigned]
        return all(v is not None and _is_own_text(use, file, v, depth - 1) for v in values)
    if use.kinds.names.is_local(file, node):
        return False
    method = use.code.find_method(use.code.owner(file, node), text(node), use.code.in_class(file, node))
    return method is not None and any(_is_own_text(use, method.file, n, depth - 1) for n in method.body[-1:])


def _standing_in(use: LlmUse, call: Call) -> str:
    """The names of the class and the method that a call stands in."""
    method = use.code.method_of(call.file, call.node)
    owner = use.code.owner(call.file, call.node).name.rsplit("::", maxsplit=1)[-1]
    return f"{owner} {method.name if method is not None else ''}"


def _shows(use: LlmUse, clause: Clause) -> bool:
    """Whether a clause puts a message before the user, or (inside a service) hands one on that is read."""
    body = clause.statements
    if _body_shows(use, clause, body, 3):
        return True
    outer = any(in_area(clause.file.path, area) for area in _OUTER)
    return bool(body) and not outer and _is_message(body[-1]) and is_read(use, clause, body[-1])


def _body_shows(use: LlmUse, clause: Clause, body: list[Node], depth: int) -> bool:
    for statement in body:
        for node in descendants(statement, "call", "identifier", "element_reference", *_ASSIGNED):
            if _node_shows(use, clause, node, depth):
                return True
    return False


_ASSIGNED = ("assignment", "operator_assignment")


def _node_shows(use: LlmUse, clause: Clause, node: Node, depth: int) -> bool:
    if node.type in _ASSIGNED:
        left = text(node.child_by_field_name("left"))
        return left.startswith("@") or bool(re.search(r"error|alert|notice|message|reply|flash", left))
    name = text(node.child_by_field_name("method")) if node.type == "call" else text(node).split("[")[0]
    if _SHOWING.fullmatch(name):
        return True
    call = clause.file.call(node) if node.type == "call" else None
    if call is not None and call.receiver is not None and _KEEPING.fullmatch(call.name):
        return not _LOGGING.match(text(call.receiver))
    owner = use.code.owner(clause.file, node)
    target = use.kinds.target(call) if call is not None else use.code.find_method(owner, name, False)
    if target is None or depth == 0:
        return False
    inner = statements(target.node.child_by_field_name("body"))
    return _body_shows(use, clause, inner, depth - 1)


def _is_message(node: Node) -> bool:
    """Whether a clause's value is something to show: anything but nil, a flag or a log line."""
    if node.type == "return":
        node = node.named_children[0] if node.named_children else node
    written = text(node)
    return (
        node.type not in (*_NOTHING, "return")
        and written not in ('""', "''", "[]", "{}")
        and not _LOGGING.match(written)
    )


class ErrorHandlingProbe:
    """Follows a provider's failure through the application."""

    id = "error_handling"
    version = 7
    needs_lab = False
    checks: Mapping[str, str] = CHECKS

    async def run(self, subject: Subject) -> list[Finding]:
        """Judge the tree."""
        return within_budget(self, subject.tree, lambda: findings(subject.tree, subject.manifests))


PROBE = ErrorHandlingProbe()
