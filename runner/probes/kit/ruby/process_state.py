"""Conversations that live in one process: class variables, globals, constants, class-level variables."""

from __future__ import annotations

import re

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.ruby.code import RubyCode
from runner.probes.kit.ruby.paths import is_test
from runner.probes.kit.ruby.syntax import ASSIGNMENTS, METHODS, RubyFile, constant_path, literal, text

_STATE = re.compile(
    r"conversation|chat|message|histor|session|store|turn|thread|transcript|memory", re.IGNORECASE
)
_CONTAINERS = re.compile(
    r"(?:::)?(?:Hash|Array|Set|Queue|ObjectSpace::WeakMap|Concurrent::\w+|LruRedux::\S+|ActiveSupport::Cache::MemoryStore"
    r"|ActiveSupport::OrderedHash|HashWithIndifferentAccess|ActiveSupport::HashWithIndifferentAccess)$"
)
_CHAT = re.compile(r"^(?:::)?RubyLLM(?:\.chat\b|::Chat\.new\b)")
_MUTATING = frozenset(
    (
        *(
            "[]=",
            "<<",
            "push",
            "append",
            "concat",
            "store",
            "write",
            "delete",
            "clear",
            "compute",
            "compute_if_absent",
        ),
        *(
            "fetch_or_store",
            "put",
            "put_if_absent",
            "merge!",
            "update",
            "shift",
            "replace",
            "unshift",
            "add",
            "ask",
        ),
    )
)
_KEPT_AS = ("@instance", "@@instance", "@current", "@default")
_ACCESSORS = (
    "cattr_accessor",
    "mattr_accessor",
    "class_attribute",
    "thread_mattr_accessor",
    "thread_cattr_accessor",
)


def places(code: RubyCode) -> list[Location]:
    """Where such state is made, in the order of files; tests do not count."""
    files = [file for path, file in sorted(code.files.items()) if not is_test(path) and path.endswith(".rb")]
    found = []
    for file in files:
        found += [file.location(node) for node in file.of(*ASSIGNMENTS) if _is_kept(code, file, node)]
        found += [
            call.location for call in file.calls if call.name in _ACCESSORS and _names_state(call.positional)
        ]
        found += [
            call.location
            for call in file.calls
            if call.name == "[]="
            and text(call.receiver) == "Thread.current"
            and _names_state(call.positional[:1])
        ]
    return found


def _names_state(nodes: tuple[Node, ...]) -> bool:
    return any(_STATE.search(literal(node) or "") for node in nodes)


def _is_kept(code: RubyCode, file: RubyFile, node: Node) -> bool:
    """Whether an assignment makes a container of conversations that outlives a request."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or not _holds(right):
        return False
    if left.type in ("class_variable", "global_variable"):
        return _is_about_state(code, file, node, left)
    if left.type == "constant":
        return _is_about_state(code, file, node, left) and _is_changed(code, text(left))
    if left.type == "instance_variable":
        return _is_class_level(code, file, node) and _is_about_state(code, file, node, left)
    return False


def _is_about_state(code: RubyCode, file: RubyFile, node: Node, left: Node) -> bool:
    right = node.child_by_field_name("right")
    return (
        any(_STATE.search(word) for word in (text(left), code.owner(file, node).name))
        or _CHAT.match(text(right)) is not None
    )


def _holds(value: Node) -> bool:
    """A hash, an array, a concurrent map, a memory store or a chat; not frozen."""
    if value.type in ("hash", "array"):
        return True
    if _CHAT.match(text(value)):
        return True
    receiver, name = value.child_by_field_name("receiver"), text(value.child_by_field_name("method"))
    if value.type != "call" or receiver is None:
        return False
    if name == "new":
        return _CONTAINERS.match(constant_path(receiver) or "") is not None
    return name in ("tap", "extend", "compare_by_identity", "with_indifferent_access") and _holds(receiver)


def _is_changed(code: RubyCode, constant: str) -> bool:
    def changed() -> set[str]:
        calls = (call for file in code.app_files for call in file.calls if call.name in _MUTATING)
        return {(constant_path(call.receiver) or "").split("::")[-1] for call in calls}

    return constant in code.derived("changed constants", changed)


def _is_class_level(code: RubyCode, file: RubyFile, node: Node) -> bool:
    """In a class body, a class method, or an instance of which there is only one."""
    if file.enclosing(node, *METHODS) is None:
        return file.enclosing(node, "class", "module") is not None
    method, owner = code.method_of(file, node), code.owner(file, node)
    single = "Singleton" in owner.includes or _keeps_instance(code, owner.name)
    return single or (method is not None and method.singleton)


def _keeps_instance(code: RubyCode, owner: str) -> bool:
    """`@instance ||= new` in a class method."""

    def keepers() -> set[str]:
        return {
            code.owner(file, node).name
            for file in code.files.values()
            for node in file.of("operator_assignment")
            if text(node.child_by_field_name("left")) in _KEPT_AS
            and text(node.child_by_field_name("right")) in ("new", "self.new")
        }

    return owner in code.derived("keepers of an instance", keepers)
