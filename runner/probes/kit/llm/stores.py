"""Where an application keeps its conversation between requests, and whether it bounds what it keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from runner.core.records import Location
from runner.core.tree import SourceTree
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.ruby.paths import in_area
from runner.probes.kit.ruby.syntax import (
    ASSIGNMENTS,
    Call,
    RubyFile,
    constant_path,
    descendants,
    literal,
    text,
)

CONVERSATION = re.compile(
    r"chat|convers|message|histor|(?<!re)turn|transcript|thread|dialog|exchange|session_store", re.I
)
_IDENTIFIER = re.compile(r"(_id|id|uuid|token|title|model|name|key|count)$", re.I)
_ID_VALUE = re.compile(r"SecureRandom|uuid|\.id$|session\.id|to_param", re.I)
_COLLECTION = re.compile(
    r"(\{\}|\[\]|Hash\.new.*|Array\.new.*|Concurrent::(Map|Hash|Array)\.new.*|Set\.new|Hash\.new\s*\{.*)",
    re.S,
)
_REDIS = re.compile(r"rpush|lpush|set|setex|hset|hmset|sadd|zadd|append|xadd|mset")
_LIST = re.compile(r"^\[|\+\s*\[|\.(?:last|first|take|map|push|to_a|as_json)\b")
_PATH = re.compile(r"(^|[@_.])(path|pathname|file)(\(.*\))?$", re.S)
_HOMES = ("app", "lib", "config/initializers")
_LISTS = re.compile(r"kept|entries|items|list|log|stored|all|pairs|\+")
_WRITES = ("write", "fetch", "write_multi", "fetch_multi")
_DECLARING = ("mattr_accessor", "cattr_accessor", "class_attribute")
_WRITING = frozenset((*_WRITES, *_DECLARING, "new", "open", "binwrite", "atomic_write"))
_LOCAL_STORES = ("memory_store", "null_store")


@dataclass(frozen=True)
class Kept:
    """One place where the conversation is kept: session, cache, file, database, redis, process or page.

    `detail` names the cache store. `local`: whether another process cannot see it.
    """

    medium: str
    location: Location
    detail: str = ""

    @property
    def local(self) -> bool:
        """Whether it dies with its process and is unknown to the next one."""
        return self.medium == "process" or self.detail == "memory_store"

    @property
    def lost(self) -> bool:
        """Whether it is thrown away at once."""
        return self.detail == "null_store"


def environment(tree: SourceTree) -> str:
    """The Rails environment that runs: the compose file's, else the Dockerfile's, else production."""
    return tree.derived("rails environment", lambda: _environment(tree))


def _environment(tree: SourceTree) -> str:
    for pattern in ("*compose*.y*ml", "*Dockerfile*"):
        for path in tree.glob(pattern):
            match = re.search(r"RAILS_ENV[\"']?\s*[:=]\s*[\"']?(\w+)", tree.text(path) or "")
            if match:
                return match[1]
    return "production"


def cache_stores(use: LlmUse) -> list[str]:
    """The cache store of each of Rails' environments, e.g. `production: solid_cache_store`."""
    return [f"{name}: {cache_store(use, name)}" for name in ("development", "test", "production")]


def cache_store(use: LlmUse, name_of: str | None = None) -> str:
    """The cache store of an environment, of the one that is run by default; Rails' own is a file store."""
    name = name_of or environment(use.tree)
    return use.tree.derived(("cache store", name), lambda: _cache_store(use, name))


def _cache_store(use: LlmUse, name_of: str) -> str:
    chosen = ["file_store"]
    for name in ("config/application.rb", f"config/environments/{name_of}.rb"):
        for file in use.code.app_files:
            if in_area(file.path, name.rpartition("/")[0]) and file.path.endswith(name):
                chosen = _configured_stores(file) or chosen
    return next((s for s in chosen if s not in _LOCAL_STORES), chosen[0])


def _configured_stores(file: RubyFile) -> list[str]:
    found: list[str] = []
    for node in file.of("assignment"):
        if text(node.child_by_field_name("left")).endswith("config.cache_store"):
            values = [literal(n) or "" for n in descendants(node, "simple_symbol", "string")]
            found += [v for v in values if v.endswith("_store")]
    return found


