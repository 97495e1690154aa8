"""Mutants of an app's LLM path: the app with one thing it must do for a chat turn taken away.

A test suite that stays green under one of them does not test that thing. A mutant is a few edits at
the places that the static engine found; it always parses, and it exists only where its target does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from runner.core.records import Location
from runner.core.tree import SourceTree
from runner.probes.kit.llm.clauses import Clause
from runner.probes.kit.llm.inventions import CHATS
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.rescues import Rescues
from runner.probes.kit.llm.turns import replays
from runner.probes.kit.ruby.classes import Method
from runner.probes.kit.ruby.syntax import BLOCKS, Call, RubyFile, descendants, literal, text

SYSTEM_ROLE = re.compile(r"""["':]?role["']?(:|\s*=>)\s*(:system\b|["']system["'])""")
_PROMPTING = ("with_instructions", "with_runtime_instructions")
_ASKING = ("ask", "say")
_REPLIES = ("Message", "Chunk")
_READING = ("content", "text", "body")
_YIELDING_REPLIES = ("ask", "say", "complete", "generate", "on_end_message", "after_message", "tap", "then")


@dataclass(frozen=True)
class Edit:
    """Bytes from `start` up to `end` of a file's text replaced."""

    start: int
    end: int
    by: bytes = b""


@dataclass(frozen=True, eq=False)
class Site:
    """One place of a mutant: the node that is meant, and the edits that take it away."""

    file: RubyFile
    node: Node
    edits: tuple[Edit, ...]

    @property
    def location(self) -> Location:
        """Where it is: the line of a call's name, which in a chain is not the first."""
        call = self.file.call(self.node)
        return self.file.location(self.node) if call is None else call.location


@dataclass(frozen=True, eq=False)
class Mutant:
    """`id` names what was taken away, `words` say it after "when". Of `weak` ones one may survive."""

    id: str
    words: str
    weak: bool
    sites: tuple[Site, ...]

    def files(self, tree: SourceTree) -> dict[str, bytes]:
        """The changed files by path."""
        return {path: edited(tree, path, self._edits(path)) for path in {s.file.path for s in self.sites}}

    def _edits(self, path: str) -> list[Edit]:
        return [edit for site in self.sites if site.file.path == path for edit in site.edits]


def mutants(use: LlmUse) -> list[Mutant]:
    """All mutants that the app has a target for, each over all its places."""
    found = (Mutant(*kind[:3], tuple(_sound(use.tree, kind[3](use)))) for kind in _KINDS)
    return [mutant for mutant in found if mutant.sites]


def harmless(use: LlmUse) -> dict[str, bytes]:
    """Every file that a mutant changes, with a comment at its end: a suite has to stay green under it."""
    paths = {site.file.path for mutant in mutants(use) for site in mutant.sites}
    sources = ((path, use.tree.text(path) or "") for path in paths)
    return {path: source.encode() + b"\n# mark\n" for path, source in sources if "\n__END__" not in source}


def edited(tree: SourceTree, path: str, edits: Iterable[Edit]) -> bytes:
    """A file's text with edits made; of overlapping ones the outer counts."""
    source = (tree.text(path) or "").encode()
    made, position = b"", 0
    for edit in sorted(set(edits), key=lambda e: (e.start, -e.end)):
        if edit.start >= position:
            made += source[position : edit.start] + edit.by
            position = edit.end
    return made + source[position:]


def _sound(tree: SourceTree, sites: Iterable[Site]) -> Iterator[Site]:
    """Each place once, of Ruby files that still parse when edited."""
    seen: set[tuple[str, int, int]] = set()
    for site in sites:
        path = site.file.path
        key = (path, site.node.start_byte, site.node.end_byte)
        if key in seen or not path.endswith(".rb") or site.file.root.has_error:
            continue
        seen.add(key)
        if not RubyFile(path, edited(tree, path, site.edits).decode("utf-8", "replace")).root.has_error:
            yield site


# --- what is taken away -----------------------------------------------------------------------------


def _history(use: LlmUse) -> Iterator[Site]:
    """Adding the stored turns to the chat; else all but the last of the `messages:` of a request."""
    found = replays(use)
    for call in found:
        if call.name == "method":
            yield _replaced(call.file, call.node, b"proc { }")
        else:
            yield _without(call)
    for call in [] if found else use.provider_calls:
        for value in _values(call.node, "messages"):
            if value.type in ("identifier", "instance_variable", "call", "binary"):
                start, end = value.start_byte, value.end_byte
                yield Site(call.file, value, (Edit(start, start, b"("), Edit(end, end, b").last(1)")))


def _emptied(use: LlmUse) -> Iterator[Site]:
    for call in _replies(use):
        if call.receiver is not None:
            yield Site(
                call.file, call.node, (Edit(call.receiver.end_byte, call.node.end_byte, b'.then { "" }'),)
            )


def _swapped(use: LlmUse) -> Iterator[Site]:
    for call in _replies(use):
        name = call.node.child_by_field_name("method")
        if name is not None:
            yield Site(call.file, call.node, (Edit(name.start_byte, name.end_byte, b"model_id"),))


def _replies(use: LlmUse) -> Iterator[Call]:
    """Where the text of a reply is read; without a known reply, after the call in the same method."""
    found = [c.call for c in use.calls if c.on in _REPLIES and _reads_text(use, c.call, c.on)]
    read = [c for c in found if c.receiver is not None and not _of_history(c)]
    yield from read
    for asked in [] if read else use.provider_calls:
        method = use.code.method_of(asked.file, asked.node)
        for call in asked.file.calls_within(method.node) if method is not None else ():
            if call.node.end_byte > asked.node.end_byte and _may_read_text(call):
                yield call
        for call in _reads_of_result(use, method) if method is not None else ():
            yield call


