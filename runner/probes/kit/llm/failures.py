"""What a call through RubyLLM can raise beside RubyLLM::Error, and whether it is caught.

Configuration and unknown-model errors stand outside that tree in most releases, and network errors are
Faraday's own: https://github.com/crmne/ruby_llm/blob/main/lib/ruby_llm/error.rb. Which of the gem's errors
stand outside is read from the manifest of the application's release.
"""

from __future__ import annotations

from dataclasses import dataclass

from runner.core.records import Location
from runner.probes.kit.llm.clauses import Clause
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.rescues import Guard, Rescues
from runner.probes.kit.ruby.paths import is_task
from runner.probes.kit.ruby.syntax import Call, text

NETWORK = {
    "Faraday::ConnectionFailed": frozenset(("Faraday::ConnectionFailed", "Faraday::Error")),
    "Faraday::TimeoutError": frozenset(("Faraday::TimeoutError", "Faraday::ServerError", "Faraday::Error")),
}
CONFIGURATION, MODEL = "RubyLLM::ConfigurationError", "RubyLLM::ModelNotFoundError"
_MAKING = ("chat", "new", "create", "create!", "find")
ONE_SHOT = ("embed", "moderate", "paint", "transcribe")


@dataclass(frozen=True)
class Leak:
    """An error that leaves the application's code: which one, the call that raises it, and the way out."""

    error: str
    call: Call
    escapes: tuple[Location, ...]


def network_leaks(use: LlmUse, rescues: Rescues) -> list[Leak]:
    """Network errors of the calls that send something through RubyLLM."""
    guarded = [c for c in through_gem(use) if rescues.guard(c).final]
    return _leaks(rescues, guarded, NETWORK)


def setup_leaks(use: LlmUse, rescues: Rescues, *, key_is_tested: bool) -> list[Leak]:
    """Errors of a missing key (unless something tests it) and of a model that is not known."""
    lines = {error: line for error in (CONFIGURATION, MODEL) if (line := _gem_line(use, error))}
    if key_is_tested:
        lines.pop(CONFIGURATION, None)
    bare = {use.code.owner(c.file, c.node) for c in through_gem(use) if not rescues.guard(c).final}
    made = [c for c in _making(use) if not is_task(c.file.path)]
    making = [c for c in made if use.code.owner(c.file, c.node) not in bare]
    unsure = [c for c in making if not _assumes_model(use, c)]
    named = {error: line for error, line in lines.items() if error == MODEL}
    rest = {error: line for error, line in lines.items() if error != MODEL}
    return _leaks(rescues, making, rest) + _leaks(rescues, unsure, named)


def through_gem(use: LlmUse) -> list[Call]:
    """The calls of the application that RubyLLM carries to a provider."""
    one_shot = [c.call for c in use.calls if c.on in ("RubyLLM", "Context") and c.call.name in ONE_SHOT]
    return [c for c in (*use.asks, *one_shot) if not is_task(c.file.path)]


def broad_and_mute(use: LlmUse, guards: list[tuple[Call, Guard]]) -> list[Clause]:
    """Clauses that catch any error of Ruby's, NameError included, and leave no trace of which one it was."""
    final = {(c.file.path, c.node.id): c for _, guard in guards for c in guard.final}
    return [c for c in final.values() if c.body is not None and c.catches_bugs and not c.tells(use)]


def _making(use: LlmUse) -> list[Call]:
    """Where a chat is made, which looks the model up and asks for the key; one-shot calls do both too."""
    made = [c for c in use.entries if c.name in _MAKING and not _is_deferred(c)]
    return list({(c.file.path, c.node.id): c for c in (*made, *_stored(use), *_one_shots(use))}.values())


def _is_deferred(call: Call) -> bool:
    """Whether it stands in a lambda, which may be called anywhere."""
    return any(around.type == "lambda" for around in call.file.ancestors(call.node))


def _stored(use: LlmUse) -> list[Call]:
    return [c for c in use.asks if use.on_record(c)]


def _one_shots(use: LlmUse) -> list[Call]:
    return [c for c in through_gem(use) if c.name in ONE_SHOT]


def _assumes_model(use: LlmUse, call: Call) -> bool:
    """Whether the registry is not asked: `assume_model_exists: true`, also where an agent declares it."""
    for keyword in ("assume_model_exists", "assume_exists"):
        value = call.keyword(keyword)
        if value is not None and text(value) not in ("false", "nil"):
            return True
    owners = {use.code.owner(c.file, c.node) for c in use.kinds.names.calls("model") if _declares(c)}
    kind = use.kinds.receiver(call)
    return kind is not None and kind.app is not None and not owners.isdisjoint(use.code.lineage(kind.app))


def _declares(call: Call) -> bool:
    return call.receiver is None and call.keyword("assume_model_exists") is not None


def _gem_line(use: LlmUse, error: str) -> frozenset[str]:
    """An error class of the gem with its ancestors, as far as RubyLLM::Error does not stand among them."""
    facts = use.api.manifest.modules.get(error)
    ancestors = frozenset(facts["ancestors"]) if facts is not None else frozenset[str]()
    return frozenset() if facts is None or "RubyLLM::Error" in ancestors else ancestors | {error}


def _leaks(rescues: Rescues, calls: list[Call], lines: dict[str, frozenset[str]]) -> list[Leak]:
    """The errors of `lines` (each with its ancestors) that no clause ends."""
    found = []
    for call in calls:
        for error, line in lines.items():
            guard = rescues.guard(call, error, line)
            if guard.escapes or not guard.final:
                found.append(Leak(error, call, tuple(guard.escapes)))
    return found
