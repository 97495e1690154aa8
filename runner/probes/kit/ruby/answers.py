"""What a method call returns, by the kind of its receiver."""

from __future__ import annotations

import re
from typing import Protocol

from tree_sitter import Node

from runner.probes.kit.llm.ruby_llm_api import RubyLlmApi
from runner.probes.kit.ruby.classes import Method, RubyClass
from runner.probes.kit.ruby.code import RubyCode
from runner.probes.kit.ruby.kind import INVENTED, VENDORS, Kind, joined
from runner.probes.kit.ruby.names import Names
from runner.probes.kit.ruby.syntax import Call, RubyFile, constant_path, literal, text

_MAX_MAKERS = 200
_MAPPING = ("map", "collect", "flat_map", "filter_map")
_SAME_ARRAY = re.compile(
    r"select|reject|filter|to_a|compact|reverse|sort_by|sort|uniq|push|append|concat|<<|\+|-|each|reverse_each|take"
    r"|drop|each_with_index|slice"
)
_ELEMENT = re.compile(r"\[\]|last|first|find|detect|pop|shift|sample|fetch")
_SAME = re.compile(r"tap|dup|clone|freeze|itself|presence|deep_dup")
_RECORD_FINDERS = re.compile(
    r"new|create!?|find|find_by!?|first|last|take|build|find_or_\w+!?|first_or_\w+!?"
)


class Expressions(Protocol):
    """What answers need to know of the expressions around a call."""

    code: RubyCode
    api: RubyLlmApi
    names: Names

    def of(self, file: RubyFile, node: Node | None) -> Kind | None:
        """The kind of an expression."""
        ...

    def value_of(self, file: RubyFile, body: Node | None) -> Kind | None:
        """The kind of a body's last statement."""
        ...

    def self_at(self, file: RubyFile, node: Node) -> Kind:
        """What `self` is at a node."""
        ...

    def result(self, method: Method) -> Kind | None:
        """What a method returns."""
        ...

    def gem_class(self, app: RubyClass) -> str | None:
        """The gem's class that a class of the application builds on."""
        ...


