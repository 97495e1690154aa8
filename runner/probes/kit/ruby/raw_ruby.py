"""Where Ruby and templates put a model's words into a page as HTML, neither escaped nor sanitised.

Follows local variables, parameters to their call sites and the application's own methods, a few steps deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.files.application import Application
from runner.probes.kit.ruby.classes import Method
from runner.probes.kit.ruby.paths import is_test
from runner.probes.kit.ruby.syntax import (
    ASSIGNMENTS,
    METHODS,
    Call,
    RubyFile,
    constant_path,
    descendants,
    literal,
    statements,
    text,
)

Seen = set[tuple[str, int, int] | None]
_MAX_STEPS = 200
_BRANCHING = ("if", "unless", "case", "begin")
_BRANCHES = ("then", "else", "elsif", "when", "body_statement")
_SILENT = ("constant", "scope_resolution", "simple_symbol", "comment", *METHODS)
_ESCAPING_NAMES = """
    sanitize h html_escape html_escape_once escape_once escapeHTML escape_html strip_tags fragment
    scrub! simple_format content_tag tag link_to button_to image_tag render render_to_string capture
    content_for dom_id dom_class t translate l time_tag safe_join to_json json_escape form_with
    turbo_stream_from turbo_frame_tag url_for clean sanitize_html truncate_html truncate highlight
    mail_to to_i to_f size
"""
_PASSING_NAMES = """
    to_s to_str strip gsub sub tr squish presence html_safe join map lines split dup chomp concat then
    tap first last [] << fetch dig force_encoding scrub to_html convert parse render_html call new
    encode unicode_normalize freeze +