def _may_read_text(call: Call) -> bool:
    plain = call.receiver is not None and not call.positional
    return call.name in _READING and plain and not _of_history(call)


def _reads_of_result(use: LlmUse, method: Method) -> Iterator[Call]:
    """Where text is read of what a method returns: `ask(chat).content`, or by way of a variable."""
    for call in (c for name in _READING for c in use.kinds.names.calls(name)):
        if not use.code.is_app_file(call.file) or call.receiver is None or not _may_read_text(call):
            continue
        given = use.kinds.names.definitions(call.file, call.receiver)
        values = [call.receiver, *(n.child_by_field_name("right") or n for n in given)]
        called = [call.file.call(n) for n in values if n.type == "call"]
        if any(c is not None and use.kinds.target(c) is method for c in called):
            yield call


def _reads_text(use: LlmUse, call: Call, on: str) -> bool:
    return call.name == "content" or (not call.name.endswith("=") and not use.api.has(on, call.name))


def _of_history(call: Call) -> bool:
    """Whether what is read is one of many: the parameter of a block that no call of the chat yields to."""
    name = text(call.receiver)
    for block in (a for a in call.file.ancestors(call.node) if a.type in BLOCKS):
        listed, around = block.child_by_field_name("parameters"), call.file.parent(block)
        names = [] if listed is None else [text(n) for n in descendants(listed, "identifier")]
        if name in names and around is not None:
            outer = call.file.call(around)
            return outer is None or outer.name not in _YIELDING_REPLIES
    return False


def _unrescued(use: LlmUse) -> Iterator[Site]:
    rescues = Rescues(use)
    for call in use.provider_calls:
        for clause in rescues.guard(call).final:
            yield from _raising(clause)


def _raising(clause: Clause) -> Iterator[Site]:
    """The clause, with the error raised again before it does anything."""
    inside = clause.statements
    if clause.node.type == "rescue_modifier" and clause.body is not None:
        yield Site(clause.file, clause.node, (_replaced(clause.file, clause.body, b"raise").edits[0],))
    elif inside:
        yield Site(clause.file, clause.node, (Edit(inside[0].start_byte, inside[0].start_byte, b"raise; "),))
    elif clause.node.type == "rescue":
        yield Site(clause.file, clause.node, (Edit(clause.node.end_byte, clause.node.end_byte, b"; raise"),))


def _unsaid(use: LlmUse) -> Iterator[Site]:
    """What the user typed, where it is asked; before a `complete`, where it is added as a message."""
    for call in use.asks:
        if call.name in _ASKING and call.positional:
            yield _replaced(call.file, call.positional[0], b'""')
        method = use.code.method_of(call.file, call.node) if call.name == "complete" else None
        if method is None:
            continue
        repeated = {c.node.id for c in replays(use)}
        for added in call.file.calls_within(method.node):
            if added.name != "add_message" or added.node.id in repeated:
                continue
            if not SYSTEM_ROLE.search(text(added.node)):
                yield from (_replaced(call.file, v, b'""') for v in _values(added.node, "content"))


def _unprompted(use: LlmUse) -> Iterator[Site]:
    """The instructions, as a call, as a line of an agent's class or as a message of the system."""
    for call in (c for name in _PROMPTING for c in use.kinds.names.calls(name)):
        if use.code.is_app_file(call.file):
            yield _without(call)
    for call in use.kinds.names.calls("instructions"):
        if use.code.is_app_file(call.file) and use.kinds.on_gem_class(call) == "Agent.class":
            yield _replaced(call.file, call.node, b"nil")
    for found in use.calls:
        adds = found.on in CHATS and found.call.name == "add_message"
        if adds and SYSTEM_ROLE.search(text(found.call.node)):
            yield _without(found.call)


# --- edits ------------------------------------------------------------------------------------------


def _without(call: Call) -> Site:
    """A call taken out of its chain: only its receiver stays."""
    if call.receiver is None:
        return _replaced(call.file, call.node, b"self")
    cut = Edit(call.receiver.end_byte, call.node.end_byte)
    return Site(call.file, call.node, (cut, *_heredocs(call.file, call.node, cut)))


def _replaced(file: RubyFile, node: Node, by: bytes) -> Site:
    edit = Edit(node.start_byte, node.end_byte, by)
    return Site(file, node, (edit, *_heredocs(file, node, edit)))


def _heredocs(file: RubyFile, node: Node, cut: Edit) -> list[Edit]:
    """The bodies of heredocs that a cut takes the beginnings of, where they stand outside of it."""
    begun = [n for n in descendants(node, "heredoc_beginning") if cut.start <= n.start_byte < cut.end]
    bodies = [b for b in map(file.heredoc, begun) if b.type == "heredoc_body" and b.start_byte >= cut.end]
    return [Edit(b.start_byte, b.end_byte) for b in bodies]


def _values(node: Node, key: str) -> Iterator[Node]:
    """Values of a key in the arguments of a call, hashes within them included."""
    for pair in descendants(node, "pair"):
        value = pair.child_by_field_name("value")
        if value is not None and literal(pair.child_by_field_name("key")) == key:
            yield value


Sites = Callable[[LlmUse], Iterable[Site]]
_KINDS: tuple[tuple[str, str, bool, Sites], ...] = (
    ("history", "earlier turns are no longer sent", False, _history),
    ("reply", "the reply is emptied", False, _emptied),
    ("accessor", "the model's name is read in place of the reply's text", True, _swapped),
    ("rescue", "the provider's errors are no longer rescued", False, _unrescued),
    ("text", "what the user typed is not sent", False, _unsaid),
    ("prompt", "the system prompt is dropped", True, _unprompted),
)