def kept_places(use: LlmUse) -> list[Kept]:
    """Everything that looks like a conversation kept between requests."""
    found: list[Kept] = []
    for file in use.code.app_files:
        if not any(in_area(file.path, area) for area in _HOMES):
            continue
        for call in file.calls:
            found += _of_call(use, call)
        for node in file.of(*ASSIGNMENTS):
            found += _of_assignment(use, file, node)
    found += _records(use)
    return found or list(_pages(use))


def bounds(use: LlmUse) -> list[Location]:
    """Places that bound what is kept or replayed: the last N, a size, a time to live."""
    found = []
    for file in use.code.app_files:
        about = in_area(file.path, "app") or in_area(file.path, "lib") or in_area(file.path, "config")
        about = about and not in_area(file.path, "app/views")
        for call in file.calls if about else []:
            if _bounds(file, call):
                found.append(call.location)
    return found


# --- one place at a time -------------------------------------------------------------------------


def _of_call(use: LlmUse, call: Call) -> Iterator[Kept]:
    session = _session_medium(use, call)
    cache = re.fullmatch(r"ActiveSupport::Cache::(\w+)", constant_path(call.receiver) or "")
    if session:
        yield session
    elif cache and call.name == "new":
        yield Kept("cache", call.location, re.sub(r"(?<!^)(?=[A-Z])", "_", cache[1]).lower())
    elif _may_write(call) and is_about(use, call.file, call.node):
        yield from _of_write(use, call)


def _may_write(call: Call) -> bool:
    """Whether its name is one of those that write."""
    return call.name in _WRITING or _REDIS.fullmatch(call.name) is not None


def _of_write(use: LlmUse, call: Call) -> Iterator[Kept]:
    if call.name in _WRITES and _comes_from(use, call, "Rails.cache"):
        yield Kept("cache", call.location, cache_store(use))
    elif constant_path(call.receiver) == "SQLite3::Database" and call.name in ("new", "open"):
        yield Kept("database", call.location)
    elif _writes_file(use, call):
        yield Kept("file", call.location)
    elif _REDIS.fullmatch(call.name) and _comes_from(use, call, "redis", "Kredis"):
        yield Kept("redis", call.location)
    elif call.name in _DECLARING and _holds_collection(call):
        yield Kept("process", call.location)


def _holds_collection(call: Call) -> bool:
    return any(_COLLECTION.fullmatch(text(value)) for _, value in call.keywords)


def _session_medium(use: LlmUse, call: Call) -> Kept | None:
    """A write to `session[...]` or `cookies[...]` that holds more than an identifier."""
    holder, key, values = call.receiver, list[Node](), tuple[Node, ...]()
    if call.name in ("<<", "push", "concat", "append") and holder is not None:
        key = holder.named_children[1:2] if holder.type == "element_reference" else []
        holder = holder.child_by_field_name("object")
    elif call.name == "[]=" and len(call.positional) == 2:
        key, values = [call.positional[0]], call.positional[1:]
    if not key or not re.search(r"(^|[@.])(session|cookies(\.\w+)*)$", text(holder)):
        return None
    name = _key_name(use, call.file, key[0])
    if _IDENTIFIER.search(name) or any(_ID_VALUE.search(text(v)) for v in values):
        return None
    words = f"{name} {_own_name(use.code.owner(call.file, call.node).name)}"
    listed = not values or any(_LIST.search(text(v)) for v in values)
    if not CONVERSATION.search(words) and not (listed and _spells_turns(use, call)):
        return None
    store = _session_store(use)
    return Kept("session", call.location, cache_store(use) if store == "cache_store" else store)


def _spells_turns(use: LlmUse, call: Call) -> bool:
    """Whether the method around it writes out turns: who spoke, and what was said."""
    method = use.code.method_of(call.file, call.node)
    written = "" if method is None else text(method.node)
    return re.search(r"\brole\b", written) is not None and re.search(r"\bcontent\b", written) is not None


def _key_name(use: LlmUse, file: RubyFile, key: Node) -> str:
    value = literal(key)
    if value is None and key.type == "constant":
        value = next((literal(d) for d in use.kinds.names.definitions(file, key)), None)
    return value or text(key)


def _session_store(use: LlmUse) -> str:
    for call in use.kinds.names.calls("session_store"):
        if call.positional and use.code.is_app_file(call.file):
            return literal(call.positional[0]) or "cookie_store"
    return "cookie_store"


