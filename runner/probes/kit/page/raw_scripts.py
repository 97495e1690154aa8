"""Where scripts put a model's words into a page as HTML, neither escaped nor sanitised.

Follows variables, parameters to their call sites in the same file, and the file's own functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.page import dom
from runner.probes.kit.page.javascript import JavaScriptFile, arguments, callee
from runner.probes.kit.ruby.syntax import descendants, text

Seen = set[int]
_MAX_STEPS = 200
_ESCAPING = re.compile(r"escape|sanitiz|encode|purify|stripTags|\.text$|highlight(?:Auto)?$", re.IGNORECASE)
_ESCAPES = re.compile(r"&lt;|textContent\s*=|createTextNode|innerText\s*=|DOMPurify|sanitize", re.IGNORECASE)
_WORDS = re.compile(
    r"(?:\w*_)?(?:content|message|reply|response|answer|text|body|delta|chunk|data|markdown|output|buffer|token)$|\w*(?:Content|Message|Reply|Answer|Text|Chunk|Buffer)$"
)
_LABELS = re.compile(
    r"(?:loading|saving|sending|pending|busy|confirm|cancel|submit|copy|copied|success|button|label|original|default"
    r"|placeholder|empty|tooltip|hint|disabled)_?(?:text|content|message|body)$",
    re.IGNORECASE,
)
_WIDGETS = re.compile(
    r"toast|flash|snackbar|notif|confirm|dialog|modal|tooltip|popover|clipboard|copy|alert|loading|spinner|dropdown",
    re.IGNORECASE,
)
_FRAGMENT = re.compile(r"(?:template\w*|meta|tag)\.content$", re.IGNORECASE)
_FUNCTIONS = ("function_declaration", "method_definition", "arrow_function", "function_expression")
_SELF = ("this", "this.constructor")
_MARKDOWN_IT = re.compile(r"markdown-?it", re.IGNORECASE)
_HTML_ON = re.compile(r"html\s*:\s*true")


def places(scripts: list[JavaScriptFile]) -> list[Location]:
    """The writes of unescaped words, in the order of files."""
    return [
        script.at(write.node)
        for script in scripts
        for write in dom.writes(script)
        if write.html and _exposed(script, write.value, set())
    ]


def _exposed(script: JavaScriptFile, node: Node | None, seen: Seen) -> bool:
    """Whether words that are not escaped can be in the value of an expression."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current is None or current.id in seen or len(seen) > _MAX_STEPS or dom.is_constant(current):
            continue
        seen.add(current.id)
        judge = _JUDGES.get(current.type)
        if judge is None:
            waiting += current.named_children
        elif judge(script, current, seen):
            return True
    return False


def _member(script: JavaScriptFile, node: Node, seen: Seen) -> bool:
    """A property is what was assigned to it, else what its name says; a Stimulus value by its own name."""
    name = text(node.child_by_field_name("property")).removesuffix("Value")
    values = script.assigned(text(node)) or _declared(script, node)
    if values:
        return any(_exposed(script, value, seen) for value in values)
    return _says_words(script, name) and not _FRAGMENT.search(text(node))


def _declared(script: JavaScriptFile, node: Node) -> list[Node]:
    """What a property is declared with: a field, a getter, a key of a literal object, a value's default."""
    owner, name = text(node.child_by_field_name("object")), text(node.child_by_field_name("property"))
    if owner not in _SELF:
        objects = [value for value in script.assigned(owner) if value.type == "object"]
        return [v for item in objects for v in [_of_key(item, name)] if v is not None]
    fields = [f for f in script.of("field_definition") if text(f.child_by_field_name("property")) == name]
    found = [value for f in fields if (value := f.child_by_field_name("value")) is not None]
    getters = [f for f in script.of("method_definition") if _is_getter(f) and _name(script, f) == name]
    return found + [part for f in getters for part in _returned(f)] + _defaults(script, name)


def _of_key(item: Node, name: str) -> Node | None:
    pairs = (part for part in item.named_children if part.type == "pair")
    named = (p for p in pairs if text(p.child_by_field_name("key")).strip("\"'") == name)
    return next((p.child_by_field_name("value") for p in named), None)


def _defaults(script: JavaScriptFile, name: str) -> list[Node]:
    """A Stimulus value's default, if it has words: one that is empty is filled from elsewhere."""
    found = []
    for field in script.of("field_definition") if name.endswith("Value") else ():
        declared = field.child_by_field_name("value")
        if text(field.child_by_field_name("property")) == "values" and declared is not None:
            value = _of_key(declared, name.removesuffix("Value"))
            default = None if value is None or value.type != "object" else _of_key(value, "default")
            found += [] if default is None or len(text(default)) <= len("''") else [default]
    return found


def _is_getter(function: Node) -> bool:
    return any(child.type == "get" for child in function.children)


def _returned(function: Node) -> list[Node]:
    """What a function gives back: what `return` names, or an arrow's expression."""
    body = function.child_by_field_name("body")
    if body is not None and body.type != "statement_block":
        return [body]
    return [part for node in descendants(function, "return_statement") for part in node.named_children]