"""
_ESCAPING = frozenset(_ESCAPING_NAMES.split())
_PASSING = frozenset(_PASSING_NAMES.split())
_ACCESSORS = frozenset(
    ("content", "body", "text", "reply", "answer", "response", "completion", "markdown", "assistant_reply")
)
_NAMES = re.compile(
    r"@?(?:\w+_)?(?:content|message|reply|response|answer|text|body|chunk|delta|markdown|completion|output|buffer)(?:_text|_content|_body)?$"
)
_SAFE_MARKDOWN = re.compile(
    r"(?:filter_html|escape_html)\b(?!\s*[:=]>?\s*false)|Redcarpet::Render::Safe|Render::Safe\b|\.escape_html"
)
_COMMONMARKER = re.compile(r"Common[mM]arker")
_UNSAFE_OPTION = re.compile(r"unsafe:\s*true|:?UNSAFE\b")
_UNESCAPED_ERB = re.compile(r"<%==(.*?)(-?%>|\Z)", re.DOTALL)
_HAML_RAW = re.compile(r"^\s*(?:[%.#][\w.#%-]*)?!=\s*(.+)|^\s*==\s*(.+)")
_MARKUP = re.compile(r"<(?:turbo-stream|template|div|span|p|li|article|section|pre)\b")
_TEXT_METHODS = ("to_s", "strip", "gsub", "squish", "html_safe", "join", "to_html", "chomp", "truncate")
_TEMPLATE_OPTIONS = ("partial", "template", "inline", "locals", "layout")
_STREAM_ACTIONS = re.compile(r"(?:append|prepend|replace|update|before|after)(?:_all)?$")
_BROADCAST = re.compile(r"broadcast_\w+$")


class RawOutput:
    """All places of an application where unescaped words of the model may reach a page."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._code = app.code
        self._files = [self._as_calls(file) for file in app.ruby("app/*", "lib/*") if not is_test(file.path)]
        self._safe_files: dict[str, bool] = {}
        self._by_name: dict[str, dict[str, list[Node]]] = {}
        self._calls: dict[str, list[Call]] = {}
        for file in self._files:
            for call in file.calls:
                self._calls.setdefault(call.name, []).append(call)

    def places(self) -> list[Location]:
        """In the order of files; a place is where the words are let through."""
        found = [
            self._app.at(file, node)
            for file in self._files
            for node, value in (*self._sinks(file), *self._written_markup(file))
            if self._exposed(file, value, set()) and not _renders_safely(file, node, self._safe_files)
        ]
        return found + self._haml()

    def _as_calls(self, file: RubyFile) -> RubyFile:
        """The file with `<%== x %>` written as `<%= raw(x) %>`."""
        source = self._app.tree.text(file.path) or ""
        if "<%==" not in source:
            return file
        return RubyFile(
            file.path,
            _UNESCAPED_ERB.sub(lambda m: f"<%= raw({m.group(1)}) {m.group(2)}", source),
            self._code.budget,
        )

    def _sinks(self, file: RubyFile) -> Iterator[tuple[Node, Node]]:
        """Calls that let HTML through, each with what they let through."""
        for call in file.calls:
            if call.name == "html_safe" and call.receiver is not None:
                yield call.node, call.receiver
            elif (call.name == "raw" and call.positional) or (
                text(call.keyword("sanitize")) == "false" and call.positional
            ):
                yield call.node, call.positional[0]
            elif _BROADCAST.match(call.name):
                yield from ((call.node, v) for k, v in call.keywords if k in ("html", "content"))
            elif _STREAM_ACTIONS.match(call.name) and text(call.receiver) == "turbo_stream":
                contents = call.positional[1:2]
                yield from ((call.node, c) for c in contents if not self._is_record(file, c))

    def _is_record(self, file: RubyFile, content: Node) -> bool:
        """Whether Turbo draws a stream's content by its partial: a variable that no text is put into."""
        if content.type not in ("identifier", "instance_variable"):
            return False
        name = text(content)
        files = [file] if content.type == "identifier" else self._setting.get(name, [])
        assigned = [(f, part) for f in files for part in self._assigned(f).get(name, [])]
        values = [(f, part.child_by_field_name("right")) for f, part in assigned]
        return bool(values) and not any(self._is_text(f, value) for f, value in values)

    def _assigned(self, file: RubyFile) -> dict[str, list[Node]]:
        """The assignments of a file by what they set, in source order."""
        if file.path not in self._by_name:
            by_name = self._by_name[file.path] = {}
            for part in file.of(*ASSIGNMENTS):
                by_name.setdefault(text(part.child_by_field_name("left")), []).append(part)
        return self._by_name[file.path]

    @cached_property
    def _setting(self) -> dict[str, list[RubyFile]]:
        """The files that set a name."""
        found: dict[str, list[RubyFile]] = {}
        for file in self._files:
            for name in self._assigned(file):
                found.setdefault(name, []).append(file)
        return found

    def _is_text(self, file: RubyFile, value: Node | None, depth: int = 4) -> bool:
        """Whether an expression is known to be a text, in a method's result too."""
        if value is None or depth == 0 or "string" in value.type:
            return value is not None and "string" in value.type
        call = file.call(value)
        if call is None:
            parts = self._set_to(file, value) if value.type == "identifier" else value.named_children
            return any(self._is_text(file, part, depth - 1) for part in parts)
        if call.name in (*_ACCESSORS, *_ESCAPING, *_TEXT_METHODS) or _is_markdown(call):
            return True
        if call.name in ("[]", "dig", "fetch") and any(literal(p) in _ACCESSORS for p in call.positional):
            return True
        own = self._own(file, call)
        return own is not None and any(self._is_text(own.file, v, depth - 1) for v in _returned(own))

    def _written_markup(self, file: RubyFile) -> Iterator[tuple[Node, Node]]:
        """Strings of markup with something put into them, outside templates."""
        if file.path.endswith(".erb"):
            return
        for value, node in file.strings:
            if _MARKUP.search(value) and not _is_prompt(node):
                yield from ((node, part) for part in node.named_children if part.type == "interpolation")

    def _exposed(self, file: RubyFile, node: Node | None, seen: Seen) -> bool:
        """Whether the model's words can reach a page through an expression."""
        waiting = [node]
        while waiting:
            current = waiting.pop()
            key = (file.path, current.start_byte, current.end_byte) if current is not None else None
            if current is None or key in seen or len(seen) > _MAX_STEPS or current.type in _SILENT:
                continue
            seen.add(key)
            call = file.call(current)
            if current.type in ("identifier", "instance_variable"):
                if self._variable(file, current, seen):
                    return True
            elif call is not None:
                if self._called(file, call, seen):
                    return True
            else:
                waiting += current.named_children
        return False

    def _called(self, file: RubyFile, call: Call, seen: Seen) -> bool:
        given = (*call.positional, *(value for _, value in call.keywords))
        if call.name in _ESCAPING and text(call.keyword("sanitize")) != "false" and not _is_markdown(call):
            return False
        if call.name in _ACCESSORS and call.receiver is not None and not given:
            return True
        if call.name == "[]" and any(literal(key) in _ACCESSORS for key in given):
            return True
        own = self._own(file, call)
        if own is not None:
            exposed = any(self._exposed(own.file, part, seen) for part in _returned(own))
            return exposed and not _renders_safely(own.file, own.node, self._safe_files)
        if call.name in ("[]", "fetch", "dig"):  # a key is looked up, not put out
            given = given[1:] if call.name == "fetch" else ()
        inner = given if call.receiver is None or constant_path(call.receiver) else (call.receiver, *given)
        if call.receiver is not None and call.name not in _PASSING and not _is_markdown(call):
            return False
        body = statements(call.block.child_by_field_name("body")) if call.block is not None else []
        return any(self._exposed(file, part, seen) for part in (*inner, *body[-1:]))

    def _set_to(self, file: RubyFile, variable: Node) -> list[Node | None]:
        """What a local variable is set to in its method."""
        around = file.enclosing(variable, *METHODS) or file.root
        sets = (part for part in descendants(around, *ASSIGNMENTS) if part.end_byte <= variable.start_byte)
        return [
            part.child_by_field_name("right")
            for part in sets
            if text(part.child_by_field_name("left")) == text(variable)
        ]

    def _own(self, file: RubyFile, call: Call) -> Method | None:
        """The application's own method that a call reaches, by class or by a name only it has."""
        owner = self._code.resolve(constant_path(call.receiver) or "") if call.receiver is not None else None
        if owner is not None:
            return self._code.find_method(owner, call.name, True) or self._code.find_method(
                owner, call.name, False
            )
        named = self._code.methods_named(call.name)
        return named[0] if len(named) == 1 else None

    def _variable(self, file: RubyFile, node: Node, seen: Seen) -> bool:
        """A variable is what was assigned to it, a parameter what callers give, else what its name says."""
        name = text(node)
        around = file.enclosing(node, *METHODS, "program") or file.root
        assigned = self._assigned(file).get(name, [])
        self._code.budget.spend(1 + len(assigned))
        values = [
            part.child_by_field_name("right")
            for part in assigned
            if part.start_byte < node.start_byte
            and (name.startswith("@") or around.start_byte <= part.start_byte <= around.end_byte)
        ]
        if values:
            return any(self._exposed(file, value, seen) for value in values)
        method = self._code.method_of(file, node) if file.path.endswith(".rb") else None
        if method is not None and any(p.name == name for p in method.parameters):
            return self._parameter(method, name, seen)
        own = [m for m in self._code.methods_named(name) if not m.parameters]
        if len(own) == 1 and node.type == "identifier":
            return any(self._exposed(own[0].file, part, seen) for part in _returned(own[0]))
        return _NAMES.match(name) is not None

    def _parameter(self, method: Method, name: str, seen: Seen) -> bool:
        """What is given for a parameter wherever the method is called; its name when nothing calls it."""
        positions = [p.name for p in method.parameters if p.kind in ("required", "optional")]
        callee = "new" if method.name == "initialize" else method.name
        given = []
        for call in self._calls.get(callee, []):
            keyword = call.keyword(name)
            if keyword is not None:
                given.append((call.file, keyword))
            elif name in positions and positions.index(name) < len(call.positional):
                given.append((call.file, call.positional[positions.index(name)]))
        if not given:
            return _NAMES.match(name) is not None
        return any(self._exposed(file, node, seen) for file, node in given)

    def _haml(self) -> list[Location]:
        places = self._app.matches(_HAML_RAW, "app/views/*.haml", "app/views/*.slim")
        return [
            p
            for p in places
            if re.search(r"\.(?:content|body|reply|text)\b", p.text or "")
            and "sanitize" not in (p.text or "")
        ]