def _writes_file(use: LlmUse, call: Call) -> bool:
    receiver = constant_path(call.receiver)
    opened = call.name == "open" and any(map(_opens_for_writing, call.positional))
    if receiver in ("File", "IO", "Pathname"):
        return call.name in ("write", "binwrite", "atomic_write") or opened
    if receiver in ("PStore", "YAML::Store"):
        return call.name == "new"
    named = _PATH.search(text(call.receiver)) is not None
    writes = call.name in ("write", "binwrite") or opened
    return writes and (named or _comes_from(use, call, "Rails.root", "Pathname"))


def _opens_for_writing(mode: Node) -> bool:
    return re.match(r"(w\+?|a\+?|r\+)b?(:|$)", literal(mode) or "") is not None or "File::CREAT" in text(mode)


def _comes_from(use: LlmUse, call: Call, *origins: str) -> bool:
    """Whether a receiver is, or was set from, an expression that contains one of these words."""
    sources = [] if call.receiver is None else use.kinds.names.origins(call.file, call.receiver)
    return any(word.lower() in source.lower() for source in sources for word in origins)


def _of_assignment(use: LlmUse, file: RubyFile, node: Node) -> Iterator[Kept]:
    """A collection in a class variable, a constant, a global or a class's own instance variable."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or not _COLLECTION.fullmatch(text(right).removesuffix(".freeze")):
        return
    if text(right).endswith(".freeze") or not _lives_in_process(use, file, node, left):
        return
    names = f"{text(left)} {_own_name(use.code.owner(file, node).name)}"
    if CONVERSATION.search(names) and not re.search(r"lock|mutex|rate|limit", text(left), re.I):
        yield Kept("process", file.location(node))


def _lives_in_process(use: LlmUse, file: RubyFile, node: Node, left: Node) -> bool:
    if left.type in ("class_variable", "global_variable", "constant"):
        return True
    if left.type == "instance_variable":
        singleton = use.kinds.self_at(file, node).name == "App.class"
        return singleton or "Singleton" in use.code.owner(file, node).includes
    return left.type == "call" and "config" in text(left)


def is_about(use: LlmUse, file: RubyFile, node: Node) -> bool:
    """Whether code deals with the conversation, by the names of its file, class, method or itself."""
    if CONVERSATION.search(_own_name(file.path)) or CONVERSATION.search(text(node)):
        return True
    method = use.code.method_of(file, node)
    names = (_own_name(use.code.owner(file, node).name), method.name if method else "")
    return any(CONVERSATION.search(name) for name in names)


def _own_name(name: str) -> str:
    """A class or path without the folder of a nested application, which may be called a chat itself."""
    return re.sub(r"^<?(?:.*?/)??(?=(?:app|lib|config)/)", "", name)


def _records(use: LlmUse) -> Iterator[Kept]:
    for owner in use.code.classes.values():
        is_record = {"ApplicationRecord", "ActiveRecord::Base"} & set(use.code.ancestry(owner))
        if is_record and CONVERSATION.search(owner.name) and use.code.is_app_file(owner.file):
            yield Kept("database", owner.file.location(owner.bodies[0][1]))


def _pages(use: LlmUse) -> Iterator[Kept]:
    """The page itself carries the conversation and sends it back with each turn."""
    for file in use.code.app_files:
        for call in file.calls if in_area(file.path, "app") else []:
            key = (
                literal(call.positional[0])
                if call.name in ("[]", "fetch", "dig") and call.positional
                else None
            )
            plural = key is not None and re.fullmatch(r"history|messages|conversation|transcript|turns", key)
            if plural and text(call.receiver) == "params":
                yield Kept("page", call.location)


def _bounds(file: RubyFile, call: Call) -> bool:
    receiver, shown = text(call.receiver), text(call.node)
    if (
        call.name in ("last", "take", "limit", "drop", "last!")
        and call.positional
        and call.receiver is not None
    ):
        return bool(
            CONVERSATION.search(receiver)
            or re.search(r"kept|entries|items|list|log|stored|all|pairs|\+", receiver)
        )
    if call.name == "[]" and call.positional and re.match(r"\(?-", text(call.positional[0])):
        return ".." in shown or len(call.positional) == 2
    if call.keyword("expires_in") is not None:
        return True
    if call.name in ("shift", "slice!", "ltrim", "shift!"):
        around = file.enclosing(
            call.node, "while", "until", "while_modifier", "until_modifier", "if", "if_modifier"
        )
        return call.name == "ltrim" or around is not None or bool(call.positional)
    return (
        call.name in ("delete_if", "reject!", "expire", "expireat")
        and CONVERSATION.search(file.path) is not None
    )
