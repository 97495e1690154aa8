"""The tests of a repository: their cases, what each of them runs, and whether a provider call is reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.ruby.code import Method, in_area
from runner.probes.kit.ruby.syntax import Call, RubyFile, constant_path, descendants, literal, text, within

_CASES = ("test", "it", "specify", "scenario", "example", "should")
_SETUPS = ("setup", "before", "around", "let!")
_REQUESTS = (
    "post",
    "put",
    "patch",
    "click_button",
    "click_on",
    "fill_in",
    "perform_enqueued_jobs",
    "process",
)
_STUBBING = ("stub", "stubs", "expects", "define_singleton_method", "stub_any_instance")
_DOUBLE = re.compile(
    r"Mock\.new|\bmock\b|\bstub\(|double|OpenStruct|Struct\.new|Object\.new|->|\blambda\b|\bproc\b"
)
_MAX_DEPTH = 5


@dataclass(frozen=True, eq=False)
class Case:
    """One test case and all the test code it runs: its set-up and the helpers it calls."""

    file: RubyFile
    node: Node
    calls: tuple[Call, ...]

    @property
    def location(self) -> Location:
        """Where it begins."""
        return self.file.location(self.node)


class TestSuite:
    """The cases of a repository's tests, beside its application code."""

    __test__ = False

    def __init__(self, use: LlmUse) -> None:
        self._use = use
        self._files = use.code.test_files
        self._helpers = {m.name: m for m in use.code.methods if m.file in self._files}

    @cached_property
    def cases(self) -> list[Case]:
        """All test cases: Minitest's and RSpec's."""
        found = []
        for file in self._files:
            for call in file.calls:
                if call.receiver is None and call.name in _CASES and call.block is not None:
                    found.append(self._case(file, call.node))
        for method in self._use.code.methods:
            if method.file in self._files and method.name.startswith("test_"):
                found.append(self._case(method.file, method.node))
        return found

    @cached_property
    def _setups(self) -> list[Call]:
        found = [c for name in _SETUPS for c in self._use.kinds.names.calls(name)]
        return [c for c in found if c.receiver is None and c.block is not None and c.file in self._files]

    @cached_property
    def calls(self) -> list[Call]:
        """Every call in test code."""
        return [call for file in self._files for call in file.calls]

    @cached_property
    def reaching(self) -> set[Method]:
        """Methods of the application from which a provider call is reached."""
        found: set[Method] = set()
        waiting = [self._use.code.method_of(c.file, c.node) for c in self._use.provider_calls]
        while waiting:
            method = waiting.pop()
            if method is not None and method not in found:
                found.add(method)
                waiting += self._callers(method)
        return found

    def exercising(self) -> list[Case]:
        """Cases that run the code which calls the provider, with the provider (not that code) replaced."""
        return [
            c for c in self.cases if self._reaches(c) and self._replaces_provider(c) and not self._skips(c)
        ]

    def stubbed(self, call: Call) -> tuple[Node | None, list[str]]:
        """What a stubbing call replaces: the object (before `any_instance`) and the method names."""
        names = [n for n in (literal(p) for p in call.positional[:1]) if n is not None]
        if call.name in ("stubs", "expects", "receive_messages"):
            names += [key for key, _ in call.keywords]
        if call.name in _STUBBING:
            return _owner_of(call.receiver), names
        if call.name in ("to", "and_return") and call.receiver is not None:
            outer = call.file.call(call.receiver)
            if (
                outer is not None
                and outer.name in ("allow", "expect", "allow_any_instance_of")
                and outer.positional
            ):
                received = [call.file.call(n) for p in call.positional for n in descendants(p, "call")]
                told = [r for r in received if r is not None and r.name in ("receive", "receive_messages")]
                literals = [literal(p) for r in told for p in r.positional[:1]]
                keys = [k for r in told for k, _ in r.keywords if r.name == "receive_messages"]
                return outer.positional[0], [n for n in literals if n is not None] + keys
        return None, []

    # --- what a case runs ------------------------------------------------------------------------

    def _case(self, file: RubyFile, node: Node) -> Case:
        regions: list[tuple[RubyFile, Node]] = [(file, node)]
        owner = self._use.code.owner(file, node)
        for call in self._setups:
            shared = not re.search(r"_(test|spec)\.rb$", call.file.path)
            if call.block is not None and (shared or self._use.code.owner(call.file, call.node) is owner):
                regions.append((call.file, call.block))
        regions += [(m.file, m.node) for m in owner.methods if m.name in ("setup", "before_setup")]
        seen = {(f.path, n.id) for f, n in regions}
        for where, region in regions:
            for helper in self._helpers_called(where, region):
                if (helper.file.path, helper.node.id) not in seen and len(seen) < 50:
                    seen.add((helper.file.path, helper.node.id))
                    regions.append((helper.file, helper.node))
        return Case(file, node, tuple(c for f, n in regions for c in f.calls_within(n)))

    def _helpers_called(self, file: RubyFile, region: Node) -> Iterator[Method]:
        for name in descendants(region, "identifier"):
            helper = self._helpers.get(text(name))
            if helper is not None and not (helper.file is file and within(name, helper.node)):
                yield helper

    # --- whether it reaches the provider ---------------------------------------------------------

    def _callers(self, method: Method) -> list[Method | None]:
        code, kinds = self._use.code, self._use.kinds
        name = "new" if method.name == "initialize" else method.name
        calls = [c for c in kinds.names.calls(name) if c.file in code.app_files and kinds.target(c) is method]
        found = [code.method_of(c.file, c.node) for c in calls]
        bare = [code.method_of(f, n) for f, n in kinds.names.bare_calls(method) if f in code.app_files]
        return found + bare

    def _reaches(self, case: Case) -> bool:
        front = any(
            in_area(m.file.path, f"app/{a}")
            for m in self.reaching
            for a in ("controllers", "jobs", "channels")
        )
        for call in case.calls:
            if self._use.kinds.target(call) in self.reaching:
                return True
            if call.receiver is None and call.name in _REQUESTS and front:
                return True
            if call.name in ("perform_now", "perform_later") and any(
                m.name == "perform" for m in self.reaching
            ):
                return True
        return False

    def _replaces_provider(self, case: Case) -> bool:
        return any(self._stubs_provider(call) or self._injects(call) for call in case.calls)

    def _stubs_provider(self, call: Call) -> bool:
        receiver = constant_path(call.receiver) or ""
        if call.name in ("stub_request", "use_cassette") or receiver in ("WebMock", "VCR", "WebMock::API"):
            return call.name not in (
                "disable_net_connect!",
                "allow_net_connect!",
                "configure",
                "reset!",
                "enable!",
            )
        if call.name in ("openrouter_api_base=", "openai_api_base="):
            return True
        if call.name == "stub_const" and call.positional:
            return "RubyLLM" in (literal(call.positional[0]) or "")
        target, names = self.stubbed(call)
        if target is None:
            return "RubyLLM" in text(call.receiver) and call.name in ("define_method", "send", "alias_method")
        if text(target).lstrip(":").startswith(("RubyLLM", "Faraday", "Net::HTTP")):
            return True
        if self._is_agent_of_gem(call, target, names):
            return True
        methods = [m for n in names if (m := self._app_method(call, target, n)) is not None]
        kinds = [self._use.kinds.result(m) for m in methods]
        return any(k is not None and k.name in ("Chat", "Agent", "RubyLLM") for k in kinds)

    def _is_agent_of_gem(self, call: Call, target: Node, names: list[str]) -> bool:
        """Whether methods are replaced that a class of the application has from RubyLLM's agent or chat."""
        kind = self._use.kinds.of(call.file, target)
        if kind is None or kind.app is None or self._use.kinds.gem_class(kind.app) not in ("Agent", "Chat"):
            return False
        return any(self._app_method(call, target, name) is None for name in names)

    def _injects(self, call: Call) -> bool:
        """Whether a test double is handed to code that reaches the provider, or to an object that has it."""
        target = self._use.kinds.target(call)
        if target is None or target.file in self._files:
            return False
        siblings = {m.owner for m in self.reaching}
        if target not in self.reaching and target.owner not in siblings:
            return False
        given = [*call.positional, *(value for _, value in call.keywords)]
        return any(self.is_double(call.file, node) for node in given)

    def is_double(self, file: RubyFile, node: Node) -> bool:
        """Whether an expression of a test is a stand-in for something real."""
        kind = self._use.kinds.of(file, node)
        if kind is not None and kind.app is not None:
            return kind.app.file in self._files
        return any(_DOUBLE.search(source) for source in self._use.kinds.names.origins(file, node))

    def _skips(self, case: Case) -> bool:
        """Whether a case replaces the very code that calls the provider."""
        for call in case.calls:
            target, names = self.stubbed(call)
            if target is None:
                continue
            if any(self._app_method(call, target, name) in self.reaching for name in names):
                return True
            kind = self._use.kinds.of(call.file, target)
            if "new" in names and kind is not None and any(m.owner is kind.app for m in self.reaching):
                return True
        return False

    def _app_method(self, call: Call, target: Node, name: str) -> Method | None:
        kind = self._use.kinds.of(call.file, target)
        if kind is None or kind.app is None:
            return None
        code = self._use.code
        instance = code.find_method(kind.app, name, False)
        return instance if kind.name == "App" else code.find_method(kind.app, name, True) or instance


def _owner_of(receiver: Node | None) -> Node | None:
    """The class before `.any_instance` or `.singleton_class`; otherwise the receiver itself."""
    name = "" if receiver is None else text(receiver.child_by_field_name("method"))
    if receiver is not None and name in ("any_instance", "singleton_class"):
        return receiver.child_by_field_name("receiver")
    return receiver
