"""A historical error, kept to explain the scores of the first audit: it took real calls for invented.

The first audit had a list of the calls its authors knew. `add_message(role:, content:)`, `complete`,
`RubyLLM::Chat.new` and `provider: :openrouter` were not on it, although the gem has them all. Only version 1
of the rails_chat rubric asks for this; whether a call exists is what `ruby_llm` finds out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.kit.llm.inventions import CHATS, GemCall
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.ruby.syntax import literal
from runner.probes.kit.verdicts import Verdict, bad, good, moot

CHECKS = {"ruby_llm_v1.only_known_calls": "RubyLLM is called only in the ways that the first audit knew"}


def findings(tree: SourceTree, manifests: Path) -> list[Finding]:
    """The one finding, as the first audit would have reported it."""
    return [_only_known_calls(LlmUse.of(tree, manifests)).of("ruby_llm_v1.only_known_calls")]


def _only_known_calls(use: LlmUse) -> Verdict:
    if not use.calls:
        return moot("RubyLLM is never called, so there is nothing to judge")
    accused = [(name, found.call.location) for found in use.calls for name in _unknown_then(found)]
    if accused:
        names = ", ".join(dict.fromkeys(name for name, _ in accused))
        message = f"invented, or so the first audit believed: {names} (all of them exist)"
        return bad(message, [where for _, where in accused])
    return good("every call is one that the first audit knew")


def _unknown_then(found: GemCall) -> Iterator[str]:
    """What the first audit would have called invented about a call on something of RubyLLM's."""
    call = found.call
    if found.on in CHATS and call.name == "add_message" and {"role", "content"} <= dict(call.keywords).keys():
        yield "add_message(role:, content:)"
    if found.on in CHATS and call.name == "complete":
        yield "complete"
    if found.on == "Chat.class" and call.name == "new":
        yield "Chat.new"
    if literal(call.keyword("provider")) == "openrouter":
        yield "provider: :openrouter"


class RubyLlmV1Probe:
    """Judges the calls of the gem by what was known of it at first."""

    id = "ruby_llm_v1"
    version = 2
    needs_lab = False
    checks: Mapping[str, str] = CHECKS

    async def run(self, subject: Subject) -> list[Finding]:
        """Judge the tree."""
        return findings(subject.tree, subject.manifests)


PROBE = RubyLlmV1Probe()
