"""How earlier turns and the system prompt reach the model, or do not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.llm.inventions import CHATS
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.ruby.classes import RubyClass
from runner.probes.kit.ruby.kind import Kind
from runner.probes.kit.ruby.syntax import (
    ASSIGNMENTS,
    BLOCKS,
    METHODS,
    Call,
    RubyFile,
    descendants,
    is_sent,
    literal,
    statements,
    text,
    within,
)

_LOOPS = re.compile(r"each(?:_\w+)?|map|reverse_each|inject|reduce|flat_map|find_each|filter_map|collect")
_ADDING = ("<<", "push", "append", "concat", "replace", "insert", "unshift")
_SYSTEM_ROLE = re.compile(r"""["':]?role["']?(:|\s*=>)\s*(:system\b|["']system["'])""")
_SETTING_UP = re.compile(r"with_\w+|add_message|on_\w+")
_BODIES = ("body_statement", "block_body", "then", "else", "begin", "if_modifier", "unless_modifier")
_KEEPERS = ("constant", "class_variable", "global_variable")


def replays(use: LlmUse) -> list[Call]:
    """Calls that put stored turns into a chat before it is asked."""
    found = [c.call for c in use.calls if c.on in CHATS and c.call.name == "add_message"]
    found += [c for c in use.kinds.names.calls("add_message") if _looks_like_chat(use, c)]
    looped = [c for c in found if _repeated(use, c) and not _left_behind(c)]
    for call in _all(use):
        if call.name in _ADDING and _is_messages(use, call):
            whole = call.name in ("concat", "replace") or call.splat
            looped += [call] if whole or _repeated(use, call) else []
        if call.name == "method" and literal(next(iter(call.positional), None)) == "add_message":
            looped.append(call)
    return [c for c in looped if not use.in_ignored_block(c.file, c.node)]


def kept_chats(use: LlmUse) -> list[Location]:
    """Where one chat object outlives a request, so that it remembers by itself."""
    files = use.code.app_files if use.names_gem else []
    return [f.location(node) for f in files for node in f.of(*ASSIGNMENTS) if _keeps(use, f, node)]


def recorded_asks(use: LlmUse) -> list[Call]:
    """Asks on a chat that is stored in the database (acts_as_chat), also through an agent."""
    asked = [c for c in use.asks if use.on_record(c)]
    handed = [c.call for c in use.calls if c.on == "Agent.class" and _persistent(c.call)]
    return asked + handed


def stuffed_asks(use: LlmUse) -> list[Call]:
    """Asks that put a whole conversation into one message."""
    return [c for c in use.asks if c.positional and _is_conversation(use, c)]


def system_prompts(use: LlmUse) -> list[Location]:
    """Where the model is given a system prompt."""
    given = [c for c in _all(use) if c.name in ("with_instructions", "with_runtime_instructions")]
    given += [c for c in _all(use) if c.name == "instructions" and use.kinds.on_gem_class(c) == "Agent.class"]
    heard = [c.location for c in given if not use.in_ignored_block(c.file, c.node)]
    roles = [(f, n) for f, n in _system_roles(use) if not use.in_ignored_block(f, n)]
    return heard + [file.location(node) for file, node in roles]


def _system_roles(use: LlmUse) -> Iterator[tuple[RubyFile, Node]]:
    """`role: :system` in classes that really add messages to a chat."""
    adding = [
        c.call
        for c in use.calls
        if c.on == "Message.class" or (c.on in CHATS and c.call.name == "add_message")
    ]
    owners = {use.code.owner(c.file, c.node) for c in adding}
    for file in {c.file for c in adding}:
        for pair in file.of("pair"):
            if _SYSTEM_ROLE.match(text(pair)) and use.code.owner(file, pair) in owners:
                yield file, pair


def _left_behind(call: Call) -> bool:
    """Whether the turns go into a local variable that is then neither asked, nor returned, nor handed on."""
    method = call.file.enclosing(call.node, *METHODS)
    if method is None or call.receiver is None or call.receiver.type != "identifier":
        return False
    name, last = text(call.receiver), statements(method.child_by_field_name("body"))[-1:]
    uses = [n for n in descendants(method, "identifier") if text(n) == name and not is_sent(call.file, n)]
    first = min(uses, key=lambda n: n.start_byte)
    above = call.file.parent(first)
    if above is None or above.type != "assignment" or above.child_by_field_name("left") != first:
        return False
    return not any(_leads_on(call.file, n, last) for n in uses if n != first)


