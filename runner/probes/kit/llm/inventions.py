"""What of RubyLLM's API does not exist, or not as it is used: constants, methods, keywords, blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.llm.ruby_llm_api import RESULTS, RubyLlmApi, Signature
from runner.probes.kit.llm.ruby_llm_facts import CLASS_BODY
from runner.probes.kit.ruby.classes import RubyClass
from runner.probes.kit.ruby.code import RubyCode
from runner.probes.kit.ruby.kind import Kind
from runner.probes.kit.ruby.kinds import Kinds
from runner.probes.kit.ruby.paths import is_test
from runner.probes.kit.ruby.syntax import METHODS, Call, RubyFile, constant_path, literal, text, within

CHATS = ("Chat", "Agent", "Record")
OTHER_CLIENTS = {
    "OpenRouter": {"open_router", "openrouter", "open_router_enhanced"},
    "Openrouter": set[str](),
    "OpenAI": {"ruby-openai", "openai"},
    "Anthropic": {"anthropic", "ruby-anthropic", "anthropic-rb", "anthropic-sdk-beta"},
    "Langchain": {"langchainrb", "langchainrb_rails"},
}
CLIENTS = re.compile(r"rubyl+m|openrouter|openai|anthropic|langchain", re.IGNORECASE)
_CLASS_BODY = frozenset(CLASS_BODY.split())


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


class Inventions:
    """Judges uses of the gem by the manifest of the application's release."""

    def __init__(self, code: RubyCode, kinds: Kinds, api: RubyLlmApi, gems: set[str]) -> None:
        self.code = code
        self.kinds = kinds
        self.api = api
        self.gems = gems

    def of_call(self, found: GemCall) -> Iterator[Invention]:
        """What a call on something of the gem's gets wrong."""
        call, on = found.call, found.on
        if not self.exists(found):
            if self._is_judged(found) and not self._guarded(call):
                yield Invention(_area(on), call.location, f"{_shown(on, call.name)} does not exist")
            return
        signature = self.api.signature(on, call.name)
        if signature is None or self._app_redefines(found):
            return
        wrong = self._misfit(call, signature, on)
        if wrong is not None:
            yield Invention("signature", call.location, f"{_shown(on, call.name)} {wrong}")
        if self.ignores_block(call):
            yield Invention("dsl", call.location, f"{_shown(on, call.name)} takes no block: it is never run")

    def of_name(self, found: GemCall, name: str) -> Iterator[Invention]:
        """Whether a method is missing that a call names by a symbol; an application may have added it."""
        base = found.on.removesuffix(".class")
        added = self.code.classes.get("RubyLLM" if base == "RubyLLM" else f"RubyLLM::{base}")
        if self.code.in_app(added) or self.api.has(found.on, name) or self._guarded(found.call):
            return
        if found.on == "Configuration" and self._registers_providers:
            return
        yield Invention(_area(found.on), found.call.location, f"{_shown(found.on, name)} does not exist")

    def _is_judged(self, found: GemCall) -> bool:
        """Whether a missing method is an invention: with a receiver, or as a macro in a subclass's body."""
        call = found.call
        if call.receiver is not None:
            return True
        body = call.file.parent(call.node)
        around = call.file.parent(body) if body is not None else None
        direct = around is not None and around.type == "class"
        return direct and found.on in ("Agent.class", "Tool.class") and call.name not in _CLASS_BODY

    def exists(self, found: GemCall) -> bool:
        """Whether the gem or the application has the method that is called."""
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

    def ignores_block(self, call: Call) -> bool:
        """Whether the gem's method takes no block, so that the one given is never run."""
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

    def of_constants(self, file: RubyFile) -> Iterator[Invention]:
        """The constants of a file that neither the gem nor the application defines."""
        for node in file.of("constant", "scope_resolution") if file.says(CLIENTS) else ():
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
        if not CLIENTS.match(parts[0]):
            return None
        inside = self.code.owner(file, node)
        defined = self.code.resolve(path, inside) or self.code.resolve(parts[0], inside)
        if self.code.is_app_file(file) and not self.code.in_app(defined):
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
        if parts[0] in OTHER_CLIENTS and len(parts) > 1 and not OTHER_CLIENTS[parts[0]] & self.gems:
            return f"{path} is defined neither by the application nor by a gem in its Gemfile"
        return None


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
