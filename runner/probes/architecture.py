"""Is the code where a Rails developer would look for it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tree_sitter import Node

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.kit.files.application import Application
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.page.unused import Pages
from runner.probes.kit.ruby.budget import within_budget
from runner.probes.kit.ruby.classes import Method, RubyClass
from runner.probes.kit.ruby.copies import LEAST_LINES, code_lines, copied
from runner.probes.kit.ruby.paths import in_area, is_task, is_test
from runner.probes.kit.ruby.syntax import Call, constant_path, text
from runner.probes.kit.ruby.unused import Usage
from runner.probes.kit.verdicts import Verdict, bad, good, moot, unclear

CHECKS = {
    "architecture.service_object": "a service, model or agent calls the provider, not a controller",
    "architecture.thin_controllers": "controller methods are short and leave the work to other objects",
    "architecture.no_invented_wrapper": "no layer around the LLM is invented or without a purpose",
    "architecture.no_copied_methods": "no method of some size stands in the application twice",
    "architecture.no_dead_code": "everything of the application's own is used somewhere",
}
MAX_LINES = 20
_MAX_NAMED = 5


def findings(tree: SourceTree, manifests: Path) -> list[Finding]:
    """One finding per check."""
    use = LlmUse.of(tree, manifests)
    app = Application.of(tree)
    verdicts = {
        "service_object": _service_object(use),
        "thin_controllers": _thin_controllers(use),
        "no_invented_wrapper": _no_invented_wrapper(use),
        "no_copied_methods": _no_copied_methods(app),
        "no_dead_code": _no_dead_code(app),
    }
    return [verdict.of(f"architecture.{name}") for name, verdict in verdicts.items()]


def _at_the_front(call: Call) -> bool:
    """Whether a call stands where a request is answered: in a controller, a view or the routes."""
    path = call.file.path
    return any(in_area(path, a) for a in ("app/controllers", "app/views", "app/helpers")) or path.endswith(
        "routes.rb"
    )


def _service_object(use: LlmUse) -> Verdict:
    calls = use.provider_calls
    if not calls:
        return bad("nothing in the application calls a provider")
    front = [c.location for c in calls if _at_the_front(c)]
    if front:
        return bad("a controller, view or helper talks to the provider itself", front)
    return good("the provider is called by an object of its own", [c.location for c in calls])


def _thin_controllers(use: LlmUse) -> Verdict:
    methods = [
        m
        for m in use.code.methods
        if in_area(m.file.path, "app/controllers") and use.code.is_app_file(m.file)
    ]
    if not methods:
        return moot("there is no controller method")
    long = [m for m in methods if code_lines(m) > MAX_LINES]
    if long:
        worst = max(map(code_lines, long))
        message = f"controller methods of up to {worst} lines of code (more than {MAX_LINES} is too long)"
        return bad(message, [m.file.location(m.node) for m in long], longest=worst)
    busy = [c.location for c in use.provider_calls if in_area(c.file.path, "app/controllers")]
    if busy:
        return bad("a controller builds and sends the model's conversation", busy)
    longest = max(map(code_lines, methods))
    return good(f"no controller method has more than {longest} lines of code", longest=longest)


def _no_invented_wrapper(use: LlmUse) -> Verdict:
    if not use.provider_calls:
        return moot("nothing in the application calls a provider")
    invented = [i.location for i in use.inventions if i.area == "entry"]
    if invented and use.api.complete:
        return bad("the layer around the LLM rests on API that does not exist", invented)
    patched = [c for name, c in use.code.classes.items() if name.split("::")[0] == "RubyLLM" and c.methods]
    if patched:
        return bad("RubyLLM itself is reopened", [c.file.location(c.bodies[0][1]) for c in patched])
    if use.foreign_calls:
        return bad("the provider is called by hand beside the gem", [c.location for c in use.foreign_calls])
    idle = [m.file.location(m.node) for m in _pass_throughs(use)]
    if idle:
        return bad("a class does nothing but hand the call to another one", idle)
    return good("nothing but the application's own purpose stands between it and RubyLLM")


def _pass_throughs(use: LlmUse) -> Iterator[Method]:
    """Only methods of a class that merely forward their arguments to another class that asks."""
    asking = {use.code.owner(c.file, c.node) for c in use.provider_calls}
    for owner in use.code.classes.values():
        own = [m for m in owner.methods if m.name != "initialize"]
        if (
            len(own) != 1
            or owner in asking
            or not use.code.is_app_file(owner.file)
            or _is_framework(owner, use)
        ):
            continue
        method = own[0]
        call = method.file.call(method.body[0]) if len(method.body) == 1 else None
        target = use.kinds.target(call) if call is not None else None
        if call is not None and target is not None and target.owner in asking and _forwards(method, call):
            yield method


def _is_framework(owner: RubyClass, use: LlmUse) -> bool:
    """Whether Rails calls the class: controllers, jobs, channels and helpers have to forward."""
    above = " ".join(use.code.ancestry(owner))
    front = any(
        in_area(owner.file.path, f"app/{a}") for a in ("controllers", "jobs", "channels", "helpers", "views")
    )
    return front or "Controller" in above or "Job" in above


def _forwards(method: Method, call: Call) -> bool:
    names = [p.name for p in method.parameters]
    given: list[Node] = [*call.positional, *(value for _, value in call.keywords)]
    return (
        bool(names)
        and [text(g).rstrip(":") for g in given] == names
        and constant_path(call.receiver) != "RubyLLM"
    )


def _no_copied_methods(app: Application) -> Verdict:
    own = set(app.glob("app/*.rb", "lib/*.rb")) if app.exists else {f.path for f in app.code.app_files}
    methods = [m for m in app.code.methods if m.file.path in own and not is_test(m.file.path)]
    if not methods:
        return moot("the application has no method of its own")
    groups = copied(m for m in methods if not is_task(m.file.path))
    if groups:
        names = ", ".join(dict.fromkeys(group[0].name for group in groups))
        places = [m.file.location(m.node) for group in groups for m in group]
        return bad(f"the same method body stands in more than one place: {names}", places, copied=len(groups))
    return good(f"no method of {LEAST_LINES} lines or more has the body of another one")


def _no_dead_code(app: Application) -> Verdict:
    if not app.exists:
        return moot("there is no Rails application")
    unused = [*Usage(app).unused(), *Pages(app).unused()]
    sure = [u for u in unused if u.sure]
    named = "; ".join(u.title for u in (sure or unused)[:_MAX_NAMED])
    if sure:
        return bad(f"nothing uses {named}", [u.where for u in sure], unused=len(sure))
    if unused:
        message = f"nothing names {named}, but names that are made at run time may lead there"
        return unclear(message, [u.where for u in unused])
    return good("every method, partial and Stimulus controller of its own is named somewhere else")


class ArchitectureProbe:
    """Looks at who does what."""

    id = "architecture"
    version = 6
    needs_lab = False
    checks: Mapping[str, str] = CHECKS

    async def run(self, subject: Subject) -> list[Finding]:
        """Judge the tree."""
        return within_budget(self, subject.tree, lambda: findings(subject.tree, subject.manifests))


PROBE = ArchitectureProbe()