def _ternary(script: JavaScriptFile, node: Node, seen: Seen) -> bool:
    branches = (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
    return any(_exposed(script, branch, seen) for branch in branches)


def _called(script: JavaScriptFile, call: Node, seen: Seen) -> bool:
    called = callee(call)
    if _ESCAPING.search(called) or "&lt;" in text(call):
        return False
    if called.endswith(".json"):
        return True
    if (
        called.endswith(".render")
        and _MARKDOWN_IT.search(script.source)
        and not _HTML_ON.search(script.source)
    ):
        return False
    own = _function(script, called.rpartition(".")[2])
    if own is not None and _ESCAPES.search(text(own)):
        return False
    if own is not None:
        return any(_exposed(script, part, seen) for part in _returned(own))
    function = call.child_by_field_name("function")
    receiver = function.child_by_field_name("object") if function is not None else None
    parts = [*arguments(call), *([receiver] if receiver is not None else [])]
    return any(_exposed(script, part, seen) for part in parts)


def _variable(script: JavaScriptFile, node: Node, seen: Seen) -> bool:
    """A variable is what was assigned to it, a parameter what callers give, else what its name says."""
    name = text(node)
    for declared in script.of("variable_declarator"):
        pattern, value = declared.child_by_field_name("name"), declared.child_by_field_name("value")
        if (
            pattern is not None
            and pattern.type == "object_pattern"
            and name in re.split(r"\W+", text(pattern))
        ):
            return ".json()" in text(value) and _says_words(script, name)
    values = [value for value in script.assigned(name) if value != node]
    if values:
        return any(_exposed(script, value, seen) for value in values)
    for function in (a for a in script.ancestors(node) if a.type in _FUNCTIONS):
        names = _parameters(function)
        if name in names:
            return _parameter(script, function, name, names.index(name), seen)
    return _says_words(script, name)


def _parameter(script: JavaScriptFile, function: Node, name: str, position: int, seen: Seen) -> bool:
    known_as = _name(script, function)
    calls = [(script, call) for called, call in script.calls if known_as and called == known_as]
    calls += script.called_elsewhere(known_as) if known_as and _is_offered(script, function) else []
    given = [(where, arguments(call)) for where, call in calls]
    values = [(where, values[position]) for where, values in given if len(values) > position]
    if any(len(one) <= position for _, one in given) or not values:
        values += [(script, value) for value in _default(function, position)]
    if not values:
        return _says_words(script, name) and not _walks_constants(script, function)
    return any(_exposed(where, value, seen) for where, value in values)


def _is_offered(script: JavaScriptFile, function: Node) -> bool:
    """Whether other scripts may call it: it is exported, or a method of a class."""
    around = {node.type for node in script.ancestors(function)}
    return not around.isdisjoint(("export_statement", "class_body"))


def _says_words(script: JavaScriptFile, name: str) -> bool:
    """Whether a name of which no more is known stands for the model's words: not what a toast or a dialog is
    given that asks no server, nor the label of a button."""
    if _WORDS.match(name) is None or _LABELS.match(name):
        return False
    return not _WIDGETS.search(script.path.rpartition("/")[2]) or dom.talks_to_server(script)


def _default(function: Node, position: int) -> list[Node]:
    listed = function.child_by_field_name("parameters")
    given = [] if listed is None else [n for n in listed.named_children if n.type != "comment"]
    right = given[position].child_by_field_name("right") if len(given) > position else None
    return [] if right is None else [right]


def _walks_constants(script: JavaScriptFile, function: Node) -> bool:
    """Whether it is handed to a list of literals: `["a", "b"].map((text) => ...)`."""
    call = next((a for a in script.ancestors(function) if a.type == "call_expression"), None)
    called = None if call is None else call.child_by_field_name("function")
    receiver = None if called is None else called.child_by_field_name("object")
    if call is None or receiver is None or function not in arguments(call):
        return False
    lists = [receiver] if receiver.type == "array" else script.assigned(text(receiver))
    return bool(lists) and all(
        one.type == "array" and all(dom.is_constant(part) for part in one.named_children) for one in lists
    )


def _parameters(function: Node) -> list[str]:
    listed = function.child_by_field_name("parameters") or function.child_by_field_name("parameter")
    if listed is None:
        return []
    if listed.type == "identifier":
        return [text(listed)]
    return [re.split(r"\s*=", text(node))[0] for node in listed.named_children if node.type != "comment"]


def _name(script: JavaScriptFile, function: Node) -> str:
    own = text(function.child_by_field_name("name"))
    parent = next(script.ancestors(function), None)
    if own or parent is None:
        return own
    return text(parent.child_by_field_name("name") or parent.child_by_field_name("property"))


def _function(script: JavaScriptFile, name: str) -> Node | None:
    return next((f for f in script.of(*_FUNCTIONS) if name and _name(script, f) == name), None)


def _made(script: JavaScriptFile, node: Node, seen: Seen) -> bool:
    """`new Bubble(text)`: by what it is made from, whatever the class is called."""
    return any(_exposed(script, part, seen) for part in arguments(node))


_JUDGES: dict[str, Callable[[JavaScriptFile, Node, Seen], bool]] = {
    "identifier": _variable,
    "member_expression": _member,
    "call_expression": _called,
    "new_expression": _made,
    "ternary_expression": _ternary,
}