def _returned(method: Method) -> list[Node]:
    """What a method may give back: its last statement, or that of each branch, and what `return` names."""
    waiting, found = method.body[-1:], []
    while waiting:
        node = waiting.pop()
        inner = [part for part in node.named_children if part.type in _BRANCHES] or statements(node)[-1:]
        if node.type in (*_BRANCHING, *_BRANCHES) and node not in inner:
            waiting += inner
        else:
            found.append(node)
    return found + list(descendants(method.node, "return"))


def _is_prompt(node: Node) -> bool:
    """Whether a heredoc is instructions for a model, by its mark: `<<~PROMPT`."""
    mark = node.named_children[-1] if node.type == "heredoc_body" and node.named_children else None
    return mark is not None and re.search(r"PROMPT|INSTRUCTION|SYSTEM", text(mark)) is not None


def _is_markdown(call: Call) -> bool:
    """`Redcarpet::Markdown.new(...).render(x)`, `Kramdown::Document.new(x).to_html`, `markdown.render(x)`."""
    written = text(call.receiver)
    if any(call.keyword(name) is not None for name in _TEMPLATE_OPTIONS):
        return False
    return (
        call.name in ("render", "to_html", "parse", "convert")
        and re.search(r"(?i)markdown|kramdown|renderer|rdiscount|parser", written) is not None
    )


def _renders_safely(file: RubyFile, node: Node, safe_files: dict[str, bool]) -> bool:
    """Whether a Markdown renderer beside the place drops or escapes HTML by its options."""
    method = file.enclosing(node, *METHODS) if node.type not in METHODS else node
    if file.path not in safe_files:
        safe_files[file.path] = _SAFE_MARKDOWN.search("\n".join(file.lines)) is not None
    if safe_files[file.path]:
        return True
    if _COMMONMARKER.search(text(method or node)) is None:
        return False
    return not _UNSAFE_OPTION.search("\n".join(file.lines))
