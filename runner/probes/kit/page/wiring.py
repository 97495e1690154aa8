"""Whether the actions that markup names, and the targets that code uses, are in their Stimulus controllers.

Only controllers of the application itself are judged, and of those only what their class shows: one that
inherits, adds methods at run time or cannot be parsed may have anything. A target that only markup names is
clutter and does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.files.application import Application
from runner.probes.kit.page import markup, stimulus
from runner.probes.kit.page.javascript import JavaScriptFile
from runner.probes.kit.page.stimulus import Controller, stem
from runner.probes.kit.ruby.syntax import descendants, text
from runner.probes.kit.verdicts import place

_ACTIONS = re.compile(
    r"\bdata-action\s*=\s*([\"'])(?P<raw>.*?)\1"
    r"|(?<![-\w.])[\"']?(?:data[-_])?action[\"']?\s*(?::|=>)\s*([\"'])(?P<helper>[^\"']*#[^\"']*)\3",
    re.DOTALL,
)
_ACTION = re.compile(r"(?:[^\s<>]*->)?(?P<controller>[a-z][\w-]*)#(?P<method>[A-Za-z_$][\w$]*)(?::[\w:!]*)?$")
_ADDING = re.compile(r"\.prototype\b|Object\.(?:assign|defineProperty)|\buse[A-Z]\w*\(\s*this\b|this\[")
_USED_TARGET = re.compile(r"this\.(?:has([A-Z]\w*)Target|([a-z]\w*?)Targets?)\b(?!Connected|Disconnected)")


@dataclass(frozen=True)
class Loose:
    """Something that is named and not there."""

    title: str
    where: Location


@dataclass(frozen=True)
class _Class:
    methods: frozenset[str]
    targets: frozenset[str]


def loose_ends(app: Application, controllers: list[Controller]) -> list[Loose]:
    """Actions of markup that their controllers lack, and targets that a controller uses undeclared."""
    known = _known(controllers)
    found = [end for path in app.glob(*markup.TEMPLATES) for end in _in_markup(app, path, known)]
    bases = stimulus.extended(controller.script for controller in controllers)
    for controller in controllers:
        if controller.name in known and stem(controller.script.path) not in bases:
            found += _undeclared(controller, known[controller.name])
    return list({(end.title, end.where): end for end in found}.values())


def _known(controllers: list[Controller]) -> dict[str, _Class]:
    """What each controller has, by name, of several of one name together; not of those that may have more."""
    found: dict[str, _Class | None] = {}
    for controller in controllers:
        shown = _shown(controller)
        before = found.get(controller.name, _Class(frozenset(), frozenset()))
        joined = None if shown is None or before is None else _join(shown, before)
        found[controller.name] = joined
    return {name: shown for name, shown in found.items() if shown is not None}


def _join(one: _Class, other: _Class) -> _Class:
    return _Class(one.methods | other.methods, one.targets | other.targets)


def _shown(controller: Controller) -> _Class | None:
    script, body = controller.script, controller.node.child_by_field_name("body")
    heritage = next((text(child) for child in controller.node.children if child.type == "class_heritage"), "")
    if body is None or script.root.has_error or _ADDING.search(script.source):
        return None
    if heritage.removeprefix("extends").strip() != "Controller":
        return None
    declared = [n for n in body.named_children if n.type in ("method_definition", "field_definition")]
    names = frozenset(
        text(n.child_by_field_name("name") or n.child_by_field_name("property")) for n in declared
    )
    targets = [n for n in declared if _is_static(n, "targets")]
    if any(n.type == "spread_element" for t in targets for n in descendants(t)):
        return None
    listed = (text(n).strip("\"'`") for t in targets for n in descendants(t, "string"))
    return _Class(names, frozenset(listed))


def _is_static(node: Node, name: str) -> bool:
    called = node.child_by_field_name("name") or node.child_by_field_name("property")
    return text(called) == name and any(child.type == "static" for child in node.children)


def _in_markup(app: Application, path: str, known: dict[str, _Class]) -> Iterator[Loose]:
    source = markup.without_comments(app, path)
    for match in _ACTIONS.finditer(source) if "ction" in source else ():
        for controller, method in _actions(match.group("raw") or match.group("helper") or ""):
            if controller in known and method not in known[controller].methods:
                line = source.count("\n", 0, match.start()) + 1
                yield Loose(f"action {controller}#{method}", place(app.tree, path, line))


def _actions(written: str) -> Iterator[tuple[str, str]]:
    """`click->chat#send keydown.enter->chat#send:prevent`; what is made at run time is left out."""
    for token in written.replace("&gt;", ">").split():
        match = _ACTION.match(token)
        if match is not None and "<%" not in token and "#{" not in token:
            yield match["controller"], match["method"]


def _undeclared(controller: Controller, shown: _Class) -> Iterator[Loose]:
    """`this.inputTarget` without "input" in `static targets`: it is undefined."""
    script: JavaScriptFile = controller.script
    for node in script.of("member_expression"):
        match = _USED_TARGET.fullmatch(text(node)) if "Target" in text(node)[-8:] else None
        if match is None or not _inside(controller.node, node):
            continue
        name = match[2] or match[1][0].lower() + match[1][1:]
        own = f"{name}Target", f"{name}Targets"
        if name not in shown.targets and not shown.methods & set(own) and "Target = " not in script.source:
            yield Loose(f"target {controller.name}.{name}", script.at(node))


def _inside(outer: Node, node: Node) -> bool:
    return outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte
