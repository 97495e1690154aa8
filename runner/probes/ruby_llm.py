"""Is the ruby_llm gem used, and used as it really is?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.turns import kept_chats, recorded_asks, replays, stuffed_asks, system_prompts
from runner.probes.kit.ruby.budget import within_budget
from runner.probes.kit.ruby.syntax import text
from runner.probes.kit.verdicts import Verdict, bad, good, moot, unclear

# As messages of OpenAI's, Anthropic's and Google's interfaces name it.
_FOREIGN_PROMPT = re.compile(
    r"""["':]?(role["']?(:|\s*=>)\s*(:|["'])(system|developer)\b|(system|instructions|system_?instruction)["']?(:|\s*=>))""",
    re.IGNORECASE,
)
CHECKS = {
    "ruby_llm.used": "the application calls RubyLLM",
    "ruby_llm.entry": "no class or module method of RubyLLM is invented",
    "ruby_llm.signature": "no keyword or positional argument is invented",
    "ruby_llm.dsl": "no method of a chat, an agent or the configuration is invented, no block is ignored",
    "ruby_llm.response": "no accessor of a response is invented",
    "ruby_llm.multi_turn": "earlier turns reach the model as messages of their own",
    "ruby_llm.system_prompt": "the model is given a system prompt",
}


def findings(tree: SourceTree, manifests: Path) -> list[Finding]:
    """One finding per check."""
    use = LlmUse.of(tree, manifests)
    verdicts = {
        "used": _used(use),
        "entry": _invented(use, "entry", "every RubyLLM class and module method named exists"),
        "signature": _invented(use, "signature", "every argument given to RubyLLM is one it takes"),
        "dsl": _invented(use, "dsl", "every method called on a chat exists"),
        "response": _invented(use, "response", "nothing is read off a response that it does not have"),
        "multi_turn": _multi_turn(use),
        "system_prompt": _system_prompt(use),
    }
    return [verdict.of(f"ruby_llm.{name}") for name, verdict in verdicts.items()]


def _used(use: LlmUse) -> Verdict:
    entries = [c.location for c in use.entries]
    if entries:
        return good("the application calls RubyLLM", entries, calls=len(entries))
    if use.attempts:
        return bad("RubyLLM is only called in ways that do not exist", [c.location for c in use.attempts])
    return bad(
        "no Ruby file of the application begins a RubyLLM chat (also looked for agents and acts_as_chat)"
    )


def _invented(use: LlmUse, area: str, fine: str) -> Verdict:
    """The verdict on inventions of one area, judged against the release the application asks for."""
    found = [i for i in use.inventions if i.area == area]
    release = use.api.judged_by
    if found:
        messages = "; ".join(dict.fromkeys(i.message for i in found[:5]))
        if not use.api.complete:
            return unclear(f"{messages}, as far as known of {release}", [i.location for i in found])
        return bad(f"{messages} ({release})", [i.location for i in found], ruby_llm=release)
    if area != "entry" and not use.entries:
        return moot("RubyLLM is never called, so there is nothing to judge")
    return good(fine, ruby_llm=release)


def _multi_turn(use: LlmUse) -> Verdict:
    if _by_other_means(use):
        return moot("another library calls the model; what it is sent, only the wire shows")
    if not use.entries:
        return bad("RubyLLM is never called, so no turn reaches a model")
    stuffed = stuffed_asks(use)
    replayed = [c.location for c in replays(use)]
    if replayed and not stuffed:
        return good("stored turns are put into the chat before it is asked", replayed, via="replay")
    if recorded := [c.location for c in recorded_asks(use)]:
        return good("the chat is stored with its messages", recorded, via="acts_as_chat")
    if stuffed:
        places = [c.location for c in stuffed]
        return bad("the conversation is put whole into one message instead of one message per turn", places)
    if kept := kept_chats(use):
        return good("one chat object is kept between requests", kept, via="kept chat")
    asked = [c.location for c in use.asks]
    return bad(
        "each request asks a fresh chat: nothing puts earlier turns into it (looked for add_message)", asked
    )


def _by_other_means(use: LlmUse) -> bool:
    """Whether a model is called, but never by RubyLLM."""
    return bool(use.foreign_calls) and not use.entries and not use.attempts


def _system_prompt(use: LlmUse) -> Verdict:
    given = system_prompts(use)
    if not given and _by_other_means(use):
        given = [
            file.location(pair)
            for file in use.code.app_files
            for pair in file.of("pair")
            if _FOREIGN_PROMPT.match(text(pair))
        ]
    if given:
        return good("a system prompt is given", given)
    prompts = use.tree.glob("app/prompts/*/instructions*", "*/app/prompts/*/instructions*")
    if prompts and any(c.on.startswith("Agent") for c in use.calls):
        return good("the agent's prompt file gives the system prompt", prompts=prompts)
    return bad(
        "no system prompt is given (looked for with_instructions, role system and an agent's instructions)"
    )


class RubyLlmProbe:
    """Reads how the application uses the gem."""

    id = "ruby_llm"
    version = 6
    needs_lab = False
    checks: Mapping[str, str] = CHECKS

    async def run(self, subject: Subject) -> list[Finding]:
        """Judge the tree."""
        return within_budget(self, subject.tree, lambda: findings(subject.tree, subject.manifests))


PROBE = RubyLlmProbe()
