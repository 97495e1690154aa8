"""The receiver-aware search for RubyLLM in a repository: what is called, on what, and what does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Self

from tree_sitter import Node

from runner.core.records import Location
from runner.core.tree import SourceTree
from runner.probes.kit.llm.ruby_llm_api import RESULTS, RubyLlmApi, Signature, api_of
from runner.probes.kit.llm.ruby_llm_facts import CLASS_BODY
from runner.probes.kit.ruby.code import RubyClass, RubyCode, in_area, is_test
from runner.probes.kit.ruby.kind import INVENTED, Kind
from runner.probes.kit.ruby.kinds import Kinds
from runner.probes.kit.ruby.syntax import (
    BLOCKS,
    METHODS,
    Call,
    RubyFile,
    constant_path,
    literal,
    text,
    within,
)

CHATS = ("Chat", "Agent", "Record")
_ASKING = ("ask", "say", "complete", "generate")
_ONE_SHOT = ("embed", "moderate", "paint", "transcribe")
_OTHER_CLIENTS = {
    "OpenRouter": {"open_router", "openrouter", "open_router_enhanced"},
    "Openrouter": set[str](),
    "OpenAI": {"ruby-openai", "openai"},
    "Anthropic": {"anthropic", "ruby-anthropic", "anthropic-rb", "anthropic-sdk-beta"},
    "Langchain": {"langchainrb", "langchainrb_rails"},
}
_HTTP = ("Net::HTTP", "Faraday", "HTTParty", "HTTP", "RestClient", "Excon", "Typhoeus", "HTTPX")
_CLASS_BODY = frozenset(CLASS_BODY.split())
_SOUNDS_LIKE = re.compile(r"rubyllm|openrouter", re.I)
_CHATTY = re.compile(r"chat|llm|agent|convers|assistant|client|model", re.I)
_HOSTS = re.compile(r"openrouter\.ai|api\.openai\.com|api\.anthropic\.com|generativelanguage\.googleapis")


@dataclass(frozen=True)
class Invention:
    """A use of API that does not exist. `area`: entry, signature, dsl, response or error."""

    area: str
    location: Location
    message: str


@dataclass(frozen=True, eq=False)
class GemCall:
    """A call on something of RubyLLM's; `on` names the receiver's kind, e.g. `Chat`."""

    call: Call
    on: str


class LlmUse:
    """How a repository's application code uses RubyLLM."""

    def __init__(self, tree: SourceTree, manifests: Path) -> None:
        self.tree = tree
        self.code = RubyCode.of(tree)
        lock = next((tree.text(p) for p in tree.glob("Gemfile.lock", "*/Gemfile.lock")), None) or ""
        self.gems = _gems(self.code, lock)
        self.api: RubyLlmApi = api_of(lock, self.gems, manifests)
        self.kinds = Kinds(self.code, self.api)

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
        for file in files if self._names_gem else ():
            for call in file.calls:
                on = self.kinds.on_gem(call)
                if on is not None and (on == "Record" or self.api.knows(on)):
                    yield GemCall(call, on)

    @cached_property
    def _constants(self) -> set[str]:
        """Every constant that is named somewhere."""
        return {text(node) for file in self.code.files.values() for node in file.of("constant")}

    @cached_property
    def _names_gem(self) -> bool:
        return "RubyLLM" in self._constants or bool(self.kinds.names.calls("acts_as_chat"))

    @cached_property
    def entries(self) -> list[Call]:
        """Where a chat or another model call really begins: RubyLLM.chat, an agent, acts_as_chat ..."""
        begun = [c.call for c in self.calls if self._begins(c)]
        return begun + [c for c in self.kinds.names.calls("acts_as_chat") if c.file in self.code.app_files]

    @cached_property
    def asks(self) -> list[Call]:
        """Calls on a chat that send the conversation to the provider."""
        sent = [c.call for c in self.calls if c.on in CHATS and c.call.name in _ASKING and self._exists(c)]
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
            if in_area(file.path, "config") or not any(_HOSTS.search(value) for value, _ in file.strings):
                continue
            found += [c for c in file.calls if constant_path(c.receiver) in _HTTP and c.name != "new"]
        return found + [c for c in self._vendor_calls() if self._has_gem(c)]

    def _vendor_calls(self) -> Iterator[Call]:
        if self._constants.isdisjoint(_OTHER_CLIENTS):
            return iter(())
        called = (c for c in self._all_calls() if c.name not in ("new", "configure"))
        receivers = ((c, self.kinds.receiver(c)) for c in called)
        return (c for c, kind in receivers if kind is not None and kind.name in _OTHER_CLIENTS)

    def _has_gem(self, call: Call) -> bool:
        kind = self.kinds.receiver(call)
        return kind is not None and bool(_OTHER_CLIENTS[kind.name] & self.gems)

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
        found = [i for f in files for i in self._invented_constants(f)]
        for gem_call in self.calls_in(files):
            found += self._invented_call(gem_call)
        return list({(i.area, i.location.path, i.location.line, i.message): i for i in found}.values())

    def in_ignored_block(self, file: RubyFile, node: Node) -> bool:
        """Whether code stands in a block that RubyLLM never runs (`RubyLLM.chat do |c| ... end`)."""
        for around in file.ancestors(node):
            if around.type in BLOCKS:
                above = file.parent(around)
                outer = file.call(above) if above is not None else None
                if outer is not None and self._ignores_block(outer):
                    return True
        return False

    # --- what does not exist ---------------------------------------------------------------------

    def _invented_call(self, found: GemCall) -> Iterator[Invention]:
        call, on = found.call, found.on
        if not self._exists(found):
            if self._is_judged(found) and not self._guarded(call):
                yield Invention(_area(on), call.location, f"{_shown(on, call.name)} does not exist")
            return
        signature = self.api.signature(on, call.name)
        if signature is None or self._app_redefines(found):
            return
        wrong = self._misfit(call, signature, on)
        if wrong is not None:
            yield Invention("signature", call.location, f"{_shown(on, call.name)} {wrong}")
        if self._ignores_block(call):
            yield Invention("dsl", call.location, f"{_shown(on, call.name)} takes no block: it is never run")

    def _is_judged(self, found: GemCall) -> bool:
        """Whether a missing method is an invention: with a receiver, or as a macro in a subclass's body."""
        call = found.call
        if call.receiver is not None:
            return True
        body = call.file.parent(call.node)
        around = call.file.parent(body) if body is not None else None
        direct = around is not None and around.type == "class"
        return direct and found.on in ("Agent.class", "Tool.class") and call.name not in _CLASS_BODY

    def _exists(self, found: GemCall) -> bool:
        if found.on == "Record" or self._app_adds(found):
            return True
        if found.on == "Configuration" and self._registers_providers:
            return True
        return self.api.has(found.on, found.call.name)

    @cached_property
    def _registers_providers(self) -> bool:
        """Whether providers of the application's own or of an add-on gem bring options of their own."""
        registered = (constant_path(c.receiver) for c in self.kinds.names.calls("register"))
        return "RubyLLM::Provider" in registered or any("ruby_llm-provider" in gem for gem in self.gems)

    def _app_adds(self, found: GemCall) -> bool:
        """Whether the application itself defines the method, by reopening the gem's class or inheriting."""
        reopened = self._reopened(found)
        if reopened is not None and (reopened.includes or self._app_redefines(found)):
            return True
        kind = self.kinds.receiver(found.call)
        return (
            kind is not None and kind.app is not None and any(c.includes for c in self.code.lineage(kind.app))
        )

    def _reopened(self, found: GemCall) -> RubyClass | None:
        base = found.on.removesuffix(".class")
        reopened = self.code.classes.get("RubyLLM" if base == "RubyLLM" else f"RubyLLM::{base}")
        return reopened if self.code.in_app(reopened) else None

    def _app_redefines(self, found: GemCall) -> bool:
        """Whether the application has a method of that name in the gem's own class (or is the gem)."""
        reopened = self._reopened(found)
        name = "initialize" if found.call.name == "new" else found.call.name
        own = [] if reopened is None else reopened.methods
        kind = self.kinds.receiver(found.call)
        if name == "initialize" and kind is not None and kind.app is not None:
            return self.code.find_method(kind.app, name, False) is not None
        return any(m.name == name and not is_test(m.file.path) for m in own)

    def _misfit(self, call: Call, signature: Signature, on: str) -> str | None:
        """How a call contradicts a signature, None if it fits."""
        positional = len([p for p in call.positional if p.type != "pair" or not signature.any_keyword])
        takes_keywords = bool(signature.keywords) or signature.any_keyword
        if call.keywords and not takes_keywords:
            positional += 1
        unknown = [k for k, _ in call.keywords if k not in signature.keywords]
        if unknown and takes_keywords and not signature.any_keyword:
            return f"has no keyword {', '.join(unknown)}"
        if signature.most is not None and positional > signature.most:
            return f"takes {_arguments(signature.most)}, got {positional}"
        if positional < signature.least and not call.splat and not on.startswith("Record"):
            return f"needs {_arguments(signature.least)}"
        if call.name in ("ask", "say") and on in CHATS and call.positional:
            return self._not_a_text(call)
        return None

    def _not_a_text(self, call: Call) -> str | None:
        given = call.positional[0]
        kind = Kind("Hash") if given.type == "pair" else self.kinds.of(call.file, given)
        if kind is None or kind.name not in ("Array", "Hash"):
            return None
        article = "an" if kind.name == "Array" else "a"
        return f"takes the user's text: {article} {kind.name} is put whole into one user message"

    def _ignores_block(self, call: Call) -> bool:
        on = self.kinds.on_gem(call)
        if call.block is None or on is None or on == "Record":
            return False
        signature = self.api.signature(on, call.name)
        return signature is not None and not signature.takes_block

    def _guarded(self, call: Call) -> bool:
        """Whether the code asks `respond_to?` first."""
        scope = call.file.enclosing(call.node, *METHODS) or call.file.root
        asked = [c for c in self.kinds.names.calls("respond_to?") if c.file is call.file]
        asked = [c for c in asked if literal(next(iter(c.positional), None)) == call.name]
        constant = constant_path(call.receiver)
        return any(
            within(c.node, scope) or (constant and constant_path(c.receiver) == constant) for c in asked
        )

    def _invented_constants(self, file: RubyFile) -> Iterator[Invention]:
        for node in file.of("constant", "scope_resolution"):
            above = file.parent(node)
            if above is None or above.type == "scope_resolution" or _names_it(file, above, node):
                continue
            path = constant_path(node)
            reason = None if path is None else self._missing_constant(file, node, path)
            if path is not None and reason is not None:
                area = "error" if _is_error(file, node, path) else "entry"
                yield Invention(area, file.location(node), reason)

    def _missing_constant(self, file: RubyFile, node: Node, path: str) -> str | None:
        parts = path.split("::")
        inside = self.code.owner(file, node)
        defined = self.code.resolve(path, inside) or self.code.resolve(parts[0], inside)
        if file in self.code.app_files and not self.code.in_app(defined):
            defined = None
        if parts[0] == "RubyLLM":
            own = self.code.classes.get("::".join(parts[:2]))
            if len(parts) == 1 or self.code.in_app(own) or (own is not None and is_test(file.path)):
                return None
            if parts[1] not in self.api.constants:
                return f"RubyLLM::{parts[1]} does not exist in ruby_llm"
            if parts[1] == "Providers" and len(parts) > 2 and parts[2] not in self.api.providers:
                return f"RubyLLM::Providers::{parts[2]} does not exist in ruby_llm"
            return None
        if defined is not None:
            return None
        if parts[0].lower() in ("rubyllm", "rubylm"):
            return f"{parts[0]} does not exist: the gem's module is RubyLLM"
        if parts[0] in _OTHER_CLIENTS and len(parts) > 1 and not _OTHER_CLIENTS[parts[0]] & self.gems:
            return f"{path} is defined neither by the application nor by a gem in its Gemfile"
        return None

    # --- what begins a call ----------------------------------------------------------------------

    def _begins(self, found: GemCall) -> bool:
        call = found.call
        if found.on == "RubyLLM":
            return call.name in ("chat", *_ONE_SHOT, "context") and self._exists(found)
        if found.on in ("Chat.class", "Context", "Agent.class"):
            return call.name in ("new", "chat", "create", "create!", "find")
        return found.on == "Agent" and call.name in _ASKING

    def _tries(self, found: GemCall) -> bool:
        return found.call.name in ("chat", "new") or not self._exists(found)

    def _known(self, call: Call) -> bool:
        return self.kinds.receiver(call) is not None

    def _all_calls(self) -> Iterator[Call]:
        return (call for file in self.code.app_files for call in file.calls)