def _leads_on(file: RubyFile, use: Node, last: list[Node]) -> bool:
    """Whether a use of a chat does more than set it up: where a method's value is made, all does."""
    if any(within(use, statement) and statement.type != "call" for statement in last):
        return True
    around = file.parent(use)
    if around is None or around.type != "call" or around.child_by_field_name("receiver") != use:
        return True
    if _SETTING_UP.fullmatch(text(around.child_by_field_name("method"))) is None:
        return True
    chained = file.parent(around)
    while chained is not None and chained.type == "call":
        if _SETTING_UP.fullmatch(text(chained.child_by_field_name("method"))) is None:
            return True
        around, chained = chained, file.parent(chained)
    return around in last or chained is None or chained.type not in _BODIES


def _all(use: LlmUse) -> Iterator[Call]:
    return (call for file in use.code.app_files for call in file.calls)


def _looks_like_chat(use: LlmUse, call: Call) -> bool:
    if not use.code.is_app_file(call.file) or call.receiver is None or use.kinds.receiver(call) is not None:
        return False
    return bool(re.search(r"chat|llm|agent", text(call.receiver), re.I))


def _repeated(use: LlmUse, call: Call, depth: int = 3) -> bool:
    """Whether a call runs once per stored turn: in a loop, or in a method that is called in one."""
    for around in call.file.ancestors(call.node):
        if around.type in ("while", "until", "for"):
            return True
        if around.type in BLOCKS:
            node = call.file.parent(around)
            outer = call.file.call(node) if node is not None else None
            if outer is not None and _LOOPS.fullmatch(outer.name) and not _is_literal(outer.receiver):
                return True
        if around.type in METHODS:
            break
    method = use.code.method_of(call.file, call.node)
    if method is None or depth == 0:
        return False
    callers = [] if method.name == "initialize" else use.kinds.calls_to(method)
    return any(_repeated(use, c, depth - 1) for c in callers if use.code.is_app_file(c.file))


def _is_literal(node: Node | None) -> bool:
    return node is not None and node.type in ("array", "string_array", "symbol_array")


def _is_messages(use: LlmUse, call: Call) -> bool:
    return call.receiver is not None and use.kinds.of(call.file, call.receiver) == Kind(
        "Array", of=Kind("Message")
    )


def _keeps(use: LlmUse, file: RubyFile, node: Node) -> bool:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or not _is_chat(use, use.kinds.of(file, right)):
        return False
    place = left.child_by_field_name("object") if left.type == "element_reference" else left
    if place is None or place.type in _KEEPERS:
        return place is not None
    owner = use.code.owner(file, node)
    lasting = use.kinds.self_at(file, node).name == "App.class" or "Singleton" in owner.includes
    return place.type == "instance_variable" and lasting


def _is_chat(use: LlmUse, kind: Kind | None) -> bool:
    """Whether it is a chat, an agent, or an object of the application's own that is made with one."""
    if kind is None or kind.name != "App" or kind.app is None:
        return kind is not None and kind.name == "Chat"
    return use.kinds.gem_class(kind.app) == "Agent" or _is_made_with_chat(use, kind.app)


def _is_made_with_chat(use: LlmUse, owner: RubyClass) -> bool:
    maker = use.code.find_method(owner, "initialize", False)
    if maker is None:
        return False
    made = (node for node in descendants(maker.node, *ASSIGNMENTS) if text(node).startswith("@"))
    kinds = (use.kinds.of(maker.file, node.child_by_field_name("right")) for node in made)
    return any(kind is not None and kind.name == "Chat" for kind in kinds)


def _persistent(call: Call) -> bool:
    handed = call.name == "new" and call.keyword("chat") is not None
    return handed or call.name in ("find", "create", "create!")


def _is_conversation(use: LlmUse, call: Call) -> bool:
    kind = use.kinds.of(call.file, call.positional[0])
    return kind is not None and kind.name in ("Array", "Transcript")
