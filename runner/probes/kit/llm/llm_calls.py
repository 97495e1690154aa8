"""The receiver-aware search for RubyLLM in a repository: what is called, on what, and what does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Self

from tree_sitter import Node

from runner.core.tree import SourceTree
from runner.probes.kit.llm.inventions import CHATS, CLIENTS, OTHER_CLIENTS, GemCall, Invention, Inventions
from runner.probes.kit.llm.named_calls import NamedCalls
from runner.probes.kit.llm.ruby_llm_api import RubyLlmApi, api_of
from runner.probes.kit.ruby.code import RubyCode
from runner.probes.kit.ruby.kind import INVENTED
from runner.probes.kit.ruby.kinds import Kinds
from runner.probes.kit.ruby.paths import in_area
from runner.probes.kit.ruby.syntax import (
    BLOCKS,
    Call,
    RubyFile,
    constant_path,
    literal,
    text,
)

_ASKING = ("ask", "say", "complete", "generate")
_ONE_SHOT = ("embed", "moderate", "paint", "transcribe")
_HTTP = ("Net::HTTP", "Faraday", "HTTParty", "HTTP", "RestClient", "Excon", "Typhoeus", "HTTPX")
_SOUNDS_LIKE = re.compile(r"rubyllm|openrouter", re.I)
_CHATTY = re.compile(r"chat|llm|agent|convers|assistant|client|model", re.I)
_HOSTS = re.compile(r"openrouter\.ai|api\.openai\.com|api\.anthropic\.com|generativelanguage\.googleapis")


class LlmUse:
    """How a repository's application code uses RubyLLM."""

    def __init__(self, tree: SourceTree, manifests: Path) -> None:
        self.tree = tree
        self.code = RubyCode.of(tree)
        lock = next((tree.text(p) for p in tree.glob("Gemfile.lock", "*/Gemfile.lock")), None) or ""
        self.gems = _gems(self.code, lock)
        self.api: RubyLlmApi = api_of(lock, self.gems, manifests)
        self.kinds = Kinds(self.code, self.api)
        self._inventions = Inventions(self.code, self.kinds, self.api, self.gems)
        self._named = NamedCalls(self.kinds, self._inventions)

    @classmethod
    def of(cls, tree: SourceTree, manifests: Path) -> Self:
        """A tree's use of the gem, read once."""
        return tree.derived((cls.__name__, manifests), lambda: cls(tree, manifests))

    @cached_property
    def calls(self) -> list[GemCall]:
        """Every call on a RubyLLM object in application code."""
        return list(self.calls_in(self.code.app_files))

    def calls_in(self, files: list[RubyFile]) -> Iterator[GemCall]:
        """Every call on a RubyLLM object in these files."""
        for file in files if self.names_gem else ():
            for call in file.calls:
                on = self.kinds.on_gem(call)
                if on is not None and (on == "Record" or self.api.knows(on)):
                    yield GemCall(call, on)

    @cached_property
    def _constants(self) -> set[str]:
        """Every constant of this or another client's that is named somewhere."""
        files = (file for file in self.code.files.values() if file.says(CLIENTS))
        return {text(node) for file in files for node in file.of("constant")}

    @cached_property
    def names_gem(self) -> bool:
        """Whether anything of the gem's is named: nothing can be one of its objects if not."""
        return "RubyLLM" in self._constants or bool(self.kinds.names.calls("acts_as_chat"))

    @cached_property
    def entries(self) -> list[Call]:
        """Where a chat or another model call really begins: RubyLLM.chat, an agent, acts_as_chat ..."""
        begun = [c.call for c in self.calls if self._begins(c)]
        return begun + [c for c in self.kinds.names.calls("acts_as_chat") if self.code.is_app_file(c.file)]

    @cached_property
    def asks(self) -> list[Call]:
        """Calls on a chat that send the conversation to the provider."""
        sent = [
            c.call
            for c in self.calls
            if c.on in CHATS and c.call.name in _ASKING and self._inventions.exists(c)
        ]
        sent += [c for c in self._all_calls() if c.name in _ASKING and self._named_as_record(c)]
        if not sent and self.entries:
            sent = [c for c in self._all_calls() if _may_ask(c) and not self._known(c)]
        return [c for c in sent if not self.in_ignored_block(c.file, c.node)]

    def on_record(self, call: Call) -> bool:
        """Whether a call is sent to a chat that is stored in the database (acts_as_chat)."""
        return self.kinds.on_gem(call) == "Record" or self._named_as_record(call)

    def _named_as_record(self, call: Call) -> bool:
        """Whether an unknown receiver is named like an acts_as_chat model: `message.chat`, `@chat`."""
        receiver = call.receiver
        while receiver is not None and text(receiver.child_by_field_name("method")).startswith("with_"):
            receiver = receiver.child_by_field_name("receiver")
        if receiver is None or receiver.type not in ("identifier", "instance_variable", "call"):
            return False
        name = text(receiver.child_by_field_name("method") or receiver).lstrip("@")
        return name in self._records and not self._known(call)

    @cached_property
    def _records(self) -> set[str]:
        """How variables with a record of an acts_as_chat model are usually named."""
        models = (c for c in self.code.classes.values() if not c.is_module and self.code.in_app(c))
        names = (c.name.split("::")[-1] for c in models if self.kinds.gem_class(c) == "Record")
        return {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in names}

    @cached_property
    def provider_calls(self) -> list[Call]:
        """Every call meant to reach a provider: by RubyLLM, plain HTTP, or API that does not exist."""
        one_shot = [c.call for c in self.calls if c.on in ("RubyLLM", "Context") and c.call.name in _ONE_SHOT]
        real = [*self.asks, *one_shot, *self.foreign_calls]
        return real or self.attempts

    @cached_property
    def attempts(self) -> list[Call]:
        """Calls that would begin or make a model call if what they name existed."""
        guessed = self._all_calls() if any(map(_SOUNDS_LIKE.fullmatch, self._constants)) else ()
        found = [c for c in guessed if c.name != "new" and self.kinds.receiver(c) == INVENTED]
        found += [c for c in self._vendor_calls() if not self._has_gem(c)]
        found += [c.call for c in self.calls if c.on in ("RubyLLM", "Chat.class") and self._tries(c)]
        return found

    @cached_property
    def foreign_calls(self) -> list[Call]:
        """Calls that reach a provider without RubyLLM: an HTTP library or another vendor's client."""
        found = []
        for file in self.code.app_files:
            if in_area(file.path, "config") or not file.says(_HOSTS):
                continue
            if not any(_HOSTS.search(value) for value, _ in file.strings):
                continue
            found += [c for c in file.calls if constant_path(c.receiver) in _HTTP and c.name != "new"]
        return found + [c for c in self._vendor_calls() if self._has_gem(c)]

    def _vendor_calls(self) -> Iterator[Call]:
        if self._constants.isdisjoint(OTHER_CLIENTS):
            return iter(())
        sent = (c for c in self._all_calls() if c.receiver is not None)
        called = (c for c in sent if c.name not in ("new", "configure"))
        receivers = ((c, self.kinds.receiver(c)) for c in called)
        return (c for c, kind in receivers if kind is not None and kind.name in OTHER_CLIENTS)

    def _has_gem(self, call: Call) -> bool:
        kind = self.kinds.receiver(call)
        return kind is not None and bool(OTHER_CLIENTS[kind.name] & self.gems)

    @cached_property
    def configured_providers(self) -> frozenset[str]:
        """Words that tell whose key RubyLLM is given: of the option, and of what it is set to."""
        given = [c.call for c in self.calls if c.on == "Configuration" and "_api_key" in c.call.name]
        written = (f"{call.name} {' '.join(map(text, call.positional))}" for call in given)
        return frozenset(word for line in written for word in re.split(r"[^a-z0-9]+", line.lower()))

    @cached_property
    def inventions(self) -> list[Invention]:
        """Every use of API that does not exist, in application code."""
        return self.inventions_in(self.code.app_files)

    def inventions_in(self, files: list[RubyFile]) -> list[Invention]:
        """Every use of API that does not exist in these files, one per place and area."""
        found = [i for f in files for i in self._inventions.of_constants(f)]
        for gem_call in self.calls_in(files):
            found += self._inventions.of_call(gem_call)
        for call in (c for f in files for c in f.calls) if self.names_gem else ():
            found += self._named.of_call(call)
        return list({(i.area, i.location.path, i.location.line, i.message): i for i in found}.values())

    def in_ignored_block(self, file: RubyFile, node: Node) -> bool:
        """Whether code stands in a block that RubyLLM never runs (`RubyLLM.chat do |c| ... end`)."""
        for around in file.ancestors(node):
            if around.type in BLOCKS:
                above = file.parent(around)
                outer = file.call(above) if above is not None else None
                if outer is not None and self._inventions.ignores_block(outer):
                    return True
        return False

    # --- what begins a call ----------------------------------------------------------------------

    def _begins(self, found: GemCall) -> bool:
        call = found.call
        if found.on == "RubyLLM":
            return call.name in ("chat", *_ONE_SHOT, "context") and self._inventions.exists(found)
        if found.on in ("Chat.class", "Context", "Agent.class"):
            return call.name in ("new", "chat", "create", "create!", "find")
        return found.on == "Agent" and call.name in _ASKING

    def _tries(self, found: GemCall) -> bool:
        return found.call.name in ("chat", "new") or not self._inventions.exists(found)

    def _known(self, call: Call) -> bool:
        return self.kinds.receiver(call) is not None

    def _all_calls(self) -> Iterator[Call]:
        return (call for file in self.code.app_files for call in file.calls)


def _may_ask(call: Call) -> bool:
    """Whether a call on something unknown looks like one on a chat; `generate` is a common word."""
    if call.receiver is None or constant_path(call.receiver) is not None or call.name not in _ASKING:
        return False
    return call.name in ("ask", "say") or _CHATTY.search(text(call.receiver)) is not None


def _gems(code: RubyCode, lock: str) -> set[str]:
    listed = set(re.findall(r"^ {4}([\w.-]+) \(", lock, re.M))
    for path, file in code.files.items():
        if path.split("/")[-1] == "Gemfile":
            named = [literal(c.positional[0]) for c in file.calls if c.name == "gem" and c.positional]
            listed |= {name for name in named if name is not None}
    return listed