def _may_ask(call: Call) -> bool:
    """Whether a call on something unknown looks like one on a chat; `generate` is a common word."""
    if call.receiver is None or constant_path(call.receiver) is not None or call.name not in _ASKING:
        return False
    return call.name in ("ask", "say") or _CHATTY.search(text(call.receiver)) is not None


def _area(on: str) -> str:
    if on == "RubyLLM" or on.endswith(".class"):
        return "entry"
    return "response" if on in RESULTS else "dsl"


def _shown(on: str, name: str) -> str:
    """`RubyLLM.chat`, `RubyLLM::Chat.new` or `RubyLLM::Chat#ask`."""
    if on == "RubyLLM":
        return f"RubyLLM.{name}"
    if on == "Record":
        return f"acts_as_chat #{name}"
    if on.endswith(".class"):
        return f"RubyLLM::{on.removesuffix('.class')}.{name}"
    return f"RubyLLM::{on}#{name}"


def _arguments(count: int) -> str:
    return f"{count or 'no'} positional argument{'' if count == 1 else 's'}"


def _names_it(file: RubyFile, above: Node, node: Node) -> bool:
    """Whether the constant is being defined here, or only asked for with `defined?`."""
    if above.type in ("class", "module"):
        return above.child_by_field_name("name") == node
    if above.type in ("assignment", "operator_assignment"):
        return above.child_by_field_name("left") == node
    return any(text(around).startswith("defined?") for around in islice(file.ancestors(node), 2))


def _is_error(file: RubyFile, node: Node, path: str) -> bool:
    named_so = re.search(r"(Error|Exception|Timeout)$", path) is not None
    return named_so or file.enclosing(node, "exceptions") is not None


def _gems(code: RubyCode, lock: str) -> set[str]:
    listed = set(re.findall(r"^ {4}([\w.-]+) \(", lock, re.M))
    for path, file in code.files.items():
        if path.split("/")[-1] == "Gemfile":
            named = [literal(c.positional[0]) for c in file.calls if c.name == "gem" and c.positional]
            listed |= {name for name in named if name is not None}
    return listed
