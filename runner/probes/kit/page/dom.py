"""What a script writes into the page: HTML that is parsed, or plain text."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from runner.probes.kit.page.javascript import JavaScriptFile, arguments, callee
from runner.probes.kit.ruby.syntax import descendants, text

_HTML_PROPERTIES = ("innerHTML", "outerHTML", "srcdoc")
_TEXT_PROPERTIES = ("textContent", "innerText", "nodeValue")
_HTML_CALLS = ("createContextualFragment", "setHTMLUnsafe")
_HTML_CALLS_OF = {"write": ("document.",), "writeln": ("document.",), "html": ("$", "jQuery")}
_TRANSPORTS = ("fetch", "EventSource", "XMLHttpRequest", "WebSocket")
_LITERALS = ("string", "number", "null", "undefined", "true", "false")


@dataclass(frozen=True)
class Write:
    """One place where a script writes `value` into the page."""

    node: Node
    value: Node
    html: bool


def writes(script: JavaScriptFile) -> list[Write]:
    """All writes of something that is not constant, in source order."""
    found = [*_assigned(script), *_called(script), *_rendered(script)]
    return sorted((w for w in found if not is_constant(w.value)), key=lambda write: write.node.start_byte)


def is_constant(value: Node) -> bool:
    """A literal: a string, or a template without substitutions."""
    if value.type == "template_string":
        return not any(True for _ in descendants(value, "template_substitution"))
    return value.type in _LITERALS


def talks_to_server(script: JavaScriptFile) -> bool:
    """Whether it makes requests or opens streams itself."""
    called = any(
        name in _TRANSPORTS or callee(call).startswith(("axios", "$.", "jQuery."))
        for name, call in script.calls
    )
    return called or any(
        text(n.child_by_field_name("constructor")) in _TRANSPORTS for n in script.of("new_expression")
    )


def _assigned(script: JavaScriptFile) -> list[Write]:
    found = []
    for node in script.of("assignment_expression", "augmented_assignment_expression"):
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        name = "" if left is None else text(left.child_by_field_name("property"))
        if right is not None and name in (*_HTML_PROPERTIES, *_TEXT_PROPERTIES):
            found.append(Write(node, right, name in _HTML_PROPERTIES))
    return found


def _called(script: JavaScriptFile) -> list[Write]:
    found = []
    for name, call in script.calls:
        given = arguments(call)
        if name == "insertAdjacentHTML" and len(given) > 1:
            found.append(Write(call, given[1], True))
        elif given and _is_html_call(name, callee(call)):
            found.append(Write(call, given[0], True))
    return found


def _is_html_call(name: str, called: str) -> bool:
    if name in _HTML_CALLS_OF:
        return called.startswith(_HTML_CALLS_OF[name])
    return name in _HTML_CALLS


def _rendered(script: JavaScriptFile) -> list[Write]:
    """React's `dangerouslySetInnerHTML={{ __html: value }}`."""
    found = []
    for node in script.of("pair"):
        value = node.child_by_field_name("value")
        if text(node.child_by_field_name("key")).strip("\"'") == "__html" and value is not None:
            found.append(Write(node, value, True))
    return found
