"""The tests of a repository: their cases, what each of them runs, and whether a provider call is reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.ruby.classes import Method, RubyClass
from runner.probes.kit.ruby.paths import in_area
from runner.probes.kit.ruby.syntax import (
    BLOCKS,
    Call,
    RubyFile,
    constant_path,
    descendants,
    literal,
    text,
    within,
)

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
_MAX_REGIONS = 50
_Place = tuple[str, int]


@dataclass(frozen=True)
class _Region:
    """A piece of test code: its calls, and the helpers of the suite that it names."""

    calls: tuple[Call, ...]
    helpers: tuple[Method, ...]


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
        self._paths = {f.path for f in self._files}
        self._helpers = {m.name: m for m in use.code.methods if m.file.path in self._paths}
        self._regions: dict[_Place, _Region] = {}
        self._reaching_calls: dict[Call, bool] = {}

    @cached_property
    def cases(self) -> list[Case]:
        """All test cases: Minitest's and RSpec's."""
        found = []
        for file in self._files:
            for call in file.calls:
                if call.receiver is None and call.name in _CASES and call.block is not None:
                    found.append(self._case(file, call.node))
        for method in self._use.code.methods:
            if method.file.path in self._paths and method.name.startswith("test_"):
                found.append(self._case(method.file, method.node))
        return found

    @cached_property
    def _setups(self) -> dict[RubyClass | None, list[Call]]:
        """Blocks that run before cases, by the class they stand in; None: by all, from support files."""
        found: dict[RubyClass | None, list[Call]] = {}
        for call in (c for name in _SETUPS for c in self._use.kinds.names.calls(name)):
            if call.receiver is None and call.block is not None and call.file.path in self._paths:
                shared = not re.search(r"_(test|spec)\.rb$", call.file.path)
                owner = None if shared else self._use.code.owner(call.file, call.node)
                found.setdefault(owner, []).append(call)
        return found

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
        if not self.reaching:
            return []
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
        owner = self._use.code.owner(file, node)
        setups = [c for c in self._setups.get(owner, []) if _runs_before(c, file, node)]
        places = [(c.file, c.block) for c in (*self._setups.get(None, []), *setups) if c.block is not None]
        places += [(m.file, m.node) for m in owner.methods if m.name in ("setup", "before_setup")]
        places.append((file, node))
        seen = {(f.path, n.id) for f, n in places}
        calls: list[Call] = []
        for where, region in places:
            read = self._region(where, region)
            calls += read.calls
            for helper in read.helpers:
                if (helper.file.path, helper.node.id) not in seen and len(seen) < _MAX_REGIONS:
                    seen.add((helper.file.path, helper.node.id))
                    places.append((helper.file, helper.node))
        return Case(file, node, tuple(calls))

    def _region(self, file: RubyFile, node: Node) -> _Region:
        """What a piece of test code calls; read once, many cases share it."""
        key = (file.path, node.id)
        if key not in self._regions:
            helpers = tuple(dict.fromkeys(self._helpers_called(file, node)))
            self._regions[key] = _Region(tuple(file.calls_within(node)), helpers)
        return self._regions[key]

    def _helpers_called(self, file: RubyFile, region: Node) -> Iterator[Method]:
        for name in file.within(region, "identifier"):
            helper = self._helpers.get(text(name))
            if helper is not None and not (helper.file is file and within(name, helper.node)):
                yield helper

    # --- whether it reaches the provider ---------------------------------------------------------

    def _callers(self, method: Method) -> list[Method | None]:
        code, kinds = self._use.code, self._use.kinds
        calls = [c for c in kinds.calls_to(method) if code.is_app_file(c.file)]
        found = [code.method_of(c.file, c.node) for c in calls]
        bare = [code.method_of(f, n) for f, n in kinds.names.bare_calls(method) if code.is_app_file(f)]
        return found + bare

    @cached_property
    def _fronts(self) -> bool:
        """Whether a request or job of the application reaches a provider call."""
        areas = ("app/controllers", "app/jobs", "app/channels")
        return any(in_area(m.file.path, area) for m in self.reaching for area in areas)

    @cached_property
    def _reaching_names(self) -> set[str]:
        return {"new" if m.name == "initialize" else m.name for m in self.reaching}

    @cached_property
    def _performs(self) -> bool:
        return any(m.name == "perform" for m in self.reaching)

    def _reaches(self, case: Case) -> bool:
        return any(map(self._reaches_provider, case.calls))

    def _reaches_provider(self, call: Call) -> bool:
        if call not in self._reaching_calls:
            self._reaching_calls[call] = self._leads_there(call)
        return self._reaching_calls[call]

    def _leads_there(self, call: Call) -> bool:
        if call.name in self._reaching_names and self._use.kinds.target(call) in self.reaching:
            return True
        if call.receiver is None and call.name in _REQUESTS and self._fronts:
            return True
        return call.name in ("perform_now", "perform_later") and self._performs

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
        if target is None or target.file.path in self._paths:
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
            return kind.app.file.path in self._paths
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


def _runs_before(setup: Call, file: RubyFile, case: Node) -> bool:
    """Whether a set-up stands in a group that the case belongs to too (`describe`, `context`, the class)."""
    group = setup.file.enclosing(setup.node, *BLOCKS)
    return group is None or setup.file is not file or within(case, group)


def _owner_of(receiver: Node | None) -> Node | None:
    """The class before `.any_instance` or `.singleton_class`; otherwise the receiver itself."""
    name = "" if receiver is None else text(receiver.child_by_field_name("method"))
    if receiver is not None and name in ("any_instance", "singleton_class"):
        return receiver.child_by_field_name("receiver")
    return receiver
