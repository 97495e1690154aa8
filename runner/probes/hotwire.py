"""How turns reach the page: Turbo Streams, Stimulus, partials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from runner.core.protocols import Subject
from runner.core.records import Finding, Location
from runner.core.tree import SourceTree
from runner.probes.kit.files import gemfile
from runner.probes.kit.files.application import Application
from runner.probes.kit.page import dom, frontend, javascript, markup, stimulus, wiring
from runner.probes.kit.page.javascript import JavaScriptFile
from runner.probes.kit.page.renderings import Renderings
from runner.probes.kit.ruby.budget import within_budget
from runner.probes.kit.ruby.paths import in_area, is_test
from runner.probes.kit.ruby.syntax import Call, RubyFile, is_sent, literal, text
from runner.probes.kit.verdicts import Verdict, bad, good, moot

_MAX_NAMED = 5
_MIME = "text/vnd.turbo-stream.html"
_ACTIONS = re.compile(r"(?:append|prepend|replace|update|before|after|action)(?:_all)?$")
_BROADCAST = re.compile(r"broadcasts(?:_to|_refreshes|_refreshes_to)?$|broadcast_\w+$")
_TAG = re.compile(r"<turbo-stream\b(?!-)")
_SUBSCRIPTION = re.compile(
    r"\bturbo_stream_from\b|<turbo-cable-stream-source|<turbo-stream-source|connectStreamSource"
)
_HELPERS = re.compile(r"(?:^|\.)(?:helpers|view_context|self)$")
_STREAM_TEMPLATES = ("app/views/*.turbo_stream.*", "app/components/*.turbo_stream.*")
_PAGES = ("app/views/*", "app/components/*", "app/helpers/*", "app/javascript/*")
_TURN_NAMES = re.compile(r"message|turn|reply|replies|bubble|exchange|response|answer|assistant")
_TURN_FOLDERS = re.compile(r"(?:^|/)(?:messages|turns|replies|exchanges)/_")
_OTHER_PARTS = re.compile(
    r"/_\w*(?:form|composer|input|prompt|header|footer|sidebar|nav|empty|welcome|notice|flash|error|failure|typing|loading"
    r"|pending|button|spinner|counter|icon)"
)
_TURN_TEXT = re.compile(
    r"\.(?:content|body|reply|rendered_content)\b|\[(?::|[\"'])(?:content|body|text)[\"']?\]"
)
_TURN_RECEIVER = re.compile(
    r"\b(?:\w*(?:message|turn|reply|exchange|answer|response)|msg|entry|m)\.(?:content|body|text)\b"
)
_ROLE = re.compile(r"\brole\b|\buser\?|\bassistant\?")


class _Repository:
    """The application, and its Ruby and scripts without tests."""

    def __init__(self, tree: SourceTree) -> None:
        self.app = Application.of(tree)
        self.ruby = [file for file in self.app.ruby("*.rb", "*.erb") if not is_test(file.path)]
        self.calls = [call for file in self.ruby for call in file.calls]

    @cached_property
    def renderings(self) -> Renderings:
        """What is rendered, and where."""
        return Renderings(self.ruby)

    @cached_property
    def naming(self) -> dict[str, set[str]]:
        """Which files may call a helper of a name: bare, or on something that holds the helpers."""
        found: dict[str, set[str]] = {}
        for file in self.ruby:
            bare = (text(node) for node in file.of("identifier") if not is_sent(file, node))
            sent = (call.name for call in file.calls if _HELPERS.search(text(call.receiver)))
            for name in (*bare, *sent):
                found.setdefault(name, set()).add(file.path)
        return found

    @cached_property
    def scripts(self) -> list[JavaScriptFile]:
        return javascript.own_scripts(self.app)


def _turbo_streams(repository: _Repository) -> Verdict:
    shown = _streamed(repository)
    by_hand = [where for script in repository.scripts for where in _written_by_hand(script)]
    if not shown and by_hand:
        return bad("turns are put into the page by a script of its own, not by Turbo Streams", by_hand)
    if not shown:
        return bad(
            "no turn is shown by Turbo Streams: no stream template, stream response or subscribed broadcast"
        )
    taken_over = [
        w for script in repository.scripts if _posts_itself(script) for w in _written_by_hand(script)
    ]
    if taken_over:
        return bad(
            "a script posts the form itself and writes the answer into the page, past Turbo Streams",
            taken_over,
        )
    if frontend.source_of(repository.app, gemfile.read(repository.app), frontend.TURBO) is None:
        return bad("Turbo Streams are made, but the application has no Turbo to show them", shown)
    return good("turns are shown by Turbo Streams", shown[:3])


def _streamed(repository: _Repository) -> list[Location]:
    """Where turns become stream actions that reach a page."""
    app = repository.app
    templates = [Location(path=path) for path in app.glob(*_STREAM_TEMPLATES) if app.tree.text(path)]
    responses = [call.location for call in repository.calls if _is_response(call)]
    broadcasts = [call.location for call in repository.calls if _BROADCAST.match(call.name)]
    subscribed = app.matches(_SUBSCRIPTION, *_PAGES)
    return templates + responses + (broadcasts if subscribed else []) + _hand_made(repository)


def _is_response(call: Call) -> bool:
    if call.name == "render" and call.keyword("turbo_stream") is not None:
        return True
    return _ACTIONS.match(call.name) is not None and text(call.receiver) in (
        "turbo_stream",
        "helpers.turbo_stream",
    )


def _hand_made(repository: _Repository) -> list[Location]:
    """Stream tags the application writes out itself, if something tells Turbo that they are streams."""
    app, made = repository.app, list[Location]()
    for file in repository.ruby:
        tags = [file.location(node) for value, node in file.strings if _TAG.search(value)]
        tags += [call.location for call in file.calls if _is_tag(call)]
        made += tags if tags and not _is_idle_helper(repository, file) else []
    made += app.matches(_TAG, "app/views/*", "app/components/*")
    return made if made and _is_declared(repository) else []


def _is_idle_helper(repository: _Repository, file: RubyFile) -> bool:
    """Whether a helper offers methods that no other file names."""
    if not in_area(file.path, "app/helpers"):
        return False
    modules = [node.id for node in file.of("module")]
    offered = [
        m for m in file.of("method") if getattr(file.enclosing(m, "module", "class"), "id", 0) in modules
    ]
    own = {text(method.child_by_field_name("name")) for method in offered}
    return not any(repository.naming.get(name, set()) - {file.path} for name in own)


def _is_tag(call: Call) -> bool:
    first = literal(call.positional[0]) if call.positional else None
    return (call.name == "content_tag" and first == "turbo-stream") or (
        call.name == "turbo_stream" and text(call.receiver) == "tag"
    )


def _is_declared(repository: _Repository) -> bool:
    """By the media type, a format, a subscription, or a script that hands them to Turbo."""
    named = (value for file in repository.ruby for value, _ in file.strings)
    symbols = (text(node) for file in repository.ruby for node in file.of("simple_symbol"))
    formats = (call.name == "turbo_stream" and text(call.receiver) == "format" for call in repository.calls)
    return (
        any(_MIME in value for value in named)
        or ":turbo_stream" in symbols
        or any(formats)
        or any(map(_gives_to_turbo, repository.scripts))
        or bool(repository.app.matches(_SUBSCRIPTION, *_PAGES))
    )


def _gives_to_turbo(script: JavaScriptFile) -> bool:
    return any(name in ("renderStreamMessage", "connectStreamSource") for name, _ in script.calls)


def _written_by_hand(script: JavaScriptFile) -> list[Location]:
    """What a script that talks to the server writes into the page, unless Turbo gets the streams."""
    if not dom.talks_to_server(script) or _gives_to_turbo(script) or _MIME in script.source:
        return []
    return [script.at(write.node) for write in dom.writes(script)]


def _posts_itself(script: JavaScriptFile) -> bool:
    names = {name for name, _ in script.calls}
    posts = re.search(r"method\s*:\s*[\"'`](?:POST|post)|axios\.post|\$\.post", script.source) is not None
    return posts and "preventDefault" in names and not names & {"requestSubmit", "submit"}


def _stimulus(repository: _Repository) -> Verdict:
    controllers = stimulus.controllers(repository.scripts)
    connected = markup.stimulus_names(repository.app)
    if not controllers:
        return bad("no Stimulus controller beside the generator's hello_controller.js")
    used = [controller for controller in controllers if controller.name in connected]
    if not used:
        names = ", ".join(controller.name for controller in controllers)
        return bad(f"no markup connects a Stimulus controller: {names}", [c.where for c in controllers])
    places = [used[0].where, connected[used[0].name]]
    return good("a Stimulus controller is connected to markup", places, names=[c.name for c in used])


def _wiring(repository: _Repository) -> Verdict:
    controllers = stimulus.controllers(repository.scripts)
    if not controllers:
        return moot("the application has no Stimulus controller of its own")
    loose = wiring.loose_ends(repository.app, controllers)
    if loose:
        named = "; ".join(dict.fromkeys(end.title for end in loose[:_MAX_NAMED]))
        message = f"actions or targets are named that their Stimulus controllers do not have: {named}"
        return bad(message, [end.where for end in loose], loose=len(loose))
    return good("every action and target that is named is in its Stimulus controller")


def _partials(repository: _Repository) -> Verdict:
    partials = [
        path for path in repository.app.glob("app/views/*") if path.rpartition("/")[2].startswith("_")
    ]
    chatty = [path for path in partials if _is_named_for_turns(path)]
    chatty += [path for path in partials if path not in chatty and _prints_turns(repository.app, path)]
    places = ((path, _rendering(repository, path)) for path in chatty)
    path, where = next(((path, where) for path, where in places if where is not None), ("", None))
    if where is not None:
        return good("messages are rendered by a partial", [Location(path=path), where])
    components = [c.location for c in repository.calls if c.name == "render" and _is_component(c)]
    if components:
        return good("messages are rendered by a component", components[:1])
    if chatty:
        return bad(
            "partials for messages exist, but nothing renders them", [Location(path=path) for path in chatty]
        )
    return bad("no partial renders messages")


def _is_named_for_turns(path: str) -> bool:
    """`messages/_message`, `chats/_turn`; not `messages/_form`."""
    named = _TURN_NAMES.search(path.rpartition("/")[2]) or _TURN_FOLDERS.search(path)
    return named is not None and not _OTHER_PARTS.search(path)


def _prints_turns(app: Application, path: str) -> bool:
    """Whether a partial prints what a turn says: `message.content`, or a role beside a text."""
    source = app.tree.text(path) or ""
    if _OTHER_PARTS.search(path) or not _TURN_TEXT.search(source):
        return False
    return _TURN_RECEIVER.search(source) is not None or _ROLE.search(source) is not None


def _rendering(repository: _Repository, path: str) -> Location | None:
    """Where a partial is rendered: by name, or as what `render @messages` stands for."""
    folder, _, file = path.partition("app/views/")[2].rpartition("/")
    return repository.renderings.of(folder, file.removeprefix("_").partition(".")[0], path)


def _is_component(call: Call) -> bool:
    written = text(call.positional[0]) if call.positional else ""
    return re.match(r"[\w:]*(?:Message|Turn|Reply|Bubble|Chat)\w*(?:::\w+)*\.new\b", written) is not None


class Hotwire:
    """Looks for Turbo Streams, connected Stimulus controllers and partials of messages."""

    id = "hotwire"
    version = 5
    needs_lab = False
    checks: Mapping[str, str] = {
        "hotwire.turbo_streams": "turns are shown by Turbo Streams, not by a script that writes HTML",
        "hotwire.stimulus": "a Stimulus controller exists and is connected to markup",
        "hotwire.stimulus_wiring": "actions in markup and targets in use are in their Stimulus controllers",
        "hotwire.partials": "messages are rendered by partials",
    }

    async def run(self, subject: Subject) -> list[Finding]:
        """One finding per check."""
        return within_budget(self, subject.tree, lambda: findings(subject.tree))


def findings(tree: SourceTree) -> list[Finding]:
    """What the files say."""
    repository = _Repository(tree)
    return [
        _turbo_streams(repository).of("hotwire.turbo_streams"),
        _stimulus(repository).of("hotwire.stimulus"),
        _wiring(repository).of("hotwire.stimulus_wiring"),
        _partials(repository).of("hotwire.partials"),
    ]


PROBE = Hotwire()
