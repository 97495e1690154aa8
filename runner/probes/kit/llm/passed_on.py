"""Whether the words a rescue hands to its caller are read: what nobody asks a value object for is not."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from runner.probes.kit.llm.clauses import Clause
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.ruby.classes import Method, RubyClass
from runner.probes.kit.ruby.paths import in_area
from runner.probes.kit.ruby.syntax import Call, RubyFile, constant_path, text

_EMPTY = ("nil", "true", "false", "simple_symbol", "integer")
_EMPTY_TEXTS = ("[]", "{}", '""', "''")
_CONDITIONS = ("if", "unless", "if_modifier", "unless_modifier", "conditional", "binary", "unary")


def is_read(use: LlmUse, clause: Clause, value: Node) -> bool:
    """Whether what a clause's last value says is read. It is said not to be only where all is seen."""
    call = clause.file.call(value)
    owner = None if call is None else _class_of(use, call)
    method = use.code.method_of(clause.file, clause.node)
    if call is None or owner is None or method is None:
        return True
    members = {*owner.members, *owner.readers}
    worded = set(_worded(use, owner, call)) & members
    callers = [c for c in use.kinds.calls_to(method) if use.code.is_app_file(c.file)]
    if not worded or not callers:
        return True
    asked = [_asked(use, caller) for caller in callers]
    if any(names is None for names in asked):
        return True
    read = members & {name for names in asked if names is not None for name in names}
    # Where nothing is read there is no page at all, which is another fact.
    return not read or bool(read & worded)


def _class_of(use: LlmUse, call: Call) -> RubyClass | None:
    """The application's value class that `Result.failure(...)` or `Result.new(...)` makes one of."""
    path = constant_path(call.receiver)
    return None if path is None else use.code.resolve(path, use.code.owner(call.file, call.node))


def _worded(use: LlmUse, owner: RubyClass, call: Call) -> Iterator[str]:
    """The members that get more than an empty value, through a class method of its own too."""
    maker: Method | None = None if call.name == "new" else use.code.find_method(owner, call.name, True)
    if maker is not None:
        made = maker.file.call(maker.body[-1]) if maker.body else None
        if made is None or made.name != "new":
            return
        call = made
    yield from (key for key, value in call.keywords if not _is_empty(value))
    yield from (
        name for name, value in zip(owner.members, call.positional, strict=False) if not _is_empty(value)
    )


def _is_empty(value: Node) -> bool:
    return value.type in _EMPTY or text(value) in _EMPTY_TEXTS


def _asked(use: LlmUse, caller: Call) -> set[str] | None:
    """What the value of a call in a controller is asked for; None if it goes where that is not seen."""
    set_to = caller.file.parent(caller.node)
    left = None if set_to is None or set_to.type != "assignment" else set_to.child_by_field_name("left")
    if left is None or not in_area(caller.file.path, "app/controllers"):
        return None
    found: set[str] = set()
    for file, node in _uses(use, caller, left):
        around = file.parent(node)
        if around is None or around == set_to:
            continue
        if around.type == "call" and around.child_by_field_name("receiver") == node:
            found.add(text(around.child_by_field_name("method")))
        elif around.type not in _CONDITIONS:
            return None
    return found


def _uses(use: LlmUse, caller: Call, variable: Node) -> Iterator[tuple[RubyFile, Node]]:
    """Where a variable of an action stands: in its method, or in the controller and the pages it draws."""
    if variable.type == "identifier":
        method = use.code.method_of(caller.file, caller.node)
        around = caller.file.root if method is None else method.node
        nodes = caller.file.within(around, "identifier")
        yield from ((caller.file, node) for node in nodes if text(node) == text(variable))
    elif variable.type == "instance_variable":
        for file in (caller.file, *_drawn(use, caller.file)):
            yield from ((file, node) for node in file.of(variable.type) if text(node) == text(variable))


def _drawn(use: LlmUse, controller: RubyFile) -> Iterator[RubyFile]:
    """The templates a controller may draw: those of its folder, those it names, all partials and layouts."""
    folder = controller.path.partition("app/controllers/")[2].removesuffix("_controller.rb")
    named = {value for value, _ in controller.strings}
    for file in use.code.app_files:
        within_views = file.path.partition("app/views/")[2]
        if not within_views:
            continue
        name = within_views.partition(".")[0]
        shared = "/_" in name or name.startswith("layouts/")
        if shared or name in named or name.rpartition("/")[0] == folder:
            yield file
