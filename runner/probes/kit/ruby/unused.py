"""Methods and classes of an application that nothing in its repository names.

A name counts as used wherever it stands in code: as a call, a symbol, a word of a string, in a template or a
script, in a test. Only names that stand nowhere but in their own definition are unused, and none that a
framework, a library or Ruby itself may call.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from runner.core.records import Location
from runner.probes.kit.files.application import Application
from runner.probes.kit.ruby.classes import Method, RubyClass
from runner.probes.kit.ruby.paths import in_area, is_test
from runner.probes.kit.ruby.syntax import METHODS, Call, constant_path, descendants, literal, text

_WORD = re.compile(r"[A-Za-z_]\w*[?!]?")
_NAMED = re.compile(r"(?<![@$\w])[A-Za-z_]\w*(?:[?!](?!=))?")  # no variable of an object, class or process
_OTHER_CODE = re.compile(
    r"\.(?:haml|slim|builder|ya?ml|json|m?js|jsx|tsx?|vue|html|sh|rabl|arb|ruby|md\.erb)$|(?:^|/)(?:bin|script|exe)/"
    r"|(?:^|/)(?:Dockerfile|Procfile|Makefile|Guardfile|Capfile)[^/]*$"
)
_MAX_CHARS = 300_000
_CALLED_BY_OTHERS = re.compile(
    r"initialize\w*|call|perform\w*|execute|each|to_\w+|as_\w+|on_\w+|before_\w+|after_\w+|around_\w+|inspect|hash|eql\?|coerce"
    r"|method_missing|respond_to_missing\?|included|extended|inherited|prepended|method_added|const_missing"
    r"|encode|decode|dump|load|read|write|close|flush|subscribed|unsubscribed|received?|handle|process\w*|halt"
    r"|index|show|new|edit|create|update|destroy|default_url_options|url_options|append_info_to_payload"
    r"|current_user|current_ability|pundit_user|verified_request\?|handle_unverified_request|devise_\w+|\w+_for_paper_trail"
    r"|default_render|render_\w*|redirect_to|rescue_with_handler|authenticate\w*|serialize\w*|deserialize\w*"
    r"|persisted\?|new_record\?|marked_for_destruction\?|model_name|param_key|attributes\w*|read_attribute\w*|validate\w*|valid\?"
    r"|id|name|message|full_message|backtrace|ransackable_\w+|searchable_\w+|friendly_id\w*|should_\w+|cache_key\w*|cache_version"
    r"|find_by_\w+|skip_\w+|html_safe\?|members|size|length|count|empty\?|key\?|deconstruct\w*|polymorphic_\w+|base_class\w*"
    r"|table_name\w*|primary_key|sti_\w+|attribute_names_for_\w+|serializable_\w+|route_key|default_scope|i18n_scope"
    r"|instructions|parameters|description|tools|configure\w*|build_\w+|compute_\w+|resolve\w*|logger|log|format_message"
)
_OPEN_BASES = re.compile(
    r"(?:::)?(?:Application(?:Controller|Record|Job|Model|Service)|ActionController::(?:Base|API)|ActiveRecord::Base"
    r"|ActiveJob::Base|Object|BasicObject)$"
)
_OPEN_MODULES = re.compile(
    r"(?:::)?(?:Active(?:Model|Support)|ActionView|ActionController|ERB|Singleton|Kernel|Rails)\b"
)
_DISPATCH = ("send", "public_send", "__send__", "try", "try!", "method", "public_method", "instance_method")
_EVALUATING = ("eval", "instance_eval", "class_eval", "module_eval")
_LISTING = ("instance_methods", "public_instance_methods", "private_instance_methods", "methods", "constants")
_LOADING = ("constantize", "safe_constantize", "const_get", "descendants", "subclasses")
_PATCHES = re.compile(
    r"(?:^|/)(?:\w*_ext|extensions?|monkey_?patch\w*|patches|overrides|decorators|generators|templates)(?:/|$)"
)
_GEMS = re.compile(
    r"(?:Action(?:Text|View|Cable|Mailer|Controller|Dispatch|Mailbox)|Active(?:Storage|Record|Model|Support|Job)|Rails|Turbo"
    r"|RubyLLM|Devise|Faraday|Rack|Object|Kernel|Module|Class|String|Symbol|Hash|Array|Integer|Float|Numeric|NilClass"
    r"|Time|Date|DateTime|Enumerable|Logger|IRB|Net|ERB|CGI|URI|JSON|YAML)(?:::|$)"
)
_PLAIN_FOLDERS = ("app/services", "app/clients", "app/queries", "app/presenters", "app/lib", "app/models")


@dataclass(frozen=True)
class Unused:
    """Something that nothing names; `sure` is false where code may reach it by a name made at run time."""

    title: str
    where: Location
    sure: bool


class Usage:
    """Where the words of a repository stand."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._code = app.code
        library = any("/" not in path.removeprefix(app.folder) for path in app.glob("*.gemspec"))
        own = app.ruby("app/*.rb", *([] if library else ["lib/*.rb"]))
        self._files = [f for f in own if not is_test(f.path) and not _PATCHES.search(f.path)]

    def unused(self) -> list[Unused]:
        """Methods and classes, in the order of files; a class stands for its methods."""
        classes = [c for c in self._plain_classes() if self._stands_alone(c)]
        methods = [m for m in self._methods() if m.owner not in classes and self._is_unnamed(m)]
        found = [
            Unused(f"class {c.name}", self._app.at(c.bodies[0][0], c.bodies[0][1]), not self._loads)
            for c in classes
        ]
        return found + [
            Unused(f"method {m.name}", self._app.at(m.file, m.node), not self._dispatches) for m in methods
        ]

    @cached_property
    def _words(self) -> Counter[str]:
        """How often each word stands in the code of the repository, comments and definitions left out."""
        words: Counter[str] = Counter()
        for file in self._code.files.values():
            words.update(_NAMED.findall(file.without_comments()))
            for node in file.of(*METHODS):
                words[text(node.child_by_field_name("name"))] -= 1
        for path in self._app.tree:
            if path not in self._code.files and _OTHER_CODE.search(path) and "node_modules/" not in path:
                words.update(_WORD.findall((self._app.tree.text(path) or "")[:_MAX_CHARS]))
        return words

    def _methods(self) -> Iterator[Method]:
        own = {file.path for file in self._files}
        for method in self._code.methods:
            if (
                method.file.path in own
                and method.node.type in METHODS
                and _WORD.fullmatch(method.name.removesuffix("="))
                and not _CALLED_BY_OTHERS.fullmatch(method.name.removesuffix("="))
                and self._is_closed(method.owner)
            ):
                yield method

    def _is_closed(self, owner: RubyClass) -> bool:
        """Whether only the application calls what a class defines: no unknown library stands above it."""
        for above in self._code.lineage(owner):
            foreign = [above.superclass] if above.superclass is not None else []
            if any(self._code.resolve(n, above) is None and not _OPEN_BASES.match(n) for n in foreign):
                return False
            if any(
                self._code.resolve(n, above) is None and not _OPEN_MODULES.match(n) for n in above.includes
            ):
                return False
        return not owner.name.startswith("<") and _GEMS.match(owner.name) is None

    def _is_unnamed(self, method: Method) -> bool:
        """Whether its name stands nowhere but in its own body, and no other class's method passes it on."""
        name = method.name.removesuffix("=")
        wanted = self._words[name] - self._own_mentions(method, name)
        if wanted > 0 or any(True for _ in descendants(method.node, "super")):
            return False
        return not (name.endswith("?") and self._words[name[:-1]] > 0 and self._declares(name))

    def _declares(self, name: str) -> bool:
        """Whether tests ask it by matcher: `be_empty` calls `empty?`."""
        return self._words[f"be_{name[:-1]}"] > 0 or self._words[f"have_{name[:-1]}"] > 0

    def _own_mentions(self, method: Method, name: str) -> int:
        defined = method.node.child_by_field_name("name")
        found = [n for n in method.file.within(method.node, "identifier") if text(n) == name]
        return sum(node != defined for node in found)

    def _plain_classes(self) -> Iterator[RubyClass]:
        """Classes that only a name leads to: no controller, record, job or the like."""
        own = {file.path for file in self._files}
        for owner in self._code.classes.values():
            if owner.name.startswith("<") or len(owner.bodies) != 1 or owner.file.path not in own:
                continue
            in_place = any(in_area(owner.file.path, area) for area in _PLAIN_FOLDERS)
            if in_place and not owner.is_module and owner.superclass is None and owner.methods:
                yield owner

    def _stands_alone(self, owner: RubyClass) -> bool:
        """Whether the class's own name stands only where it is opened, and in its own body."""
        name, (file, body) = owner.name.rsplit("::", maxsplit=1)[-1], owner.bodies[0]
        inside = sum(text(node) == name for node in file.within(body, "constant"))
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        return self._words[name] <= inside and not self._words[snake] and not self._words[f"{snake}s"]

    @cached_property
    def _calls(self) -> list[Call]:
        app = self._app.ruby("app/*", "lib/*", "config/*")
        return [call for file in app if not is_test(file.path) for call in file.calls]

    @cached_property
    def _dispatches(self) -> bool:
        """Whether a method may be called by a name that is made at run time."""
        return any(_is_dynamic(call) for call in self._calls)

    @cached_property
    def _loads(self) -> bool:
        """Whether a class may be looked up by a name that is made at run time."""
        return any(
            call.name in _LOADING and literal(call.receiver or next(iter(call.positional), None)) is None
            for call in self._calls
        )


def _is_dynamic(call: Call) -> bool:
    first = next(iter(call.positional), None)
    if call.name in _DISPATCH:
        named = first is not None and literal(first) is None
        return named and not (call.name == "method" and call.receiver is None and _is_http(first))
    if call.name in _EVALUATING:
        return first is not None or (call.receiver is None and call.name == "eval")
    return call.name in _LISTING and call.receiver is not None and constant_path(call.receiver) != "I18n"


def _is_http(node: Node | None) -> bool:
    return node is not None and node.type == "pair"