class Answers:
    """What the receivers of one repository answer."""

    def __init__(self, kinds: Expressions) -> None:
        self._kinds = kinds

    def of_call(self, call: Call) -> Kind | None:
        """What a call returns."""
        if call.receiver is None and call.name in ("lambda", "proc") and call.block is not None:
            return Kind("Proc", of=self._kinds.value_of(call.file, call.block))
        if call.name == "stub" and call.block is not None and len(call.positional) > 1:  # Minitest's
            return self._kinds.value_of(call.file, call.block)
        if call.receiver is None:
            return self.sent(self._kinds.self_at(call.file, call.node), call.name, call)
        kind = self._kinds.of(call.file, call.receiver)
        if kind is None:
            return self._sent_to_unknown(call)
        return self.sent(kind, call.name, call)

    def _sent_to_unknown(self, call: Call) -> Kind | None:
        if call.name in _MAPPING or call.name == "to_a":
            return Kind(
                "Array", of=self._kinds.value_of(call.file, call.block) if call.block is not None else None
            )
        if call.name == "join" and call.receiver is not None:
            return self._transcript(call)
        return None

    def _transcript(self, call: Call) -> Kind:
        """A joined text is a transcript when what is joined spells out roles and contents."""
        source = call.receiver
        if source is not None and source.type == "identifier":
            source = next(iter(self._kinds.names.reaching(call.file, source)), source)
        words = text(source)
        return Kind("Transcript" if "role" in words and "content" in words else "String")

    def sent(self, kind: Kind, name: str, call: Call | None) -> Kind | None:
        """What a receiver of a known kind answers to a method; `call` is None for a bare name."""
        if name in ("try", "public_send", "send", "__send__") and call is not None and call.positional:
            name = literal(call.positional[0]) or name
        if call is not None and name in ("then", "yield_self") and call.block is not None:
            return self._kinds.value_of(call.file, call.block)
        if _SAME.fullmatch(name):
            return kind
        if kind.app is not None:
            return self._sent_to_app(kind, kind.app, name, call)
        if kind.name == "Array":
            return self._sent_to_array(kind, name, call)
        if kind.name == "Proc" and name in ("call", "[]", "yield", "()"):
            return kind.of
        if kind == INVENTED:
            return INVENTED if name == "new" else None
        if name == "method" and call is not None and call.positional:
            return Kind("Proc", of=self.sent(kind, literal(call.positional[0]) or "", None))
        return self._sent_to_gem(kind.name, name)

    def _sent_to_gem(self, kind: str, name: str) -> Kind | None:
        if kind in VENDORS:
            return Kind(kind) if name == "new" else None
        signature = self._kinds.api.signature(kind, name)
        if signature is None or signature.returns is None:
            return Kind(kind.removesuffix(".class")) if name == "new" and kind.endswith(".class") else None
        if signature.returns == "Messages":
            return Kind("Array", of=Kind("Message"))
        return Kind(kind if signature.returns == "self" else signature.returns)

    def _sent_to_app(self, kind: Kind, app: RubyClass, name: str, call: Call | None) -> Kind | None:
        singleton = kind.name == "App.class"
        method = self._kinds.code.find_method(app, name, singleton)
        if method is not None:
            return self._kinds.result(method)
        delegated = {k: v for c in self._kinds.code.lineage(app) for k, v in c.delegated.items()}
        target = delegated.get(name)
        if target is not None and target not in delegated and not singleton:
            receiver = self.sent(kind, target, None)
            return None if receiver is None or receiver.app is not None else self.sent(receiver, name, call)
        if singleton and name == "new":
            return Kind("App", app)
        if singleton and name == "instance" and "Singleton" in app.includes:
            return Kind("App", app)
        if any(name in c.readers for c in self._kinds.code.lineage(app)):
            places = [c.name for c in self._kinds.code.lineage(app)]
            found = [
                self._kinds.of(*a) for place in places for a in self._kinds.names.variables(place, f"@{name}")
            ]
            return joined(found) if found else None
        if name in app.members and not singleton:
            return self._member(app, name)
        base = self._kinds.gem_class(app)
        if base == "Record" and singleton:
            return Kind("App", app) if _RECORD_FINDERS.fullmatch(name) else None
        if base is None or (base == "Agent" and name == "chat" and self._has_own_chat(app, singleton)):
            return None
        found_kind = self._sent_to_gem(f"{base}.class" if singleton else base, name)
        return Kind("App", app) if found_kind is not None and found_kind.name == base else found_kind

    def _member(self, app: RubyClass, name: str) -> Kind | None:
        """What a Struct's or Data's member is: what it is made with, unless it may be set later."""
        if self._kinds.names.calls(f"{name}=") or self._kinds.code.find_method(app, "initialize", False):
            return None
        given: list[Kind | None] = []
        for call in self._kinds.names.calls("new")[:_MAX_MAKERS]:
            made = constant_path(call.receiver)
            if made is None or made.rsplit("::", maxsplit=1)[-1] != app.name.rsplit("::", maxsplit=1)[-1]:
                continue
            place = app.members.index(name)
            value = call.keyword(name) or (call.positional[place] if place < len(call.positional) else None)
            given.append(None if call.splat else self._kinds.of(call.file, value))
        return joined(given) if given else None

    def _has_own_chat(self, app: RubyClass, singleton: bool) -> bool:
        """Whether an agent's `chat` may be the application's record, as it may in its class's lambdas."""
        owners = (self._kinds.code.owner(c.file, c.node) for c in self._kinds.names.calls("chat_model"))
        return singleton or app in owners

    def _sent_to_array(self, kind: Kind, name: str, call: Call | None) -> Kind | None:
        if _ELEMENT.fullmatch(name):
            many = call is not None and name in ("last", "first") and call.positional
            return kind if many else kind.of
        if name in _MAPPING:
            return Kind(
                "Array", of=self._kinds.value_of(call.file, call.block) if call and call.block else None
            )
        if name == "join" and call is not None:
            return self._transcript(call)
        return kind if _SAME_ARRAY.fullmatch(name) else None
