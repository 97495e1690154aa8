"""Is the conversation kept between requests, where, and how much of it?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runner.core.protocols import Subject
from runner.core.records import Finding
from runner.core.tree import SourceTree
from runner.probes.kit.llm import retention
from runner.probes.kit.llm.llm_calls import LlmUse
from runner.probes.kit.llm.stores import Kept, bounds, cache_stores, environment, kept_places
from runner.probes.kit.llm.turns import kept_chats
from runner.probes.kit.ruby.budget import within_budget
from runner.probes.kit.verdicts import Verdict, bad, good, moot

CHECKS = {
    "persistence.kept": "the conversation is kept between requests",
    "persistence.shared": "what is kept is seen by every process, also after a restart",
    "persistence.bounded": "what is kept is bounded in number, size or time",
    "persistence.cookie_fits": "a conversation in the session cookie stays below its 4 KB",
    "persistence.expires": "what is kept outside a database ends by itself some time",
}
_OWN_END = ("cookie_store", "active_record_store")
_LASTING = ("cache", "redis", "file", "process")


def findings(tree: SourceTree, manifests: Path) -> list[Finding]:
    """One finding per check."""
    use = LlmUse.of(tree, manifests)
    places = kept_places(use) + [Kept("process", place) for place in kept_chats(use)]
    places = list(dict.fromkeys(places))
    keeping = [k for k in places if not k.lost]
    verdicts = {
        "kept": _kept(use, places, keeping),
        "shared": _shared(use, keeping),
        "bounded": _bounded(use, keeping),
        "cookie_fits": _cookie_fits(use, keeping),
        "expires": _expires(use, keeping),
    }
    return [verdict.of(f"persistence.{name}") for name, verdict in verdicts.items()]


def _kept(use: LlmUse, places: list[Kept], keeping: list[Kept]) -> Verdict:
    if keeping:
        media = sorted({k.medium for k in keeping})
        return good(
            f"the conversation is kept in: {', '.join(media)}", [k.location for k in keeping], media=media
        )
    if places:
        message = (
            f"the conversation goes to the cache, but its store keeps nothing in {environment(use.tree)}"
        )
        return bad(message, [k.location for k in places])
    return bad(
        "nothing keeps the conversation (looked for session, cache, files, database, Redis, variables)"
    )


def _shared(use: LlmUse, keeping: list[Kept]) -> Verdict:
    if not keeping:
        return moot("nothing is kept")
    shared = [k for k in keeping if not k.local]
    if shared:
        names = sorted({k.detail or k.medium for k in shared})
        places = [k.location for k in shared]
        return good(
            f"every process sees it: {', '.join(names)}", places, stores=names, **_caches(use, shared)
        )
    message = "only one process knows the conversation, and only until it ends"
    return bad(message, [k.location for k in keeping], **_caches(use, keeping))


def _caches(use: LlmUse, keeping: list[Kept]) -> dict[str, list[str]]:
    """The cache store of every environment, if the conversation goes to the cache."""
    return {"caches": cache_stores(use)} if any(k.medium == "cache" for k in keeping) else {}


def _bounded(use: LlmUse, keeping: list[Kept]) -> Verdict:
    if not keeping:
        return moot("nothing is kept")
    limits = bounds(use)
    if limits:
        return good("what is kept is bounded", limits)
    message = "nothing bounds what is kept (looked for the last N, a size, a time to live)"
    if any(k.detail == "cookie_store" for k in keeping):
        message = "the session cookie holds about 4 KB and nothing keeps the conversation below that"
    return bad(message, [k.location for k in keeping])


def _cookie_fits(use: LlmUse, keeping: list[Kept]) -> Verdict:
    cookies = [k.location for k in keeping if k.detail == "cookie_store"]
    if not cookies:
        return moot("no conversation is kept in a cookie")
    measuring = retention.measured(use)
    if measuring:
        return good("the bytes of what goes into the cookie are counted", measuring)
    lengths, numbers = retention.cut_texts(use), retention.counts(use)
    if not lengths or not numbers:
        missing = "the length of a turn" if numbers else "the number of turns"
        return bad(f"nothing bounds {missing}: the session cookie overflows at about 4 KB", cookies)
    length, number = max(n or 0 for n, _ in lengths), max(n or 0 for n, _ in numbers)
    places = [lengths[0][1], numbers[0][1]]
    if length * number > retention.COOKIE_TEXT:
        message = f"{number} turns of up to {length} characters do not fit into a session cookie of 4 KB"
        return bad(message, [*cookies, *places])
    return good("number and length of the turns in the cookie are bounded", places)


def _expires(use: LlmUse, keeping: list[Kept]) -> Verdict:
    if not keeping:
        return moot("nothing is kept")
    lasting = [
        k for k in keeping if k.medium in _LASTING or (k.medium == "session" and k.detail not in _OWN_END)
    ]
    if not lasting:
        media = sorted({k.medium for k in keeping})
        return (
            moot("a database keeps what it is given on purpose")
            if "database" in media
            else good("what is kept ends with the browser's session", [k.location for k in keeping])
        )
    ends = retention.times_to_live(use)
    if ends:
        return good("what is kept ends by itself", ends)
    media = sorted({k.medium for k in lasting})
    message = f"nothing ever ends what is kept in: {', '.join(media)} (looked for a time to live)"
    return bad(message, [k.location for k in lasting])


class PersistenceProbe:
    """Looks for the place where the conversation lives."""

    id = "persistence"
    version = 6
    needs_lab = False
    checks: Mapping[str, str] = CHECKS

    async def run(self, subject: Subject) -> list[Finding]:
        """Judge the tree."""
        return within_budget(self, subject.tree, lambda: findings(subject.tree, subject.manifests))


PROBE = PersistenceProbe()
